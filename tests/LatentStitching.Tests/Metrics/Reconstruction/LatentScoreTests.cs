using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Reconstruction;

[NoTensorLeaks]
public sealed class LatentScoreTests
{
    [Fact]
    public void R2_AgreesWithScikitLearn()
    {
        using StateDictionary file = Fixture.Load("sklearn/pca_scaler_metrics.safetensors");
        using var scope = NewDisposeScope();
        // The last column is constant, where scikit-learn gives 0 or 1 by its own rule.
        Tensor truth = file["metrics.y_true"].narrow(1, 0, 3), predicted = file["metrics.y_pred"].narrow(1, 0, 3);
        new LatentR2().Evaluate(predicted, truth).Value.Should().BeApproximately(file["metrics.r2_variance_weighted"].ToDouble(), 1e-12);
        double[] raw = file["metrics.r2_raw_values"].data<double>().ToArray()[..3];
        LatentR2.PerDimension(predicted, truth).Zip(raw).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-12);
        new LatentR2(R2Average.Uniform).Evaluate(predicted, truth).Value.Should().BeApproximately(raw.Average(), 1e-12);
    }

    [Fact]
    public void R2_OfTheGoldenMap_IsTheKnownNumbers()
    {
        using var scope = NewDisposeScope();
        Tensor x = Golden.X(), y = Golden.Y();
        using LatentMapFit fit = Stitcher.Fit(x, y, new LeastSquaresFitter());
        Tensor mapped = fit.Map.Apply(x);
        MetricValue total = new LatentR2().Evaluate(mapped, y), mean = new LatentR2(R2Average.Uniform).Evaluate(mapped, y);
        total.Value.Should().BeApproximately(0.820677465186502, 1e-13);
        mean.Value.Should().BeApproximately(0.813733345167561, 1e-13);
        mean.PerImage.Average().Should().BeApproximately(mean.Value, 1e-13);
        total.PerImage.Average().Should().BeApproximately(total.Value, 1e-13);
        LatentR2.PerDimension(mapped, y).Average().Should().BeApproximately(mean.Value, 1e-13);
        total.Signature.Should().Be("r2|space:latent|columns:variance|n:12|ci:bca-bootstrap-2000");
        mean.Signature.Should().Be("r2|space:latent|columns:uniform|n:12|ci:bca-bootstrap-2000");
        (total.Lower < total.Value && total.Value < total.Upper).Should().BeTrue();
    }

    [Fact]
    public void R2_PerDimension_IsBlindToTheScaleOfAColumn()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        Tensor truth = randn([3000, 3], ScalarType.Float64, generator: generator), guess = truth + randn([3000, 3], ScalarType.Float64, generator: generator);
        Tensor scale = tensor([1e3, 1.0, 1e-3]), offset = tensor([5.0, -2, 1]);
        LatentR2.PerDimension(guess * scale + offset, truth * scale + offset).Zip(LatentR2.PerDimension(guess, truth))
            .Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-9);
    }

    [Fact]
    public void R2_ConstantColumn_Throws()
    {
        using var scope = NewDisposeScope();
        Tensor reference = tensor(new[,] { { 1.0, 0.1, 2 }, { 2, 0.1, 2 }, { 4, 0.1, 2 } });
        string text = "reference must vary in every column, but 2 of its 3 columns are constant, the first column 1. Leave them out, or use NormalisedLatentMse.";
        ((Action)(() => LatentR2.PerDimension(reference, reference))).ShouldRefuse("reference", text);
        ((Action)(() => new LatentR2(R2Average.Uniform).Evaluate(reference, reference))).ShouldRefuse("reference", text);
        new LatentR2().Evaluate(reference, reference).Value.Should().Be(1);
        ((Action)(() => _ = new LatentR2((R2Average)7))).ShouldRefuse("average", "average must be Variance or Uniform, but it is 7.");
    }

    [Fact]
    public void Cosine_ByHand()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(new[,] { { 3.0, 4 }, { 1, 0 }, { 1e-200, 0 } }), b = tensor(new[,] { { 6.0, 8 }, { 0, 2 }, { -1e200, 0 } });
        MetricValue value = new LatentCosine().Evaluate(a, b);
        value.PerImage.Should().Equal(1, 0, -1);
        value.Value.Should().Be(0);
        value.Signature.Should().Be("cosine|space:latent|centred:no|mean:rows|n:3|ci:bca-bootstrap-2000");
    }

    [Fact]
    public void Cosine_ZeroRow_Throws()
    {
        using var scope = NewDisposeScope();
        Tensor ones = torch.ones(3, 2), hole = torch.ones(3, 2);
        hole[1].fill_(0);
        ((Action)(() => new LatentCosine().Evaluate(ones, hole))).ShouldRefuse("reference", "reference must hold rows with a direction, but row 1 is all zeros. Leave it out.");
        ((Action)(() => new LatentCosine().Measure(hole, ones))).ShouldRefuse("actual", "actual must hold rows with a direction, but row 1 is all zeros. Leave it out.");
    }
}
