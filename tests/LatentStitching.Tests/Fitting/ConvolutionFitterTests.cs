using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

[NoTensorLeaks]
public sealed class ConvolutionFitterTests
{
    private static Tensor Normal(ulong seed, params long[] shape)
    {
        using Generator generator = new(seed);
        return randn(shape, ScalarType.Float64, generator: generator);
    }

    private static ConvolutionOptions Options(int size, long channels = 3, long outputs = 2, long height = 5, long width = 6) =>
        new() { SourceShape = [channels, height, width], TargetShape = [outputs, height, width], KernelSize = size };

    [Theory]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(5, false)]
    [InlineData(1, true)]
    [InlineData(3, true)]
    public void Fit_ImagesOfAKnownKernel_GivesItBack(int size, bool perChannel)
    {
        using var scope = NewDisposeScope();
        Tensor kernel = Normal(1, 2, 3, size, size), bias = perChannel ? Normal(2, 2) : Normal(2, 60), x = Normal(3, 12, 90) + 10;
        using AffineMap truth = AffineMap.Convolution(kernel, 5, 6, bias);
        using LatentPairs pairs = new(x, truth.Apply(x));
        using LatentMapFit fit = new ConvolutionFitter(Options(size) with { OffsetPerChannel = perChannel }).Fit(pairs);
        fit.Affine.Form.Should().Be($"{size}×{size} convolution over 5×6, 3 → 2 channels");
        fit.Affine.Linear.Tensors[0].Tensor.ShouldBeCloseTo(kernel, 1e-12);
        fit.Affine.Bias.ShouldBeCloseTo(truth.Bias, 1e-10);
        Tensor fresh = Normal(4, 5, 90) + 10;
        fit.Map.Apply(fresh).ShouldBeCloseTo(truth.Apply(fresh), 1e-12);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Rank == 3 * size * size && report.TrainingR2 > 1 - 1e-12);
        fit.Report.Solver.Should().Be($"{size}×{size} convolution, Cholesky of patches");
    }

    // Second implementation: the patches as rows of a design matrix, solved by the fitter of dense maps.
    [Theory]
    [InlineData(3, 0.0, true)]
    [InlineData(3, 40.0, true)]
    [InlineData(1, 3.0, false)]
    public void Fit_NoisyImages_IsRidgeOnPatches(int size, double alpha, bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, 7, 90), y = Normal(2, 7, 60);
        ConvolutionOptions options = Options(size) with { Alpha = alpha, FitIntercept = intercept, OffsetPerChannel = true };
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = new ConvolutionFitter(options).Fit(pairs);
        Tensor patches = nn.functional.unfold(x.reshape(7, 3, 5, 6), (size, size), padding: (size / 2, size / 2)).transpose(1, 2).reshape(7 * 30, -1);
        using LatentPairs rows = new(patches, y.reshape(7, 2, 30).transpose(1, 2).reshape(7 * 30, 2));
        using LatentMapFit dense = new RidgeFitter(new RidgeOptions { Alpha = alpha, FitIntercept = intercept }).Fit(rows);
        fit.Affine.Linear.Tensors[0].Tensor.flatten(1).ShouldBeCloseTo(dense.Affine.Weight, 1e-11);
        fit.Affine.Bias.ShouldBeCloseTo(dense.Affine.Bias.repeat_interleave(30), 1e-11);
        fit.Report.Alpha.Should().Be(alpha);
    }

    // No other kernel and offset does better: the gradient of the loss is zero, taken by autograd through the map's own application.
    [Fact]
    public void Fit_OffsetPerNumber_IsTheMinimum()
    {
        using var scope = NewDisposeScope();
        Tensor x = Normal(1, 9, 90) * 3 + 5, y = Normal(2, 9, 60) - 2;
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = new ConvolutionFitter(Options(3) with { Alpha = 2 }).Fit(pairs);
        Tensor kernel = fit.Affine.Linear.Tensors[0].Tensor.clone().requires_grad_(), bias = fit.Affine.Bias.clone().requires_grad_();
        Tensor mapped = nn.functional.conv2d(x.reshape(9, 3, 5, 6), kernel, padding: [1, 1]).flatten(1) + bias;
        ((mapped - y).square().sum() + (kernel.square().sum() * 2)).backward();
        double scale = (y * y).sum().ToDouble();
        kernel.grad!.abs().max().ToDouble().Should().BeLessThan(1e-11 * scale);
        bias.grad!.abs().max().ToDouble().Should().BeLessThan(1e-11 * scale);
    }

    [Fact]
    public void Fit_OneChannelTwice_TakesTheLeastNorm_AndSaysSo()
    {
        using var scope = NewDisposeScope();
        Tensor one = Normal(1, 8, 30), x = cat([one, one], 1);
        using LatentPairs pairs = new(x, one * 2);
        using LatentMapFit fit = new ConvolutionFitter(Options(1, channels: 2, outputs: 1)).Fit(pairs);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == 1 && report.Solver == "1×1 convolution, eigendecomposition of patches");
        fit.Affine.Linear.Tensors[0].Tensor.flatten().ShouldBeCloseTo(ones(2, ScalarType.Float64), 1e-12);
        using LatentPairs still = new(zeros(4, 60), one.narrow(0, 0, 4).to_type(ScalarType.Float32));
        using LatentMapFit mean = new ConvolutionFitter(Options(1, channels: 2, outputs: 1)).Fit(still);
        mean.Affine.Weight.abs().max().ToDouble().Should().Be(0);
        mean.Affine.Bias.ShouldBeCloseTo(one.narrow(0, 0, 4).mean([0]), 1e-6);
    }

    [Fact]
    public void Options_AndPairs_ThatDoNotFit_AreRefused()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(ones(4, 90), ones(4, 60)), narrow = new(ones(4, 80), ones(4, 60)), single = new(ones(1, 90), ones(1, 60));
        Refuses(() => _ = Options(2), "KernelSize", "KernelSize must be odd and positive, but it is 2.");
        Refuses(() => _ = Options(1) with { SourceShape = [3, 5] }, "SourceShape", "SourceShape must be [channels, height, width] of positive sizes, but it is [3, 5].");
        Refuses(() => _ = Options(1) with { TargetShape = [3, 0, 5] }, "TargetShape", "TargetShape must be [channels, height, width] of positive sizes, but it is [3, 0, 5].");
        Refuses(() => _ = Options(1) with { Alpha = -1 }, "Alpha", "Alpha must be zero or more and finite, but it is -1.");
        Refuses(() => _ = new ConvolutionFitter(Options(1) with { TargetShape = [2, 6, 5] }), "options", "options must have shapes of one height and width, but they are [3, 5, 6] and [2, 6, 5]. KroneckerFitter can change them.");
        Refuses(() => new ConvolutionFitter(Options(1)).Fit(narrow), "pairs", "pairs must have 90 source columns, as [3, 5, 6] has, but it has 80. A part of a latent is fitted by BlockFitter.");
        Refuses(() => new ConvolutionFitter(Options(1)).Fit(single), "pairs", "pairs must hold at least two rows for a map with an intercept, but it holds 1.");
        Action nothing = () => _ = new ConvolutionFitter(null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("options");
        new ConvolutionFitter(Options(3) with { Alpha = 0.5 }).ToString().Should().Be("3×3 convolution, alpha 0.5");
        new ConvolutionFitter(Options(1) with { OffsetPerChannel = true }).ToString().Should().Be("1×1 convolution, alpha 0, one offset a channel");
    }

    private static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
}
