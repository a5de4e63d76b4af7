using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Studies;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

/// <summary>What interrupts a study costs the part at hand and changes no byte; what fails is told and does not take the rest with it.</summary>
[NoTensorLeaks]
public sealed class StudyResumeTests
{
    private const int Count = 40;

    private static readonly StitchingStudyOptions _options = StudyToys.Options with { Similarities = [new LatentStitching.Metrics.Similarity.LinearCka()], BatchSize = 8 };

    [Fact]
    public void Run_KilledAtTwentyRandomMoments_EndsWithTheSameBytes()
    {
        ILatentModel[] inner = [Toy.Linear("a", 1), StudyToys.Narrow("narrow")];
        (byte[] json, byte[] csv) = Undisturbed(inner, out int moments);
        SplitMix64 random = new(11);
        int kills = 0;
        while (kills < 20)
        {
            using TempFolder folder = new();
            int killed = 0;
            // Where each run is killed: in a model, in the images, or in the progress, at a moment that any run might reach.
            for (int attempt = 0; attempt < 5 && kills < 20; attempt++)
            {
                int left = random.Below(moments / 2);
                void Burn()
                {
                    if (left-- == 0) throw new OperationCanceledException();
                }
                using CancellationTokenSource stop = new();
                int where = random.Below(3);
                FragileModel[] models = [.. inner.Select(model => new FragileModel(model, where == 0 ? Cancel : null, where == 0 ? Cancel : null))];
                LabelledImages images = new(Count) { BeforeLoad = where == 1 ? Cancel : null };
                try
                {
                    StitchingStudy.Run(StudyToys.Members(models), images, folder.Root, _options, where == 2 ? new Fuse(left) : null, stop.Token);
                    break;
                }
                catch (Exception e) when (e is OperationCanceledException or Blown)
                {
                    killed++;
                    kills++;
                    File.Exists(folder["results.json"]).Should().BeFalse();
                }

                void Cancel()
                {
                    if (left == 0) stop.Cancel();
                    Burn();
                }
            }
            if (killed == 0) continue;
            StitchingStudy.Run(StudyToys.Members([.. inner.Select(model => new FragileModel(model))]), new LabelledImages(Count), folder.Root, _options);
            File.ReadAllBytes(folder["results.json"]).Should().Equal(json);
            File.ReadAllBytes(folder["results.csv"]).Should().Equal(csv);
        }
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Run_Again_ComputesNothing()
    {
        using TempFolder folder = new();
        ILatentModel[] inner = [Toy.Linear("a", 1), StudyToys.Narrow("narrow")];
        StitchingStudy.Run(StudyToys.Members([.. inner.Select(model => new FragileModel(model))]), new LabelledImages(Count), folder.Root, _options);
        byte[] json = File.ReadAllBytes(folder["results.json"]);
        Steps<StudyProgress> steps = new();
        FragileModel[] models = [.. inner.Select(model => new FragileModel(model, () => throw new InvalidOperationException("encoded again"), () => throw new InvalidOperationException("decoded again")))];
        StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(Count), folder.Root, _options, steps).Failures.Should().BeEmpty();
        steps.All.Should().OnlyContain(step => step.Resumed && step.Share == 1);
        steps.All.Select(step => step.Done).Should().Equal(Enumerable.Range(1, steps.All[0].Total));
        File.ReadAllBytes(folder["results.json"]).Should().Equal(json);
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Run_WithOneMoreModel_KeepsWhatIsFinished()
    {
        using TempFolder folder = new();
        ILatentModel[] inner = StudyToys.Models();
        StitchingStudy.Run(StudyToys.Members(inner[..2]), new LabelledImages(Count), folder.Root, _options);
        Steps<StudyProgress> steps = new();
        StitchingStudy.Run(StudyToys.Members(inner), new LabelledImages(Count), folder.Root, _options, steps);
        steps.All.Where(step => step.Share == 1 && !step.Resumed).Should().OnlyContain(step => step.Item.Contains("narrow", StringComparison.Ordinal));
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Run_WithOtherOptions_ComputesAgain()
    {
        using TempFolder folder = new();
        ILatentModel[] inner = [Toy.Linear("a", 1), StudyToys.Narrow("narrow")];
        StitchingStudy.Run(StudyToys.Members(inner), new LabelledImages(Count), folder.Root, _options);
        Steps<StudyProgress> steps = new();
        StitchingStudy.Run(StudyToys.Members(inner), new LabelledImages(Count), folder.Root, _options with { Seed = 1 }, steps);
        steps.All.Should().NotContain(step => step.Resumed);
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Run_AModelThatCannotDecode_LosesItsOwnPairsAlone_AndIsTriedAgain()
    {
        using TempFolder folder = new(), whole = new();
        ILatentModel[] inner = StudyToys.Models();
        FragileModel[] models = [.. inner.Select((model, i) => new FragileModel(model, null, i == 1 ? () => throw new InvalidOperationException("broken decoder") : null))];
        StudyResult result = StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(Count), folder.Root, _options);
        result.Failures.Where(failure => failure.Step == "own").Should().Equal(new StudyFailure("own", "b (labelled)", "InvalidOperationException", "broken decoder"));
        result.Failures.Where(failure => failure.Step == "pair").Select(failure => failure.Item).Should().BeEquivalentTo(
            "a → b (labelled)", "narrow → b (labelled)", "gaussian → b (labelled)", "untrained → b (labelled)");
        result.Failures.First(failure => failure.Step == "pair").Message.Should().Be("b has no reconstruction of its own to be judged by: see its failure.");
        result.Pairs.Should().HaveCount(8).And.NotContain(pair => pair.Target == "b");
        result.Models[1].Own.Should().BeEmpty();
        result.Failures.Where(failure => failure.Step == "path").Should().OnlyContain(failure => failure.Message.EndsWith(" → b is missing: it was not fitted, or is not affine.", StringComparison.Ordinal)).And.NotBeEmpty();

        FragileModel[] mended = [.. inner.Select(model => new FragileModel(model))];
        StitchingStudy.Run(StudyToys.Members(mended), new LabelledImages(Count), folder.Root, _options).Failures.Should().BeEmpty();
        StitchingStudy.Run(StudyToys.Members(mended), new LabelledImages(Count), whole.Root, _options);
        File.ReadAllBytes(folder["results.json"]).Should().Equal(File.ReadAllBytes(whole["results.json"]));
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Run_AModelThatCannotEncode_IsToldAndTheOthersGoOn()
    {
        using TempFolder folder = new();
        ILatentModel[] inner = StudyToys.Models();
        using DelegateLatentModel broken = LatentModel.FromFunctions("broken", Toy.Format, LatentSpace.Vector(2), _ => throw new InvalidOperationException("broken encoder"), latents => zeros(latents.size(0), 1, 2, 3));
        StudyResult result = StitchingStudy.Run(StudyToys.Members([inner[0], inner[1], broken]), new LabelledImages(Count), folder.Root, _options);
        result.Failures[0].Should().Be(new StudyFailure("encode", "latents of broken (labelled)", "InvalidOperationException", "broken has no fingerprint: broken encoder"));
        result.Pairs.Where(pair => !pair.IsControl).Select(pair => pair.ToString()).Should().Equal("b → a (labelled)", "a → b (labelled)");
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Run_MapsThatAreNotAffine_AreNotKept_AndTheirPairsCountAsFinished()
    {
        using TempFolder folder = new();
        ILatentModel[] inner = [Toy.Linear("a", 1), StudyToys.Narrow("narrow")];
        StitchingStudyOptions options = _options with { Fitter = new WrappedFitter() };
        StudyResult result = StitchingStudy.Run(StudyToys.Members(inner), new LabelledImages(Count), folder.Root, options);
        result.Pairs.Where(pair => !pair.IsControl).Should().HaveCount(2);
        result.Paths.Should().BeEmpty();
        result.Failures.Select(failure => failure.Message).Should().Equal(
            "The map a → narrow is missing: it was not fitted, or is not affine.", "The map narrow → a is missing: it was not fitted, or is not affine.");
        Steps<StudyProgress> steps = new();
        StitchingStudy.Run(StudyToys.Members(inner), new LabelledImages(Count), folder.Root, options, steps);
        steps.All.Where(step => !step.Resumed).Select(step => step.Item).Should().Equal("a → narrow → a", "narrow → a → narrow");
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Run_WithImagesReadAgainForEachPair_GivesTheSameBytes()
    {
        ILatentModel[] inner = [Toy.Linear("a", 1), StudyToys.Narrow("narrow")];
        byte[][] results = [.. ((long[])[1 << 20, 0]).Select(memory =>
        {
            using TempFolder folder = new();
            StitchingStudy.Run(StudyToys.Members(inner), new LabelledImages(Count), folder.Root, _options with { ImageMemory = memory });
            return File.ReadAllBytes(folder["results.json"]);
        })];
        results[1].Should().Equal(results[0]);
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Run_AFolderInUse_IsRefused()
    {
        using TempFolder folder = new();
        ILatentModel[] inner = StudyToys.Models();
        using (File.Open(folder["study.lock"], FileMode.Create, FileAccess.ReadWrite, FileShare.None))
        {
            Action act = () => StitchingStudy.Run(StudyToys.Members(inner), new LabelledImages(Count), folder.Root, _options);
            act.Should().Throw<IOException>();
        }
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Run_ADamagedPart_IsToldByItsPath()
    {
        using TempFolder folder = new();
        ILatentModel[] inner = [Toy.Linear("a", 1), StudyToys.Narrow("narrow")];
        StitchingStudy.Run(StudyToys.Members(inner), new LabelledImages(Count), folder.Root, _options);
        string part = Directory.GetFiles(folder["parts"], "pair-a--narrow-*").Single();
        File.WriteAllText(part, "{");
        StudyResult result = StitchingStudy.Run(StudyToys.Members(inner), new LabelledImages(Count), folder.Root, _options);
        result.Failures.Should().ContainSingle().Which.Message.Should().StartWith($"'{part}' must hold a StudyPart`1, but it does not: ");
        StudyToys.Dispose(inner);
    }

    private static (byte[] Json, byte[] Csv) Undisturbed(ILatentModel[] inner, out int moments)
    {
        using TempFolder folder = new();
        int calls = 0;
        FragileModel[] models = [.. inner.Select(model => new FragileModel(model, () => calls++, () => calls++))];
        StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(Count), folder.Root, _options);
        moments = calls;
        return (File.ReadAllBytes(folder["results.json"]), File.ReadAllBytes(folder["results.csv"]));
    }

    /// <summary>A linear map that does not say so.</summary>
    private sealed class WrappedFitter : ILatentMapFitter
    {
        public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
        {
            LatentMapFit fit = new RidgePathFitter().Fit(pairs, progress, cancellationToken);
            return new LatentMapFit(new WrappedMap(fit.Map), fit.Report);
        }

        public override string ToString() => "ridge path, wrapped";
    }

    private sealed class WrappedMap(ILatentMap inner) : ILatentMap
    {
        public long SourceDimension => inner.SourceDimension;

        public long TargetDimension => inner.TargetDimension;

        public Tensor Apply(Tensor latents) => inner.Apply(latents);

        public void Dispose() => inner.Dispose();
    }
}
