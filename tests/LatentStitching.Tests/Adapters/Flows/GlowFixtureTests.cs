using LatentStitching.Adapters.Flows;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Flows;

/// <summary>The published networks, run in PyTorch at small sizes: see tests/fixtures/glow_rosinality and glow_y0ast.</summary>
[NoTensorLeaks]
public sealed class GlowFixtureTests
{
    private const double Values = 1e-5, Densities = 2e-6;

    [Theory]
    [InlineData("glow_affine_lu", true)]
    [InlineData("glow_affine_full", true)]
    [InlineData("glow_additive_lu", false)]
    [InlineData("glow_additive_full", false)]
    public void Rosinality_ForwardAndBothReverses_AreThePublished(string name, bool affine)
    {
        using StateDictionary fixture = Fixture.Load($"glow_rosinality/{name}.safetensors");
        using GlowNetwork network = Open(fixture, ScalarType.Float32), exact = Open(fixture, ScalarType.Float64);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        network.Shape.Should().Be(new GlowShape(
            GlowLayout.Rosinality, Image, 2, 2, 16, affine, name.EndsWith("lu", StringComparison.Ordinal) ? GlowPermutation.LuConvolution : GlowPermutation.Convolution));
        Tensor x = fixture["in.x"];
        (var levels, Tensor? determinant) = network.Forward(x, determinant: true);
        levels.Should().HaveCount(2);
        for (int i = 0; i < 2; i++) levels[i].Values.ShouldBeCloseTo(fixture[$"out.z.{i}"], Values);
        determinant!.ShouldBeCloseTo(fixture["out64.logdet"], Densities);
        Tensor total = GlowLatents.LogLikelihood(network, x, null), expected = fixture["out64.logdet"] + fixture["out64.log_p"];
        total.ShouldBeCloseTo(expected, Densities);

        network.Backward(3, null, (level, _) => fixture[$"out.z.{level}"])!.ShouldBeCloseTo(fixture["out.reconstruct"], Values);
        network.Backward(3, null, Drawn)!.ShouldBeCloseTo(fixture["out.sample"], Values);
        exact.Backward(3, null, Drawn)!.ShouldBeCloseTo(fixture["out64.sample"], 1e-12);
        Tensor wide = x.to_type(ScalarType.Float64);
        // Of a plain convolution the published code rounds the determinant to float32 even in float64.
        double rounding = network.Shape.Permutation == GlowPermutation.Convolution ? 5e-8 : 1e-12;
        exact.Forward(wide, determinant: true).LogDeterminant!.ShouldBeCloseTo(fixture["out64.logdet"], rounding);
        GlowLatents.LogLikelihood(exact, wide, null).ShouldBeCloseTo(expected, rounding);

        Tensor Drawn(int level, Func<(Tensor Mean, Tensor LogDeviation)> prior)
        {
            (Tensor mean, Tensor logDeviation) = prior();
            return mean + logDeviation.exp() * fixture[$"in.eps.{level}"].to_type(mean.dtype);
        }
    }

    [Fact]
    public void Rosinality_ActNorm_StartsAsPublished()
    {
        using StateDictionary fixture = Fixture.Load("glow_rosinality/actnorm_init.safetensors");
        using var scope = NewDisposeScope();
        Tensor x = fixture["in.x"];
        (Tensor location, Tensor scale) = RosinalityGlow.Standardise(x);
        location.ShouldBeCloseTo(fixture["out.loc"].reshape(-1), 1e-6);
        scale.ShouldBeCloseTo(fixture["out.scale"].reshape(-1), 1e-6);
        ((x + location.reshape(1, 6, 1, 1)) * scale.reshape(1, 6, 1, 1)).ShouldBeCloseTo(fixture["out.y"], 1e-6);
        (scale.log().sum() * 35).reshape(1).ShouldBeCloseTo(fixture["out.logdet"], 1e-6);
    }

    [Theory]
    [InlineData("affine_invconv_lu", true, GlowPermutation.LuConvolution, 0)]
    [InlineData("additive_shuffle", false, GlowPermutation.Shuffle, 4)]
    public void Y0ast_FlowBitsAndReverse_AreThePublished(string name, bool affine, GlowPermutation permutation, int classes)
    {
        using StateDictionary fixture = Fixture.Load($"glow_y0ast/{name}.safetensors");
        using GlowNetwork network = Open(fixture, ScalarType.Float32), exact = Open(fixture, ScalarType.Float64);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        network.Shape.Should().Be(new GlowShape(GlowLayout.Y0ast, Image, 2, 2, 12, affine, permutation, LearnedTop: true, classes));
        Tensor x = fixture["in.x"], noisy = x + fixture["in.dequant_noise"];
        Tensor? rows = classes > 0 ? fixture["in.y_onehot"] : null;

        network.Forward(noisy, determinant: false).Levels[^1].Values.ShouldBeCloseTo(fixture["out.z"], Values);
        Bits(network, noisy).ShouldBeCloseTo(fixture["out.bpd"], Values);
        // The sum in float32 rounds; noise of the published figure itself is told by its own float64 run.
        Tensor wide = x.to_type(ScalarType.Float64) + fixture["in.dequant_noise"].to_type(ScalarType.Float64);
        exact.Forward(wide, determinant: false).Levels[^1].Values.ShouldBeCloseTo(fixture["out64.z"], 1e-12);
        Bits(exact, wide).ShouldBeCloseTo(fixture["out64.bpd"], 1e-12);

        // The published sum holds the likelihoods of what the splits drop.
        (var levels, Tensor? determinant) = network.Forward(x, determinant: true);
        levels[^1].Values.ShouldBeCloseTo(fixture["out.flow_z_no_noise"], Values);
        (Tensor mean, Tensor logDeviation) = network.Prior(0, levels[0].Kept, 2, rows);
        Tensor apart = (levels[0].Values - mean) / logDeviation.exp();
        Tensor dropped = (apart.square() / -2 - logDeviation - (0.5 * Math.Log(2 * Math.PI))).sum([1, 2, 3]);
        (determinant! + dropped).ShouldBeCloseTo(fixture["out.flow_logdet_no_noise"], Values);

        (mean, logDeviation) = network.Prior(1, null, 2, rows);
        mean.ShouldBeCloseTo(fixture["out.prior_mean"], Values);
        logDeviation.ShouldBeCloseTo(fixture["out.prior_logs"], Values);
        network.Backward(2, rows, (level, prior) => level == 1 ? fixture["out.z"] : prior().Mean)!.ShouldBeCloseTo(fixture["out.decode_z"], Values);
        if (classes == 0) network.Backward(1, null, (_, prior) => prior().Mean)!.ShouldBeCloseTo(fixture["out.decode_none"], Values);
        if (classes > 0) Y0astGlow.ClassLogits(network.Weights, fixture["out.z"]).ShouldBeCloseTo(fixture["out.y_logits"], Values);

        Tensor Bits(GlowNetwork of, Tensor pixels) =>
            GlowPixels.BitsPerDimension(GlowLatents.LogLikelihood(of, pixels, rows?.to_type(pixels.dtype)), 8, Image.PixelCount);
    }

    private static LatentStitching.Models.ImageFormat Image { get; } = LatentStitching.Models.ImageFormat.Rgb(8);

    private static GlowNetwork Open(StateDictionary fixture, ScalarType dtype)
    {
        using StateDictionary weights = GlowFiles.Weights(fixture);
        return GlowCheckpoint.Load(weights, "fixture", (8, 8), dtype, CPU);
    }
}
