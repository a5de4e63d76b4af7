using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Studies;
using LatentStitching.Supports;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

/// <summary>Training dynamics, levels, support sets and kinds of pairs.</summary>
[NoTensorLeaks]
public sealed class OtherStudiesTests
{
    /// <summary>The final model's latent with its last columns drowned: at checkpoint k, the first k of six columns are what they will be.</summary>
    private static DelegateLatentModel Growing(int known) => LatentModel.FromFunctions(
        "growing",
        Toy.Format,
        LatentSpace.Vector(6),
        images =>
        {
            Tensor pixels = images.flatten(1);
            return cat([pixels.narrow(1, 0, known), pixels.narrow(1, known, 6 - known).mul(0)], 1);
        },
        latents => latents.clamp(0, 1).reshape(-1, 1, 2, 3));

    [Fact]
    public void TrainingDynamics_FollowsTheSeries_AndFindsWhereItConverged()
    {
        using TempFolder folder = new();
        LabelledImages images = new(160);
        (long Seen, int Known)[] series = [(0, 1), (100, 3), (400, 6), (1600, 6)];
        TrainingDynamicsResult result = TrainingDynamicsStudy.Run(
            [.. series.Select(point => new StudyCheckpoint(point.Seen, () => Growing(point.Known)))], images, folder.Root, StudyToys.Options, ModelFamily.Flow);
        result.Points.Select(point => point.ImagesSeen).Should().Equal(0, 100, 400, 1600);
        double[] r2 = [.. result.Points.SkipLast(1).Select(point => point.R2ToFinal!.Value)];
        var split = DataSplit.CreateByShare(160, 0.6, 0.2, 0.2, 0);
        using (NewDisposeScope())
        {
            using DelegateLatentModel first = Growing(1), last = Growing(6);
            using LatentPairs pairs = new(first.Encode(images.Load(split.MapTrain)), last.Encode(images.Load(split.MapTrain)));
            using LatentMapFit fit = new RidgePathFitter().Fit(pairs);
            Tensor test = images.Load(split.Test);
            r2[0].Should().BeApproximately(new LatentR2().Evaluate(fit.Map.Apply(first.Encode(test)), last.Encode(test)).Value, 1e-6);
        }
        double zero = Math.Max(0, r2[0]);
        for (int i = 0; i < 3; i++) result.Points[i].Convergence.Should().BeApproximately((Math.Max(0, r2[i]) - zero) / (1 - zero), 1e-12);
        result.Points[3].Convergence.Should().Be(1);
        result.Points[3].ErrorToFinal.Should().BeNull();
        result.Points[1].CkaToNext!.Value.Should().BeInRange(0.2, 0.99);
        result.Points[1].TransferredAccuracy.Should().BeGreaterThan(0.8, "the first pixel is in the first column");
        (result.ConvergedAt, result.ConvergedShare).Should().Be((400, 0.25));
        result.Study.Pairs.Where(pair => !pair.IsControl).Select(pair => (pair.Source, pair.Target)).Should().BeEquivalentTo(
            [("growing@0", "growing@1600"), ("growing@100", "growing@1600"), ("growing@400", "growing@1600"), ("growing@0", "growing@100"), ("growing@100", "growing@400")]);
        File.ReadAllText(folder["dynamics.json"]).Should().Be(result.ToJson());
    }

    [Fact]
    public void TrainingDynamics_Refuses()
    {
        using TempFolder folder = new();
        Action one = () => TrainingDynamicsStudy.Run([new StudyCheckpoint(0, () => Growing(1))], new LabelledImages(60), folder.Root);
        one.ShouldRefuse("checkpoints", "checkpoints must hold at least two, but it holds 1.");
        Action twins = () => TrainingDynamicsStudy.Run([new StudyCheckpoint(5, () => Growing(1)), new StudyCheckpoint(5, () => Growing(2))], new LabelledImages(60), folder.Root);
        twins.ShouldRefuse("checkpoints", "checkpoints must have seen different numbers of images, but two have seen 5.");
        Action negative = () => _ = new StudyCheckpoint(-1, () => Growing(1));
        negative.ShouldRefuse("imagesSeen", "imagesSeen must be zero or more, but it is -1.");
    }

    [Fact]
    public void Levels_AreComparedAndReplaced()
    {
        using TempFolder folder = new();
        LabelledImages images = new(60);
        using ILatentModel narrow = StudyToys.Narrow("narrow"), linear = Toy.Linear("a", 1);
        LevelStudyResult result = LevelStudy.Run([new StudyMember(narrow), new StudyMember(linear)], images, folder.Root, StudyToys.Options with { Paths = false });
        result.Study.Failures.Should().BeEmpty();
        result.Study.Models.Where(model => !model.IsControl).Select(model => model.Name).Should().Equal("narrow/left", "narrow/right", "a/z");
        result.Study.Pair("a/z", "narrow/left")!.Number(StudyQuantity.Latent, "normalised latent MSE")!.Value.Value.Should().BeLessThan(1e-6);
        result.Replacements.Select(entry => entry.Level).Should().Equal("left", "right");
        var split = DataSplit.CreateByShare(60, 0.6, 0.2, 0.2, 0);
        using (NewDisposeScope())
        {
            // The level "left" is the first two pixels, so replacing it replaces these.
            Tensor test = images.Load(split.Test).flatten(1).narrow(1, 0, 4), donor = test.roll([1L], [0L]);
            double left = test.sub(donor).pow(2).narrow(1, 0, 2).sum().ToDouble() / (6 * test.size(0)), right = test.sub(donor).pow(2).narrow(1, 2, 2).sum().ToDouble() / (6 * test.size(0));
            result.Replacements[0].ToOwn.Value.Should().BeApproximately(left, 1e-6);
            result.Replacements[0].ToDonor.Value.Should().BeApproximately(right, 1e-6);
            result.Replacements[0].Share.Should().BeApproximately(left / (left + right), 1e-5);
        }
        File.ReadAllText(folder["levels.json"]).Should().Be(result.ToJson());
        using ILatentModel gan = StudyToys.Narrow("gan", prior: true);
        Action act = () => LevelStudy.Run([new StudyMember(gan) { Encodes = false }], images, folder.Root);
        act.ShouldRefuse("models", "models must encode, but gan is said not to. Levels are compared on the same images.");
    }

    [Fact]
    public void SupportSets_NeedAsManyImagesAsTheMapHasNumbers()
    {
        LabelledImages images = new(100);
        using ILatentModel a = Toy.Linear("a", 1), b = Toy.Linear("b", 2);
        Steps<SupportSetStudyPoint> steps = new();
        SupportSetResult result = SupportSetStudy.Run(a, b, images, new SupportSetOptions { Sizes = [4, 12, 40, 500], Repeats = 3 }, steps);
        result.Points.Select(point => point.Size).Should().Equal(4, 12, 40, 80);
        steps.All.Should().Equal(result.Points);
        result.Points.Select(point => point.Errors.Count).Should().Equal(3, 3, 3, 1);
        result.Points[0].MeanError.Should().BeGreaterThan(0.05, "four images do not determine seven numbers a column");
        result.Points[1].MeanError.Should().BeLessThan(1e-3);
        result.Points[3].MeanImageError.Should().BeApproximately(result.Ceiling.Value, 1e-5);
        SupportSetStudy.Run(a, b, images, new SupportSetOptions { Sizes = [4, 12, 40, 500], Repeats = 3 }).ToJson().Should().Be(result.ToJson());
    }

    [Fact]
    public void SupportSets_AreChosenByTheCaller()
    {
        LabelledImages images = new(100);
        using ILatentModel a = Toy.Linear("a", 1), b = Toy.Linear("b", 2);
        List<ulong> asked = [];
        SupportSetResult result = SupportSetStudy.Run(a, b, images, new SupportSetOptions
        {
            Sizes = [10], Repeats = 2, Seed = 7,
            Selector = seed =>
            {
                asked.Add(seed);
                return new First(repeated: false);
            },
        });
        asked.Should().Equal(7, 8, 7);
        (result.Selection, result.Points[0].Errors[0].Value).Should().Be(("support|by:first", result.Points[0].Errors[1].Value));
        Action twice = () => SupportSetStudy.Run(a, b, images, new SupportSetOptions { Sizes = [4], Selector = _ => new First(repeated: true) });
        twice.ShouldSay<InvalidOperationException>("support|by:first must choose 4 different rows from 0 to 79, but it chose 4, 1 of them different.");
        Action none = () => SupportSetStudy.Run(a, b, images, new SupportSetOptions { Sizes = [4], Selector = _ => null! });
        none.ShouldSay<InvalidOperationException>("options.Selector must give a selector for every seed, but it gave null.");
        Action few = () => _ = new SupportSetOptions { Sizes = [2] };
        few.ShouldRefuse("Sizes", "Sizes must be at least 3, but it is 2.");
        Action split = () => SupportSetStudy.Run(a, b, images, new SupportSetOptions { Split = DataSplit.Create(100, 50, 0, 1, 0) });
        split.ShouldRefuse("options", "options.Split must split the 100 images into disjoint sets, at least 3 to choose from and 2 to judge, but it is 100 images: 50 map-train, 0 probe-train, 1 test (seed 0).");
    }

    [Fact]
    public void Faces_PrincipalComponentsAndVaes_MakeAStudyOfAllKinds()
    {
        using TempFolder folder = new();
        ProceduralFaces images = new(120, 32, 3);
        using PcaModel few = PcaModel.Fit(images.Take(60), 4, "pca-4"), many = PcaModel.Fit(images.Take(60), 12, "pca-12");
        using Vae first = Vae.Create(new VaeOptions { Name = "vae-1", Image = ImageFormat.Rgb(32), LatentDimension = 4, Seed = 1 }), second = Vae.Create(new VaeOptions { Name = "vae-2", Image = ImageFormat.Rgb(32), LatentDimension = 4, Seed = 2 });
        StudyResult result = StitchingStudy.Run(
            [
                new StudyMember(few) { Family = ModelFamily.Linear, Architecture = "pca 4" },
                new StudyMember(many) { Family = ModelFamily.Linear, Architecture = "pca 12" },
                new StudyMember(first) { Family = ModelFamily.Vae, Architecture = "vae" },
                new StudyMember(second) { Family = ModelFamily.Vae, Architecture = "vae" },
            ],
            images,
            folder.Root,
            StudyToys.Options with { Paths = false, Attributes = ["Male", "Smiling"] });
        result.Failures.Should().BeEmpty();
        result.Pair("pca-12", "pca-4")!.Number(StudyQuantity.Recovered)!.Value.Value.Should().BeGreaterThan(0.9, "the four are among the twelve");
        result.Pair("pca-4", "pca-12")!.Number(StudyQuantity.Recovered)!.Value.Value.Should().BeLessThan(0.95, "eight are lost");
        IReadOnlyList<MapKindSummary> kinds = MapKinds.Summarise(result);
        kinds.Select(kind => (kind.Kind, kind.Pairs.Count)).Should().Equal((MapKind.SameModel, 2), (MapKind.SameObjective, 2), (MapKind.DifferentObjective, 8));
        MapKindNumber error = kinds[1].Numbers.Single(number => number.Metric == "pixel MSE" && number.Quantity == StudyQuantity.Image);
        (string, string)[] both = [("pca-4", "pca-12"), ("pca-12", "pca-4")];
        double[] values = [.. both.Select(pair => result.Pair(pair.Item1, pair.Item2)!.Number(StudyQuantity.Image, "pixel MSE")!.Value.Value)];
        (error.Mean, error.Least, error.Most).Should().Be((values.Average(), values.Min(), values.Max()));

        IReadOnlyList<Finding> findings = Findings.Evaluate(new FindingEvidence { Study = result });
        findings.Select(finding => finding.Id).Should().Equal(Enumerable.Range(1, 15).Select(i => $"F{i}"));
        findings.Where(finding => finding.State != FindingState.NotTestable).Select(finding => finding.Id).Should().Equal(["F5", "F7", "F8"], "an untrained decoder is no better than the mean image, so F11 has no number");
        findings.Should().OnlyContain(finding => (finding.Numbers.Count == 0) == (finding.State == FindingState.NotTestable));
    }

    private sealed class First(bool repeated) : ISupportSelector
    {
        public string Signature => "support|by:first";

        public IReadOnlyList<long> Select(Tensor latents, int count, CancellationToken cancellationToken = default) => [.. Enumerable.Range(0, count).Select(row => repeated ? 0L : row)];
    }
}
