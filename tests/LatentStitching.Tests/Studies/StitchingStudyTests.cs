using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Distribution;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Metrics.Similarity;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Probing;
using LatentStitching.Studies;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

/// <summary>A study's numbers are those of its parts, taken one by one.</summary>
[NoTensorLeaks]
public sealed class StitchingStudyTests
{
    private const int Count = 160;

    [Fact]
    public void Run_GivesTheNumbersOfItsParts()
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        LabelledImages images = new(Count);
        StudyResult result = StitchingStudy.Run(StudyToys.Members(models), images, folder.Root, StudyToys.Options);
        result.Failures.Should().BeEmpty();
        result.Models.Select(model => model.Name).Should().Equal("a", "b", "narrow", "gaussian", "untrained");
        result.Pairs.Select(pair => (pair.Source, pair.Target)).Should().Equal(
            ("b", "a"), ("narrow", "a"), ("gaussian", "a"), ("untrained", "a"),
            ("a", "b"), ("narrow", "b"), ("gaussian", "b"), ("untrained", "b"),
            ("a", "narrow"), ("b", "narrow"), ("gaussian", "narrow"), ("untrained", "narrow"));
        var split = DataSplit.CreateByShare(Count, 0.6, 0.2, 0.2, 0);

        using (NewDisposeScope())
        {
            StudyPair pair = result.Pair("narrow", "a")!;
            Tensor train = images.Load(split.MapTrain), test = images.Load(split.Test);
            using LatentPairs pairs = new(models[2].Encode(train), models[0].Encode(train));
            using LatentMapFit fit = new RidgePathFitter().Fit(pairs);
            Tensor truth = models[0].Encode(test), mapped = fit.Map.Apply(models[2].Encode(test)), mean = pairs.Target.mean([0], keepdim: true);
            Same(pair.Number(StudyQuantity.Latent, "latent MSE")!.Value, new LatentMse().Evaluate(mapped, truth));
            StudyNumber error = pair.Number(StudyQuantity.Latent, "normalised latent MSE")!;
            Same(error.Value, new NormalisedLatentMse().Evaluate(mapped, truth));
            error.Ceiling!.Value.Should().Be(0);
            Same(error.MeanFloor!, new NormalisedLatentMse().Evaluate(mean.expand_as(truth), truth));
            Same(error.ShuffledFloor!, new NormalisedLatentMse().Evaluate(mapped.roll([1L], [0L]), truth));
            StudyNumber cka = pair.Number(StudyQuantity.Similarity, new LinearCka().Info.Name)!;
            Same(cka.Value, new LinearCka().Evaluate(models[2].Encode(test), truth));
            cka.Ceiling!.Value.Should().BeApproximately(1, 1e-12);

            StudyNumber pixels = pair.Number(StudyQuantity.Image, "pixel MSE")!;
            Tensor stitched = models[0].Decode(mapped);
            Same(pixels.Value, new PixelMse().Evaluate(stitched, test));
            Same(pixels.Ceiling!, new PixelMse().Evaluate(models[0].Decode(truth), test));
            Same(pixels.MeanFloor!, new PixelMse().Evaluate(models[0].Decode(mean).expand_as(test), test));
            pixels.ShuffledFloor!.Value.Should().BeApproximately(new PixelMse().Evaluate(stitched.roll([1L], [0L]), test).Value, 1e-7);
            Same(pair.Number(StudyQuantity.ImageToOwn, "pixel MSE")!.Value, new PixelMse().Evaluate(stitched, models[0].Decode(truth)));
            StudyNumber recovered = pair.Number(StudyQuantity.Recovered)!;
            recovered.Value.Value.Should().BeApproximately((pixels.MeanFloor!.Value - pixels.Value.Value) / (pixels.MeanFloor.Value - pixels.Ceiling!.Value), 1e-12);
            recovered.Value.Lower.Should().BeLessThan(recovered.Value.Value);
            pair.Fit.Alpha.Should().Be(fit.Report.Alpha);
            pair.Fit.SampleCount.Should().Be(96);
        }
        StudyToys.Dispose(models);
    }

    [Fact]
    public void Run_ReadsProbesOnOwnAndMappedLatents()
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        LabelledImages images = new(Count);
        StudyResult result = StitchingStudy.Run(StudyToys.Members(models), images, folder.Root, StudyToys.Options);
        result.Manifest.Attributes.Should().Equal("first");
        result.Manifest.AttributesLeftOut.Should().Equal("last", "never");
        var split = DataSplit.CreateByShare(Count, 0.6, 0.2, 0.2, 0);
        using (NewDisposeScope())
        {
            ILatentModel source = models[2], target = models[0];
            using ProbeFit probes = StudyToys.Options.ProbeTrainer.Train(target.Encode(images.Load(split.ProbeTrain)), ProbeLabels.Of(images.Attributes.Select(split.ProbeTrain), "first"));
            using LatentPairs pairs = new(source.Encode(images.Load(split.MapTrain)), target.Encode(images.Load(split.MapTrain)));
            using LatentMapFit fit = new RidgePathFitter().Fit(pairs);
            Tensor test = images.Load(split.Test);
            bool[] own = Labels(probes.Probes.Predict(target.Encode(test))), mapped = Labels(probes.Probes.Predict(fit.Map.Apply(source.Encode(test))));
            bool[] truth = [.. split.Test.Select(row => images.Attributes[row, "first"])];
            StudyModel alone = result.Models[0];
            alone.Number(StudyQuantity.Accuracy, attribute: "first")!.Value.Value.Should().BeApproximately(Share(own, truth), 1e-12);
            StudyPair pair = result.Pair("narrow", "a")!;
            pair.Number(StudyQuantity.Accuracy, attribute: "first")!.Value.Value.Should().BeApproximately(Share(mapped, truth), 1e-12);
            pair.Number(StudyQuantity.Accuracy, attribute: "first")!.Ceiling!.Value.Should().BeApproximately(Share(own, truth), 1e-12);
            pair.Number(StudyQuantity.AccuracyChange, attribute: "first")!.Value.Value.Should().BeApproximately(Share(mapped, truth) - Share(own, truth), 1e-12);
            pair.Number(StudyQuantity.Agreement, attribute: "first")!.Value.Value.Should().BeApproximately(Share(mapped, own), 1e-12);
            double balanced = ((bool[])[true, false]).Average(label => Enumerable.Range(0, truth.Length).Where(i => truth[i] == label).Average(i => mapped[i] == label ? 1.0 : 0));
            pair.Number(StudyQuantity.BalancedAccuracy, attribute: "first")!.Value.Value.Should().BeApproximately(balanced, 1e-12);
            pair.Number(StudyQuantity.BalancedAccuracy, attribute: "first")!.MeanFloor!.Value.Should().BeApproximately(0.5, 1e-12);
        }
        StudyToys.Dispose(models);
    }

    [Fact]
    public void Run_TellsWhatRandomEncodersReach_BesideEveryNumber()
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        StudyResult result = StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(Count), folder.Root, StudyToys.Options);
        foreach (StudyPair pair in result.Pairs)
        {
            pair.Numbers.Should().OnlyContain(number => pair.IsControl ? number.Controls.Count == 0 : number.Controls.Count == 2, pair.ToString());
        }
        StudyNumber error = result.Pair("a", "b")!.Number(StudyQuantity.Latent, "normalised latent MSE")!;
        error.Value.Value.Should().BeLessThan(1e-6, "one is a linear map of the other");
        StudyControl gaussian = error.Controls.Single(control => control.Name == "gaussian"), untrained = error.Controls.Single(control => control.Name == "untrained");
        gaussian.Value.Value.Should().BeGreaterThan(0.8, "noise knows nothing");
        gaussian.Value.Should().BeEquivalentTo(result.Pair("gaussian", "b")!.Number(StudyQuantity.Latent, "normalised latent MSE")!.Value);
        untrained.Value.Value.Should().BeInRange(1e-6, 0.8, "a random network keeps much of six pixels");
        StudyToys.Dispose(models);
    }

    [Fact]
    public void Run_ComposesMaps_ThereAndBackAndThroughAThird()
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        LabelledImages images = new(Count);
        StudyResult result = StitchingStudy.Run(StudyToys.Members(models), images, folder.Root, StudyToys.Options);
        result.Paths.Should().HaveCount(12);
        result.Paths.Where(path => path.Quantity == StudyQuantity.Cycle).Should().HaveCount(6);
        StudyPath exact = result.Paths.Single(path => path.Models.SequenceEqual(["a", "b", "a"]));
        exact.Error.Value.Should().BeLessThan(1e-6);
        exact.Direct.Should().BeNull();
        StudyPath narrow = result.Paths.Single(path => path.Models.SequenceEqual(["a", "narrow", "b"]));
        var split = DataSplit.CreateByShare(Count, 0.6, 0.2, 0.2, 0);
        using (NewDisposeScope())
        {
            Tensor test = images.Load(split.Test), end = models[1].Encode(test);
            using LatentMapFit there = Fit(0, 2), on = Fit(2, 1), direct = Fit(0, 1);
            Tensor mapped = on.Map.Apply(there.Map.Apply(models[0].Encode(test))), straight = direct.Map.Apply(models[0].Encode(test));
            narrow.Error.Value.Should().BeApproximately(new NormalisedLatentMse().Evaluate(mapped, end).Value, 1e-6);
            narrow.Difference!.Value.Should().BeApproximately(new NormalisedLatentMse().Evaluate(mapped, straight).Value, 1e-6);
            narrow.Direct!.Value.Should().BeApproximately(new NormalisedLatentMse().Evaluate(straight, end).Value, 1e-6);
        }
        StudyToys.Dispose(models);

        LatentMapFit Fit(int from, int to)
        {
            using Tensor x = images.Load(split.MapTrain);
            using LatentPairs pairs = new(models[from].Encode(x), models[to].Encode(x));
            return new RidgePathFitter().Fit(pairs);
        }
    }

    [Fact]
    public void Run_ModelsWithoutEncoder_TakePartOnImagesTheyDrew()
    {
        using TempFolder folder = new();
        ILatentModel[] inner = [Toy.Linear("a", 1), StudyToys.Narrow("gan", prior: true), StudyToys.Narrow("gan-2", prior: true)];
        FragileModel gan = new(inner[1], () => throw new InvalidOperationException("no encoder")), second = new(inner[2], () => throw new InvalidOperationException("no encoder"));
        StudyResult result = StitchingStudy.Run(
            [new StudyMember(inner[0]), new StudyMember(gan) { Encodes = false, Family = ModelFamily.Gan }, new StudyMember(second) { Encodes = false }], new LabelledImages(Count), folder.Root, StudyToys.Options);
        result.Failures.Should().BeEmpty();
        result.Unpairable.Should().Equal("gan → gan-2", "gan-2 → gan");
        StudyPair to = result.Pair("a", "gan")!, from = result.Pair("gan", "a")!;
        (to.Protocol, to.Images, from.Images).Should().Be((StudyProtocol.Synthetic, "prior of gan", "prior of gan"));
        to.Number(StudyQuantity.Image, "pixel MSE")!.Ceiling!.Value.Should().Be(0, "what it drew, it decodes again");
        to.Number(StudyQuantity.Latent, "normalised latent MSE")!.Value.Value.Should().BeLessThan(1e-6, "its four pixels are linear in the other's latent");
        to.Numbers.Should().NotContain(number => number.Attribute != null, "a model without an encoder has no latents of labelled images");
        from.Numbers.Where(number => number.Attribute is not null).Should().OnlyContain(number => number.Quantity == StudyQuantity.Agreement, "images drawn have no labels").And.NotBeEmpty();
        to.Numbers.Should().OnlyContain(number => number.Controls.Count == 2);
        result.Models[1].Number(StudyQuantity.Image)!.Value.Value.Should().Be(0);
        StudyToys.Dispose(inner);
    }

    [Fact]
    public void Run_WithFeatures_ComparesTheImagesAsWhole()
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        LabelledImages images = new(Count);
        using IFeatureExtractor features = new PixelFeatures();
        StudyResult result = StitchingStudy.Run(StudyToys.Members(models[0], models[2]), images, folder.Root, StudyToys.Options with { Features = features, Paths = false });
        StudyNumber number = result.Pair("a", "narrow")!.Number(StudyQuantity.Distribution)!;
        using (NewDisposeScope())
        {
            Tensor test = images.Load(DataSplit.CreateByShare(Count, 0.6, 0.2, 0.2, 0).Test);
            using FeatureStatistics own = new("pixels", 6), all = new("pixels", 6);
            own.Add(models[2].Reconstruct(test).flatten(1));
            all.Add(test.flatten(1));
            number.Ceiling!.Value.Should().BeApproximately(FrechetDistance.Evaluate(own, all).Distance.Value, 1e-6);
            number.Value.Value.Should().BeApproximately(number.Ceiling.Value, 1e-4, "the map is exact");
            number.Value.Count.Should().Be("32/32");
            number.Controls.Should().OnlyContain(control => control.Value.Value > number.Value.Value);
        }
        StudyToys.Dispose(models);
    }

    [Fact]
    public void Result_AsJsonAndBack_IsTheSame_AndCsvHoldsEveryNumber()
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        StudyResult result = StitchingStudy.Run(StudyToys.Members(models), new LabelledImages(Count), folder.Root, StudyToys.Options);
        string json = File.ReadAllText(folder["results.json"]);
        json.Should().Be(result.ToJson()).And.NotContain(DateTime.UtcNow.Year + "-", "times are in times.csv alone");
        StudyResult.FromJson(json).ToJson().Should().Be(json);
        string[] lines = File.ReadAllLines(folder["results.csv"]);
        lines.Should().HaveCount(1 + result.Models.Sum(model => model.Own.Count) + result.Pairs.Sum(pair => pair.Numbers.Count) + result.Paths.Count);
        lines[0].Should().Be("source,target,through,images,quantity,metric,attribute,value,lower,upper,standard_deviation,n,ceiling,mean_floor,shuffled_floor,gaussian,untrained,signature");
        result.ToString().Should().Be("3 models, 6 pairs, 12 paths, 0 failures");
        Action broken = () => StudyResult.FromJson("{");
        broken.Should().Throw<InvalidDataException>().WithMessage("json must hold a StudyResult, but it does not: *");
        StudyToys.Dispose(models);
    }

    private sealed class PixelFeatures : IFeatureExtractor
    {
        public string Signature => "pixels";

        public long Dimension => 6;

        public Tensor Extract(Tensor images) => images.flatten(1).clone();

        public void Dispose()
        {
        }
    }

    private static void Same(MetricValue actual, MetricValue wanted)
    {
        actual.Value.Should().BeApproximately(wanted.Value, 1e-6 * Math.Max(1e-3, Math.Abs(wanted.Value)));
        actual.Lower.Should().BeApproximately(wanted.Lower, 1e-5 * Math.Max(1e-3, Math.Abs(wanted.Lower)));
        actual.Signature.Should().Be(wanted.Signature);
    }

    private static bool[] Labels(Tensor predicted) => [.. predicted.flatten().data<sbyte>().ToArray().Select(label => label == 1)];

    private static double Share(bool[] a, bool[] b) => a.Zip(b, (x, y) => x == y ? 1.0 : 0).Average();
}
