using LatentStitching.Checkpoints;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Reconstruction;

[NoTensorLeaks]
public sealed class SsimTests
{
    /// <summary>A byte image [h, w, 3] of a fixture as float64 [1, 3, h, w] in [0, 1].</summary>
    internal static Tensor Image(StateDictionary file, string name) => file[name].to_type(ScalarType.Float64).div(255).permute(2, 0, 1).unsqueeze(0);

    [Fact]
    public void Ssim_AgreesWithScikitImage()
    {
        using StateDictionary file = Fixture.Load("alignment/ssim_psnr.safetensors");
        foreach (string image in (string[])["rgb", "tiny"])
        {
            using var scope = NewDisposeScope();
            Tensor a = Image(file, image + ".a"), b = Image(file, image + ".b");
            new Ssim().Evaluate(b, a).Value.Should().BeApproximately(file[image + ".ssim_gaussian"].ToDouble(), 1e-9);
            new Ssim().Evaluate(b.to_type(ScalarType.Float32), a.to_type(ScalarType.Float32)).Value.Should().BeApproximately(file[image + ".ssim_gaussian"].ToDouble(), 1e-6);
        }
    }

    [Fact]
    public void Ssim_OfTheGoldenPair()
    {
        using var scope = NewDisposeScope();
        (Tensor i, Tensor j) = PixelScoreTests.GoldenImages();
        new Ssim().Evaluate(j, i).Value.Should().BeApproximately(0.95845850092301, 1e-13);
        new Ssim().Evaluate(i, j).Value.Should().BeApproximately(0.95845850092301, 1e-13);
        new Ssim().Evaluate(i, i).Value.Should().BeApproximately(1, 1e-14);
        new Ssim().Evaluate(i, j).Signature.Should().Be("ssim|window:gaussian-11-1.5|moments:biased|border:valid|range:0-1|n:1|ci:bca-bootstrap-2000");
    }

    // Sides of 11, of one tile and of more than a tile, against a loop over windows.
    [Theory]
    [InlineData(11, 11)]
    [InlineData(13, 150)]
    [InlineData(140, 12)]
    public void Ssim_EqualsALoopOverWindows(int height, int width)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor a = rand([2, 1, height, width], ScalarType.Float64, generator: generator), b = (a + (0.3 * rand([2, 1, height, width], ScalarType.Float64, generator: generator))).clamp(0, 1);
        IReadOnlyList<double> values = new Ssim().Measure(a, b);
        for (int i = 0; i < 2; i++) values[i].Should().BeApproximately(Windows(a[i, 0], b[i, 0]).Similarity, 1e-12);
    }

    [Fact]
    public void Ssim_ConstantImages_ByHand()
    {
        using var scope = NewDisposeScope();
        // Without variance only the luminance term is left.
        Tensor a = full([1, 3, 16, 16], 0.2, ScalarType.Float64), b = full([1, 3, 16, 16], 0.6, ScalarType.Float64);
        new Ssim().Evaluate(a, b).Value.Should().BeApproximately((0.24 + 1e-4) / (0.4 + 1e-4), 1e-11);
        new MsSsim(1).Evaluate(a, a).Value.Should().BeApproximately(1, 1e-12);
    }

    [Fact]
    public void MsSsim_EqualsALoopOverScales()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(2);
        // An odd side: its last row is left out when places are averaged.
        Tensor a = rand([1, 2, 44, 47], ScalarType.Float64, generator: generator), b = (a + (0.2 * rand([1, 2, 44, 47], ScalarType.Float64, generator: generator))).clamp(0, 1);
        double[] weights = [0.0448, 0.2856, 0.3001];
        double mean = 0;
        for (int c = 0; c < 2; c++)
        {
            Tensor x = a[0, c], y = b[0, c];
            double product = 1;
            for (int scale = 0; scale < 3; scale++)
            {
                (double similarity, double contrast) = Windows(x, y);
                product *= Math.Pow(scale == 2 ? similarity : contrast, weights[scale] / weights.Sum());
                (x, y) = (Halve(x), Halve(y));
            }
            mean += product / 2;
        }
        new MsSsim(3).Evaluate(a, b).Value.Should().BeApproximately(mean, 1e-12);
        new MsSsim(3).Info.Signature.Should().Be("ms-ssim|scales:3|window:gaussian-11-1.5|moments:biased|border:valid|pool:2x2|range:0-1");
    }

    [Fact]
    public void MsSsim_OfOneScale_IsSsim_AndOfANegativeImageZero()
    {
        using var scope = NewDisposeScope();
        (Tensor i, Tensor j) = PixelScoreTests.GoldenImages();
        new MsSsim(1).Evaluate(i, j).Value.Should().BeApproximately(new Ssim().Evaluate(i, j).Value, 1e-14);
        new Ssim().Evaluate(i, 1 - i).Value.Should().BeLessThan(0);
        new MsSsim(2).Evaluate(i, 1 - i).Value.Should().Be(0);
    }

    [Fact]
    public void MsSsim_FiveScales_RunAtTheirLeastSize()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(2);
        Tensor a = rand([1, 1, 176, 176], generator: generator), b = a.mul(0.9);
        double value = new MsSsim().Evaluate(a, b).Value;
        value.Should().BeInRange(0.9, 0.9999);
        new MsSsim().Evaluate(a, a).Value.Should().BeApproximately(1, 1e-12);
    }

    [Fact]
    public void TooSmall_Throws()
    {
        using var scope = NewDisposeScope();
        ((Action)(() => new Ssim().Evaluate(zeros(1, 1, 10, 30), zeros(1, 1, 10, 30)))).ShouldRefuse(
            "actual", "actual must be at least 11 pixels high and wide for a window of 11 at 1 scales, but its shape is [1, 1, 10, 30]. Use PixelMse.");
        ((Action)(() => new MsSsim().Evaluate(zeros(1, 1, 176, 175), zeros(1, 1, 176, 175)))).ShouldRefuse(
            "actual", "actual must be at least 176 pixels high and wide for a window of 11 at 5 scales, but its shape is [1, 1, 176, 175]. Use fewer scales, or Ssim.");
        ((Action)(() => _ = new MsSsim(6))).ShouldRefuse("scales", "scales must be from 1 to 5, for which weights are published, but it is 6.");
    }

    private static Tensor Halve(Tensor x)
    {
        long h = x.size(0) / 2, w = x.size(1) / 2;
        return x.narrow(0, 0, 2 * h).narrow(1, 0, 2 * w).reshape(h, 2, w, 2).mean([1, 3]);
    }

    /// <summary>Wang et al.'s formula as it stands, window by window.</summary>
    private static (double Similarity, double Contrast) Windows(Tensor a, Tensor b)
    {
        int height = (int)a.size(0), width = (int)a.size(1);
        double[] x = a.contiguous().data<double>().ToArray(), y = b.contiguous().data<double>().ToArray();
        double[,] window = new double[11, 11];
        double total = 0;
        for (int i = 0; i < 11; i++)
        {
            for (int j = 0; j < 11; j++) total += window[i, j] = Math.Exp(-(((i - 5) * (i - 5)) + ((j - 5) * (j - 5))) / 4.5);
        }
        double similarity = 0, contrast = 0;
        for (int r = 0; r + 11 <= height; r++)
        {
            for (int c = 0; c + 11 <= width; c++)
            {
                double mx = 0, my = 0, vx = 0, vy = 0, cov = 0;
                for (int i = 0; i < 121; i++)
                {
                    double w = window[i / 11, i % 11] / total;
                    int place = ((r + (i / 11)) * width) + c + (i % 11);
                    mx += w * x[place];
                    my += w * y[place];
                }
                for (int i = 0; i < 121; i++)
                {
                    double w = window[i / 11, i % 11] / total;
                    int place = ((r + (i / 11)) * width) + c + (i % 11);
                    vx += w * (x[place] - mx) * (x[place] - mx);
                    vy += w * (y[place] - my) * (y[place] - my);
                    cov += w * (x[place] - mx) * (y[place] - my);
                }
                double cs = ((2 * cov) + 9e-4) / (vx + vy + 9e-4);
                contrast += cs;
                similarity += cs * ((2 * mx * my) + 1e-4) / ((mx * mx) + (my * my) + 1e-4);
            }
        }
        int places = (height - 10) * (width - 10);
        return (similarity / places, contrast / places);
    }
}
