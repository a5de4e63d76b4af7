using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Reconstruction;

[NoTensorLeaks]
public sealed class PairedMetricTests
{
    private static Tensor Normal(ulong seed, params long[] shape)
    {
        using Generator generator = new(seed);
        return randn(shape, ScalarType.Float64, generator: generator);
    }

    [Fact]
    public void LatentMse_ByHand()
    {
        using var scope = NewDisposeScope();
        MetricValue value = new LatentMse().Evaluate(tensor(new double[,] { { 1, 2 }, { 3, 4 } }), tensor(new double[,] { { 0, 2 }, { 0, 0 } }));
        value.PerImage.Should().Equal(0.5, 12.5);
        value.Value.Should().Be(6.5);
        value.StandardDeviation.Should().BeApproximately(Math.Sqrt(72), 1e-12);
        value.Signature.Should().Be("mse|space:latent|mean:rows,columns|n:2|ci:bca-bootstrap-2000");
        value.ToString().Should().Be("6.5 [0.5, 12.5]");
    }

    [Fact]
    public void NormalisedLatentMse_ByHand()
    {
        using var scope = NewDisposeScope();
        // Mean (2, 1), squared distances 2 + 2 = 4 in all; squared errors 1 + 0.
        MetricValue value = new NormalisedLatentMse().Evaluate(tensor(new double[,] { { 1, 1 }, { 3, 2 } }), tensor(new double[,] { { 1, 0 }, { 3, 2 } }));
        value.Value.Should().BeApproximately(0.25, 1e-15);
        value.PerImage.Should().Equal(0.5, 0);
        value.Signature.Should().Be("nmse|space:latent|variance:reference,pooled|n:2|ci:bca-bootstrap-2000");
    }

    [Fact]
    public void NormalisedLatentMse_MeanPredictor_IsOne_PerfectIsZero()
    {
        using var scope = NewDisposeScope();
        Tensor reference = Normal(1, 50, 4) * 3 + 100;
        new NormalisedLatentMse().Evaluate(reference.mean([0], keepdim: true).expand_as(reference), reference).Value.Should().BeApproximately(1, 1e-12);
        new NormalisedLatentMse().Evaluate(reference, reference).Value.Should().Be(0);
    }

    [Fact]
    public void NormalisedLatentMse_IsOneMinusTheVarianceWeightedR2()
    {
        using var scope = NewDisposeScope();
        Tensor actual = Normal(1, 60, 3), reference = Normal(2, 60, 3) * tensor([1.0, 5, 0.1]);
        Tensor residual = (actual - reference).square().sum([0]), total = (reference - reference.mean([0])).square().sum([0]);
        double weighted = ((1 - residual / total) * total).sum().ToDouble() / total.sum().ToDouble();
        new NormalisedLatentMse().Evaluate(actual, reference).Value.Should().BeApproximately(1 - weighted, 1e-12);
    }

    // scikit-learn 1.2.1: r2_score(multioutput="variance_weighted") and mean_squared_error(multioutput="raw_values").
    [Fact]
    public void Metrics_AgreeWithScikitLearn()
    {
        using StateDictionary file = Fixture.Load("sklearn/pca_scaler_metrics.safetensors");
        using var scope = NewDisposeScope();
        Tensor truth = file["metrics.y_true"], predicted = file["metrics.y_pred"];
        // Its last column is constant; scikit-learn leaves the error made there out, the formula here does not.
        new NormalisedLatentMse().Evaluate(predicted.narrow(1, 0, 3), truth.narrow(1, 0, 3)).Value.Should().BeApproximately(1 - file["metrics.r2_variance_weighted"].ToDouble(), 1e-12);
        double mean = file["metrics.mse_raw"].data<double>().ToArray().Average();
        new LatentMse().Evaluate(predicted, truth).Value.Should().BeApproximately(mean, 1e-12);
    }

    [Fact]
    public void Metrics_OfTheGoldenMap_AreTheKnownNumbers()
    {
        using var scope = NewDisposeScope();
        Tensor x = Golden.X(), y = Golden.Y();
        using LatentMapFit fit = Stitcher.Fit(x, y, new LeastSquaresFitter());
        Tensor mapped = fit.Map.Apply(x);
        new NormalisedLatentMse().Evaluate(mapped, y).Value.Should().BeApproximately(1 - 0.820677465186502, 1e-13);
        new LatentMse().Evaluate(mapped, y).Value.Should().BeApproximately(0.00936063434841814, 1e-15);
    }

    [Fact]
    public void PixelErrors_ByHand()
    {
        using var scope = NewDisposeScope();
        Tensor actual = zeros(2, 3, 2, 2), reference = zeros(2, 3, 2, 2);
        reference[0].fill_(0.5f);
        reference[1, 0].fill_(1);
        MetricValue mse = new PixelMse().Evaluate(actual, reference), rmse = new PixelRmse().Evaluate(actual, reference);
        mse.PerImage[0].Should().BeApproximately(0.25, 1e-15);
        mse.PerImage[1].Should().BeApproximately(1.0 / 3, 1e-15);
        mse.Value.Should().BeApproximately(7.0 / 24, 1e-15);
        rmse.PerImage[1].Should().BeApproximately(Math.Sqrt(1.0 / 3), 1e-15);
        rmse.Value.Should().BeApproximately((0.5 + Math.Sqrt(1.0 / 3)) / 2, 1e-15);
        rmse.Value.Should().BeLessThan(Math.Sqrt(mse.Value));
        mse.Signature.Should().Be("mse|space:pixel|range:0-1|mean:images,channels,places|n:2|ci:bca-bootstrap-2000");
        rmse.Signature.Should().Be("rmse|space:pixel|range:0-1|root:per-image|n:2|ci:bca-bootstrap-2000");
    }

    [Fact]
    public void Evaluate_ManyRows_IsTheMeanOfThem()
    {
        using var scope = NewDisposeScope();
        // More rows than one block of the sums.
        Tensor actual = Normal(1, 1300, 4).to_type(ScalarType.Float32), reference = Normal(2, 1300, 4).to_type(ScalarType.Float32);
        double[] rows = (actual.to_type(ScalarType.Float64) - reference.to_type(ScalarType.Float64)).square().mean([1]).data<double>().ToArray();
        foreach (IPairedMetric metric in (IPairedMetric[])[new LatentMse(), new NormalisedLatentMse()])
        {
            MetricValue value = metric.Evaluate(actual, reference);
            value.PerImage.Should().HaveCount(1300);
            value.Value.Should().BeApproximately(value.PerImage.Average(), 1e-12);
        }
        new LatentMse().Evaluate(actual, reference).PerImage.Zip(rows).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-12);
    }

    [Fact]
    public void Evaluate_LeavesItsInputsAndNoTensor()
    {
        using Tensor a = rand(4, 1, 2, 2), b = rand(4, 1, 2, 2), z = rand(4, 3), w = rand(4, 3), before = a.clone();
        long live = NoTensorLeaksAttribute.Live();
        foreach (IPairedMetric metric in (IPairedMetric[])[new PixelMse(), new PixelRmse()]) metric.Evaluate(a, b);
        foreach (IPairedMetric metric in (IPairedMetric[])[new LatentMse(), new NormalisedLatentMse()]) metric.Evaluate(z, w);
        (NoTensorLeaksAttribute.Live() - live).Should().Be(0);
        a.bytes.SequenceEqual(before.bytes).Should().BeTrue();
    }

    [Fact]
    public void Evaluate_Interval_IsSeededAndHoldsTheValue()
    {
        using var scope = NewDisposeScope();
        Tensor actual = Normal(1, 40, 3), reference = Normal(2, 40, 3);
        foreach (IPairedMetric metric in (IPairedMetric[])[new LatentMse(), new NormalisedLatentMse()])
        {
            MetricValue a = metric.Evaluate(actual, reference, 5), b = metric.Evaluate(actual, reference, 5), c = metric.Evaluate(actual, reference, 6);
            (a.Lower, a.Upper).Should().Be((b.Lower, b.Upper));
            (a.Lower, a.Upper).Should().NotBe((c.Lower, c.Upper));
            a.Lower.Should().BeLessThan(a.Value);
            a.Upper.Should().BeGreaterThan(a.Value);
            c.Value.Should().Be(a.Value);
        }
    }

    [Fact]
    public void Evaluate_IntervalOfTheMean_HasTheNormalWidth()
    {
        using var scope = NewDisposeScope();
        // Rows of one column whose squared errors are normal around 10.
        Tensor errors = Normal(3, 500, 1) + 10;
        MetricValue value = new LatentMse().Evaluate(errors.sqrt(), zeros_like(errors));
        double expected = 1.96 * value.StandardDeviation / Math.Sqrt(500);
        value.StandardDeviation.Should().BeApproximately(1, 0.1);
        ((value.Upper - value.Lower) / 2).Should().BeApproximately(expected, 0.15 * expected);
    }

    [Fact]
    public void NormalisedLatentMse_Interval_ResamplesBothSums()
    {
        using var scope = NewDisposeScope();
        // Errors in proportion to each row's own distance from the mean: every resample gives the same ratio.
        Tensor reference = Normal(3, 200, 2);
        Tensor actual = reference.mean([0], keepdim: true) + (reference - reference.mean([0], keepdim: true)) * 0.5;
        MetricValue value = new NormalisedLatentMse().Evaluate(actual, reference);
        value.Value.Should().BeApproximately(0.25, 1e-12);
        (value.Upper - value.Lower).Should().BeLessThan(1e-12);
    }

    [Fact]
    public void NormalisedLatentMse_PerfectMapOfThreeRows_HasAFiniteInterval()
    {
        using var scope = NewDisposeScope();
        // The middle row lies at the mean: a resample of it alone varies in nothing.
        Tensor reference = tensor(new double[,] { { -1 }, { 0 }, { 1 } });
        MetricValue value = new NormalisedLatentMse().Evaluate(reference, reference);
        (value.Lower, value.Upper).Should().Be((0, 0));
    }

    [Fact]
    public void Evaluate_OneRow_HasNoDeviation()
    {
        using var scope = NewDisposeScope();
        MetricValue value = new LatentMse().Evaluate(ones(1, 3), zeros(1, 3));
        value.Value.Should().Be(1);
        (value.Lower, value.Upper).Should().Be((1, 1));
        value.StandardDeviation.Should().Be(double.NaN);
    }

    [Fact]
    public void Evaluate_BadLatents_Throws()
    {
        using var scope = NewDisposeScope();
        foreach (IPairedMetric metric in (IPairedMetric[])[new LatentMse(), new NormalisedLatentMse()])
        {
            Refuses(() => metric.Evaluate(ones(4, 2), ones(5, 3)), "reference", "reference must have the shape of actual, but the shapes are [5, 3] and [4, 2]. Row i of both must come from the same input.");
            Refuses(() => metric.Evaluate(ones(4), ones(4)), "actual", "actual must be a matrix [n, d], but its shape is [4]. Flatten each sample: tensor.reshape(n, -1).");
            Refuses(() => metric.Evaluate(ones(2, 2), full([2, 2], float.NaN)), "reference", "reference must be finite, but 4 of its entries are NaN or infinite, the first in row 0.");
            Refuses(() => metric.Evaluate(ones(2, 2, ScalarType.Int32), ones(2, 2)), "actual", "actual must be floating point, but its dtype is Int32. Convert it: tensor.to_type(ScalarType.Float32).");
            Action nothing = () => metric.Evaluate(ones(2, 2), null!);
            nothing.Should().Throw<ArgumentNullException>().WithParameterName("reference");
        }
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void NormalisedLatentMse_ReferenceThatDoesNotVary_Throws(ScalarType dtype)
    {
        using var scope = NewDisposeScope();
        // A tenth is not exact: for some counts the rounded mean of equal rows differs from them in the last place.
        for (int n = 1; n <= 40; n++)
        {
            Tensor reference = full([n, 3], 0.1, dtype), actual = zeros(n, 3);
            Refuses(() => new NormalisedLatentMse().Evaluate(actual, reference), "reference", $"reference must vary between rows, but all of its {n} rows are the same. Use LatentMse.");
        }
    }

    [Fact]
    public void Evaluate_BadImages_Throws()
    {
        using var scope = NewDisposeScope();
        Tensor images = zeros(2, 3, 4, 4);
        foreach (IPairedMetric metric in (IPairedMetric[])[new PixelMse(), new PixelRmse()])
        {
            Refuses(() => metric.Evaluate(images, zeros(2, 3, 4, 5)), "reference", "reference must have the shape of actual, but the shapes are [2, 3, 4, 5] and [2, 3, 4, 4]. Row i of both must come from the same input.");
            Refuses(() => metric.Evaluate(images - 1, images), "actual", "actual must hold pixels in [0, 1], but image 0 holds values from -1 to -1. Map [-1, 1] by (x + 1) / 2 and [0, 255] by x / 255.");
            Refuses(() => metric.Evaluate(images, zeros(3, 4, 4)), "reference", "reference must be an image batch [n, c, h, w], but its shape is [3, 4, 4]. One image is [1, c, h, w].");
        }
    }

    private static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
}
