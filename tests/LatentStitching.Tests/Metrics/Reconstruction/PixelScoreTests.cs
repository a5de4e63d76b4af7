using LatentStitching.Checkpoints;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Reconstruction;

[NoTensorLeaks]
public sealed class PixelScoreTests
{
    /// <summary>Golden pair of images: integer-made, 24 × 24.</summary>
    internal static (Tensor I, Tensor J) GoldenImages()
    {
        using var scope = NewDisposeScope();
        Tensor i = Golden.Matrix(24, 24, (r, c) => (((7 * r * r) + (3 * c * c) + (5 * r * c) + 11) % 256) / 255.0);
        Tensor noise = Golden.Matrix(24, 24, (r, c) => (((13 * r) + (29 * c)) % 51) / 255.0);
        return (i.reshape(1, 1, 24, 24).MoveToOuterDisposeScope(), (i * 0.8 + noise).clamp(0, 1).reshape(1, 1, 24, 24).MoveToOuterDisposeScope());
    }

    [Fact]
    public void GoldenPair_HasTheKnownErrors()
    {
        using var scope = NewDisposeScope();
        (Tensor i, Tensor j) = GoldenImages();
        new PixelRmse().Evaluate(j, i).Value.Should().BeApproximately(0.0802475385018238, 1e-15);
        new Psnr().Evaluate(j, i).Value.Should().BeApproximately(21.9113656037504, 1e-12);
    }

    // torchmetrics' example of PeakSignalNoiseRatio, its data range of 3 made 1.
    [Fact]
    public void Psnr_OfTorchmetricsExample()
    {
        using var scope = NewDisposeScope();
        Tensor predicted = tensor(new double[] { 0, 1, 2, 3 }).div(3).reshape(1, 1, 2, 2), target = tensor(new double[] { 3, 2, 1, 0 }).div(3).reshape(1, 1, 2, 2);
        new Psnr().Evaluate(predicted, target).Value.Should().BeApproximately(2.55272505103306, 1e-13);
    }

    [Fact]
    public void Psnr_AgreesWithScikitImage()
    {
        using StateDictionary file = Fixture.Load("alignment/ssim_psnr.safetensors");
        foreach (string image in (string[])["rgb", "tiny"])
        {
            using var scope = NewDisposeScope();
            Tensor a = SsimTests.Image(file, image + ".a"), b = SsimTests.Image(file, image + ".b");
            new Psnr().Evaluate(b, a).Value.Should().BeApproximately(file[image + ".psnr"].ToDouble(), 1e-9);
            new PixelMse().Evaluate(b, a).Value.Should().BeApproximately(file[image + ".mse"].ToDouble(), 1e-12);
        }
    }

    [Fact]
    public void Psnr_PerImageAndPooled_ByHand()
    {
        using var scope = NewDisposeScope();
        Tensor actual = zeros(2, 1, 4, 4), reference = zeros(2, 1, 4, 4);
        reference[0].fill_(0.5f);
        reference[1].fill_(1);
        MetricValue mean = new Psnr().Evaluate(actual, reference), pooled = new Psnr(PsnrAverage.Pooled).Evaluate(actual, reference);
        mean.PerImage[0].Should().BeApproximately(-10 * Math.Log10(0.25), 1e-14);
        mean.PerImage[1].Should().Be(0);
        mean.Value.Should().BeApproximately(-5 * Math.Log10(0.25), 1e-14);
        pooled.Value.Should().BeApproximately(-10 * Math.Log10(0.625), 1e-14);
        pooled.PerImage.Should().BeEmpty();
        (pooled.Lower, pooled.Upper).Should().Be((0, -10 * Math.Log10(0.25)));
        mean.Signature.Should().Be("psnr|range:0-1|average:per-image|n:2|ci:bca-bootstrap-2000");
        pooled.Signature.Should().Be("psnr|range:0-1|average:pooled-mse|n:2|ci:bca-bootstrap-2000");
    }

    [Fact]
    public void Psnr_EqualImages_Throws()
    {
        using var scope = NewDisposeScope();
        Tensor actual = rand(3, 1, 4, 4), reference = rand(3, 1, 4, 4);
        reference[1].copy_(actual[1]);
        ((Action)(() => new Psnr().Evaluate(actual, reference))).ShouldRefuse(
            "actual", "actual must differ from reference, but image 1 is the same in both and its PSNR is infinite. Leave it out, or use PixelMse.");
        double.IsFinite(new Psnr(PsnrAverage.Pooled).Evaluate(actual, reference).Value).Should().BeTrue();
        ((Action)(() => new Psnr(PsnrAverage.Pooled).Evaluate(actual, actual))).ShouldRefuse(
            "actual", "actual must differ from reference, but image 0 is the same in both and its PSNR is infinite. Leave it out, or use PixelMse.");
        ((Action)(() => new Psnr(PsnrAverage.Pooled).Measure(actual, reference))).ShouldSay<NotSupportedException>(
            "The PSNR of the mean MSE has no per-image values. Accumulate PixelMse and take -10 * log10 of its value.");
        ((Action)(() => _ = new Psnr((PsnrAverage)9))).ShouldRefuse("average", "average must be PerImage or Pooled, but it is 9.");
    }

    [Fact]
    public void Mae_ByHand()
    {
        using var scope = NewDisposeScope();
        Tensor actual = zeros(2, 3, 2, 2), reference = zeros(2, 3, 2, 2);
        reference[0].fill_(0.5f);
        reference[1, 0].fill_(1);
        MetricValue value = new PixelMae().Evaluate(actual, reference);
        value.PerImage[0].Should().Be(0.5);
        value.PerImage[1].Should().BeApproximately(1.0 / 3, 1e-15);
        value.Signature.Should().Be("mae|space:pixel|range:0-1|mean:images,channels,places|n:2|ci:bca-bootstrap-2000");
    }

    [Fact]
    public void LegacyRmse_ByHand()
    {
        using var scope = NewDisposeScope();
        // Two images of one channel and two places: byte differences (255, 0) and (0, 51), and 51.9 cut to 51.
        Tensor actual = tensor(new float[] { 1, 0, 0, 51.9f / 255 }).reshape(2, 1, 1, 2), reference = zeros(2, 1, 1, 2);
        MetricValue now = new LegacyPixelRmse().Evaluate(actual, reference), before = new LegacyPixelRmse(LegacyRmseVersion.V035).Evaluate(actual, reference);
        now.Value.Should().BeApproximately((Math.Sqrt(255 * 255 / 2.0) + Math.Sqrt(51 * 51 / 2.0)) / 2 / 4095, 1e-15);
        before.Value.Should().BeApproximately(Math.Sqrt(((255 * 255) + (51 * 51)) / 4.0) / 4095, 1e-15);
        now.PerImage.Should().BeEmpty();
        now.Signature.Should().Be("rmse-legacy|package:image-similarity-measures-0.3.6|layout:nchw|bytes:truncated|max-p:4095|n:2|ci:jackknife-normal");
        new LegacyPixelRmse(LegacyRmseVersion.V035, 255).Evaluate(actual, reference).Value.Should().BeApproximately(before.Value * 4095 / 255, 1e-14);
        new LegacyPixelRmse().Evaluate(actual.narrow(0, 0, 1), reference.narrow(0, 0, 1)).Signature.Should().EndWith("|n:1|ci:none");
    }

    [Fact]
    public void LegacyRmse_ThirtyGreyLevels_IsTheStudiesNumber()
    {
        using var scope = NewDisposeScope();
        Tensor images = full([5, 3, 8, 8], 100 / 255f), other = full([5, 3, 8, 8], 130 / 255f);
        foreach (LegacyRmseVersion version in Enum.GetValues<LegacyRmseVersion>())
        {
            MetricValue value = new LegacyPixelRmse(version).Evaluate(images, other);
            value.Value.Should().BeApproximately(30 / 4095.0, 1e-15);
            value.Value.Should().BeApproximately(new PixelRmse().Evaluate(images, other).Value * 255 / 4095, 1e-8);
            (value.Upper - value.Lower).Should().BeLessThan(1e-12);
        }
    }

    // A byte that came from a file must come back as itself: truncation would make 99.99 of a 100 a 99.
    [Fact]
    public void LegacyRmse_ReadsEveryByteBack()
    {
        using var scope = NewDisposeScope();
        Tensor bytes = arange(256).to_type(ScalarType.Float32);
        foreach (Tensor pixels in (Tensor[])[bytes.div(255), bytes.to_type(ScalarType.Float64).div(255)])
        {
            Tensor images = pixels.reshape(256, 1, 1, 1);
            double[] levels = [.. Enumerable.Range(0, 256).Select(i => new LegacyPixelRmse(LegacyRmseVersion.V035, 1).Evaluate(images.narrow(0, i, 1), zeros(1, 1, 1, 1)).Value)];
            levels.Should().Equal(Enumerable.Range(0, 256).Select(i => (double)i));
        }
    }

    [Fact]
    public void LegacyRmse_Interval_IsTheJackknifeOfTheWhole()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(4);
        Tensor actual = rand([6, 3, 4, 5], generator: generator), reference = rand([6, 3, 4, 5], generator: generator);
        foreach (LegacyRmseVersion version in Enum.GetValues<LegacyRmseVersion>())
        {
            LegacyPixelRmse metric = new(version);
            double[] without = [.. Enumerable.Range(0, 6).Select(left =>
            {
                Tensor rows = tensor(Enumerable.Range(0, 6).Where(i => i != left).Select(i => (long)i).ToArray());
                return metric.Evaluate(actual.index_select(0, rows), reference.index_select(0, rows)).Value;
            })];
            double deviation = Math.Sqrt(5.0 / 6 * without.Sum(value => Math.Pow(value - without.Average(), 2)));
            MetricValue whole = metric.Evaluate(actual, reference);
            (whole.Upper - whole.Value).Should().BeApproximately(1.959963984540054 * deviation, 1e-12);
            (whole.Value - whole.Lower).Should().BeApproximately(1.959963984540054 * deviation, 1e-12);
        }
    }

    [Fact]
    public void LegacyRmse_BadOptions_Throw()
    {
        ((Action)(() => _ = new LegacyPixelRmse((LegacyRmseVersion)5))).ShouldRefuse("version", "version must be V036 or V035, but it is 5.");
        ((Action)(() => _ = new LegacyPixelRmse(LegacyRmseVersion.V036, 0))).ShouldRefuse("maximum", "maximum must be positive and finite, but it is 0.");
    }
}
