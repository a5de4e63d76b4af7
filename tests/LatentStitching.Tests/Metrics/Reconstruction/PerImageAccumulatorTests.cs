using LatentStitching.Metrics;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Reconstruction;

[NoTensorLeaks]
public sealed class PerImageAccumulatorTests
{
    [Fact]
    public void Batches_AddUpToTheWhole()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor a = rand([70, 3, 24, 22], generator: generator), b = rand([70, 3, 24, 22], generator: generator);
        foreach (IPerImageMetric metric in (IPerImageMetric[])[new PixelMse(), new PixelRmse(), new PixelMae(), new Psnr(), new Ssim(), new MsSsim(2)]) Check(metric, a, b);
        foreach (IPerImageMetric metric in (IPerImageMetric[])[new LatentMse(), new LatentCosine()]) Check(metric, a.flatten(1), b.flatten(1));
    }

    [Fact]
    public void Misuse_Throws()
    {
        PerImageAccumulator none = new(new PixelMse());
        ((Action)(() => none.Value())).ShouldSay<InvalidOperationException>("An accumulator must hold at least one image before it has a value. Call Add.");
        ((Action)(() => none.Merge(new PerImageAccumulator(new Ssim())))).ShouldRefuse(
            "other", "other must have measured 'mse|space:pixel|range:0-1|mean:images,channels,places', but it measured 'ssim|window:gaussian-11-1.5|moments:biased|border:valid|range:0-1'.");
        ((Action)(() => _ = new PerImageAccumulator(null!))).Should().Throw<ArgumentNullException>().WithParameterName("metric");
        ((Action)(() => none.Merge(null!))).Should().Throw<ArgumentNullException>().WithParameterName("other");
    }

    private static void Check(IPerImageMetric metric, Tensor a, Tensor b)
    {
        MetricValue whole = metric.Evaluate(a, b, seed: 4);
        PerImageAccumulator left = new(metric), right = new(metric);
        left.Add(a.narrow(0, 0, 1), b.narrow(0, 0, 1));
        left.Add(a.narrow(0, 1, 40), b.narrow(0, 1, 40));
        right.Add(a.narrow(0, 41, 29), b.narrow(0, 41, 29));
        left.Merge(right);
        left.Count.Should().Be(70);
        MetricValue sum = left.Value(seed: 4);
        sum.Signature.Should().Be(whole.Signature);
        foreach ((double one, double other) in ((double, double)[])[(sum.Value, whole.Value), (sum.Lower, whole.Lower), (sum.Upper, whole.Upper), (sum.StandardDeviation, whole.StandardDeviation)])
        {
            one.Should().BeApproximately(other, 1e-12 * Math.Abs(other) + 1e-15);
        }
    }
}
