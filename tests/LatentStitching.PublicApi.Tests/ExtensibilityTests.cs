using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Similarity;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Studies;

namespace LatentStitching.PublicApi.Tests;

/// <summary>Everything that can be written outside of the library is, with what is public alone, and works together.</summary>
public sealed class ExtensibilityTests
{
    [Fact]
    public void EverythingFromOutside_WorksTogether()
    {
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using (GradientModel source = new("shades", 2), target = new("light", 1))
        {
            CornerPairing pairing = new(new Gradients(40));
            CountingProgress progress = new();
            using StitchResult result = Stitcher.Fit(source, target, new StitchOptions { Pairing = pairing, Fitter = new SlopeFitter(), Progress = progress });
            result.Report.Solver.Should().Be("two moments");
            result.Report.SampleCount.Should().Be(40);
            progress.Stages.Should().Equal("pairing", "fitting");

            using var scope = NewDisposeScope();
            Gradients test = new(7);
            Tensor images = test.LoadAll();
            // The source halves what the target takes whole, so the slope is a half and no error is left.
            Tensor translated = result.Model.Translate(images);
            new LargestError().Evaluate(translated, images).Value.Should().BeLessThan(1e-5);
            result.Evaluate(test).Stitched.Value.Should().BeLessThan(1e-10);
        }
        (DisposeScopeManager.Statistics.ThreadTotalLiveCount - before).Should().Be(0);
    }

    [Fact]
    public void AModelFromOutside_HasThePriorItSays_AndIsCheckedLikeAnyOther()
    {
        using GradientModel model = new("shades", 2);
        model.GetService<ILatentPrior>().Should().BeSameAs(model);
        model.GetService<IPosteriorEncoder>().Should().BeNull();
        using var scope = NewDisposeScope();
        Action act = () => model.Encode(zeros(1, 3, 4, 4));
        act.Should().Throw<ArgumentException>().Which.Message.Should().StartWith("images must have the shape [n, 1, 1, 4] of shades's images, but it is [1, 3, 4, 4]. ");
        model.WithImage(new ImageFormat(1, 2, 8)).Encode(full([2, 1, 2, 8], 0.5f)).shape.Should().Equal(2, 1);
    }

    [Fact]
    public void AModelThatOnlyImplementsTheInterface_CanBeStitched()
    {
        using PlainModel plain = new();
        using GradientModel other = new("shades", 2);
        using StitchResult result = Stitcher.Fit(plain, other, new Gradients(30));
        result.Report.LeaveOneOutR2.Should().BeGreaterThan(0.9999);
        ((ILatentModel)plain).GetService(typeof(ILatentPrior)).Should().BeNull();
        ((ILatentModel)plain).GetService(typeof(PlainModel)).Should().BeSameAs(plain);
    }

    [Fact]
    public void AMapFromOutside_CanBeStitched()
    {
        using GradientModel source = new("a", 1), target = new("b", 1);
        using StitchedModel stitched = new(source, new SquareMap(), target);
        using var scope = NewDisposeScope();
        stitched.Translate(full([1, 1, 1, 4], 0.5f)).mean().ToDouble().Should().BeApproximately(0.25, 1e-6);
    }

    [Fact]
    public void ASimilarityMeasureFromOutside_HasIntervalsAndWarnings_AndServesAStudy()
    {
        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        NormCorrelation measure = new();
        using (NewDisposeScope())
        {
            Tensor x = tensor((float[])[3, 4, 0, 1, 6, 8]).reshape(3, 2), y = tensor((float[])[1, 5, 2]).reshape(3, 1);
            // Lengths 5, 1, 10 and 1, 5, 2: centred −1/3, −13/3, 14/3 and −5/3, 7/3, −2/3.
            measure.Measure(x, y).Should().BeApproximately((5 - 91 - 28) / Math.Sqrt((1.0 + 169 + 196) * (25 + 49 + 4)), 1e-12);
            measure.Measure(x, x.mul(-2)).Should().BeApproximately(1, 1e-12);
            MetricValue value = measure.Evaluate(x, y);
            value.Signature.Should().StartWith("norm-correlation|form:score|n:3|ci:");
            value.Warning.Should().Contain("Three rows");
            using PreparedLatents foreign = new LinearCka().Prepare(rand(5, 2)), own = measure.Prepare(rand(5, 2));
            Action other = () => measure.Measure(foreign, own);
            other.Should().Throw<ArgumentException>().WithMessage("x must be prepared by norm_correlation-score, but it was by *");
        }
        DirectoryInfo folder = Directory.CreateTempSubdirectory("latentstitching-outside-");
        try
        {
            using GradientModel first = new("shades", 2), second = new("light", 1);
            StudyResult study = StitchingStudy.Run([new StudyMember(first), new StudyMember(second)], new Gradients(40), folder.FullName, new StitchingStudyOptions { Similarities = [measure] });
            study.Failures.Should().BeEmpty();
            StudyNumber number = study.Pair("shades", "light")!.Number(StudyQuantity.Similarity, measure.Info.Name)!;
            number.Value.Value.Should().BeApproximately(1, 1e-9, "one has twice the lengths of the other");
            number.Ceiling!.Value.Should().BeApproximately(1, 1e-9);
            Math.Abs(number.Controls.Single(control => control.Name == "gaussian").Value.Value).Should().BeLessThan(0.95);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        (DisposeScopeManager.Statistics.ThreadTotalLiveCount - before).Should().Be(0);
    }
}

/// <summary>A model whose one latent is the brightness in its own unit.</summary>
internal sealed class GradientModel(string name, double unit) : LatentModel(name, new ImageFormat(1, 1, 4), LatentSpace.Vector(1)), ILatentPrior
{
    public Tensor Sample(long count, ulong seed)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(seed, Device);
        return rand([count, 1], Dtype, Device, generator: generator).mul(unit).MoveToOuterDisposeScope();
    }

    protected override Tensor EncodeCore(Tensor images) => images.flatten(1).mean([1], keepdim: true) * unit;

    protected override Tensor DecodeCore(Tensor latents) => (latents / unit).expand(latents.size(0), 4).reshape(-1, 1, 1, 4);
}

/// <summary>The same without the base class.</summary>
internal sealed class PlainModel : ILatentModel
{
    public string Name => "plain";

    public ImageFormat Image { get; } = new(1, 1, 4);

    public LatentSpace Latent { get; } = LatentSpace.Vector(1);

    public Tensor Encode(Tensor images)
    {
        using var scope = NewDisposeScope();
        return images.flatten(1).mean([1], keepdim: true).MoveToOuterDisposeScope();
    }

    public Tensor Decode(Tensor latents)
    {
        using var scope = NewDisposeScope();
        return latents.clamp(0, 1).expand(latents.size(0), 4).reshape(-1, 1, 1, 4).clone().MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
    }
}

/// <summary>Flat pictures from dark to light.</summary>
internal sealed class Gradients(int count) : IImageSource
{
    public string Name => "gradients";

    public ImageFormat Image { get; } = new(1, 1, 4);

    public IReadOnlyList<string> Ids { get; } = [.. Enumerable.Range(0, count).Select(i => $"shade-{i}")];

    public AttributeTable? Attributes => null;

    public Tensor Load(IReadOnlyList<int> indices)
    {
        float[] pixels = [.. indices.SelectMany(index => Enumerable.Repeat((float)index / Ids.Count, 4))];
        return tensor(pixels, indices.Count, 1, 1, 4);
    }
}

/// <summary>Pairs all images at once.</summary>
internal sealed class CornerPairing(IImageSource images) : ILatentPairing
{
    public LatentPairs Pair(ILatentModel source, ILatentModel target, IProgress<PairingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        using Tensor all = images.LoadAll();
        using Tensor left = source.Encode(all), right = target.Encode(all);
        progress?.Report(new PairingProgress { Done = images.Ids.Count, Total = images.Ids.Count });
        return new LatentPairs(left, right, images.Ids);
    }
}

/// <summary>Slope and offset of one column on one column.</summary>
internal sealed class SlopeFitter : ILatentMapFitter
{
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using var scope = NewDisposeScope();
        Tensor x = pairs.Source - pairs.Source.mean(), y = pairs.Target - pairs.Target.mean();
        Tensor slope = (x * y).sum() / x.square().sum();
        Tensor offset = pairs.Target.mean() - slope * pairs.Source.mean();
        progress?.Report(new FitProgress { Iteration = 1, MaxIterations = 1, Loss = 0 });
        return new LatentMapFit(
            new AffineMap(slope.reshape(1, 1), offset.reshape(1)),
            new FitReport
            {
                Status = FitStatus.Succeeded,
                Solver = "two moments",
                SampleCount = pairs.Count,
                SourceDimension = pairs.SourceDimension,
                TargetDimension = pairs.TargetDimension,
                TrainingR2 = 1,
            });
    }
}

/// <summary>The square of one number.</summary>
internal sealed class SquareMap : ILatentMap
{
    public long SourceDimension => 1;

    public long TargetDimension => 1;

    public Tensor Apply(Tensor latents) => latents.square();

    public void Dispose()
    {
    }
}

/// <summary>The largest difference of any pixel.</summary>
internal sealed class LargestError : IPairedMetric
{
    public MetricInfo Info { get; } = new()
    {
        Name = "largest error",
        Direction = MetricDirection.LowerIsBetter,
        Unit = "pixel intensity",
        Reference = "none",
        Signature = "max-abs|space:pixel",
    };

    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0)
    {
        using var scope = NewDisposeScope();
        double[] rows = [.. (actual - reference).abs().flatten(1).amax([1]).data<float>().ToArray().Select(value => (double)value)];
        return new MetricValue { Info = Info, Value = rows.Average(), Lower = rows.Min(), Upper = rows.Max(), StandardDeviation = double.NaN, PerImage = rows };
    }
}

/// <summary>Whether the same images have long latents: Pearson's correlation of the rows' lengths.</summary>
internal sealed class NormCorrelation : SimilarityMeasure
{
    public override SimilarityInfo Info { get; } = new()
    {
        Id = "norm_correlation-score",
        Name = "correlation of lengths",
        Direction = MetricDirection.HigherIsBetter,
        Reference = "none",
        Lowest = -1,
        Highest = 1,
        OfItself = 1,
        IsSymmetric = true,
        IsMetric = false,
        Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.RowPermutation,
        MinimumRows = 3,
    };

    public override string? Warning(long rows, long xColumns, long yColumns) => rows == 3 ? "Three rows say little." : null;

    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        Tensor lengths = latents.to_type(ScalarType.Float64).square().sum([1]).sqrt(), centred = lengths - lengths.mean();
        return new Dictionary<string, Tensor> { ["lengths"] = centred / centred.square().sum().sqrt() };
    }

    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => x["lengths"].dot(y["lengths"]).ToDouble();
}

/// <summary>Which stages reported, in order.</summary>
internal sealed class CountingProgress : IProgress<StitchProgress>
{
    public List<string> Stages { get; } = [];

    public void Report(StitchProgress value) => Stages.Add(value.Stage);
}
