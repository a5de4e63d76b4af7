using LatentStitching.Adapters.Flows;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Flows;

[NoTensorLeaks]
public sealed class GlowTests
{
    private static readonly GlowOptions _faces = new() { Seed = 3, HiddenChannels = 32 };

    private static Glow Small(GlowLayout layout = GlowLayout.Rosinality, bool affine = true, bool whitened = false, ScalarType dtype = ScalarType.Float32, int levels = 3) =>
        Stirred(new GlowOptions { Layout = layout, Image = ImageFormat.Rgb(16), Levels = levels, Steps = 2, HiddenChannels = 8, Affine = affine, Whitened = whitened, Dtype = dtype, Seed = 5 });

    // A new flow's couplings and priors do nothing yet.
    private static Glow Stirred(GlowOptions options, double size = 0.05)
    {
        var model = Glow.Create(options);
        GlowFiles.Stir(model, size);
        return model;
    }

    private static Tensor Images(Glow model, long count, ScalarType dtype = ScalarType.Float32)
    {
        using Generator generator = new(11);
        return rand([count, model.Image.Channels, model.Image.Height, model.Image.Width], dtype, generator: generator);
    }

    [Theory]
    [InlineData(GlowLayout.Rosinality, false, ScalarType.Float32, 1e-4)]
    [InlineData(GlowLayout.Rosinality, true, ScalarType.Float32, 1e-4)]
    [InlineData(GlowLayout.Y0ast, true, ScalarType.Float32, 1e-4)]
    [InlineData(GlowLayout.Rosinality, true, ScalarType.Float64, 1e-9)]
    [InlineData(GlowLayout.Y0ast, true, ScalarType.Float64, 1e-9)]
    public void Decode_OfWhatEncodeGives_IsTheImage_AtFullDepth(GlowLayout layout, bool affine, ScalarType dtype, double tolerance)
    {
        using Glow model = Stirred(_faces with { Layout = layout, Affine = affine, Dtype = dtype }, 0.01);
        using var scope = NewDisposeScope();
        Tensor images = Images(model, 3, dtype);
        // Without it each of the 128 couplings, which scale by sigmoid(2), would shrink what it changes.
        model.Network.Initialise(GlowPixels.Centred(images));
        Tensor latents = model.Encode(images), back = model.Decode(latents);
        latents.dtype.Should().Be(dtype);
        // Far from the pixels, or the test would show nothing of couplings.
        (latents.std().ToDouble() / images.std().ToDouble()).Should().NotBeInRange(0.99, 1.01);
        (back - images).abs().max().ToDouble().Should().BeLessThan(tolerance);
        using var whitened = (Glow)model.At("whitened");
        (whitened.Reconstruct(images) - images).abs().max().ToDouble().Should().BeLessThan(tolerance);
    }

    [Fact]
    public void Latent_OfFaces_HasThePublishedLevels()
    {
        using var model = Glow.Create(_faces with { Steps = 1 });
        model.Latent.ToString().Should().Be("12288 (z1 [6, 32, 32], z2 [12, 16, 16], z3 [24, 8, 8], z4 [96, 4, 4])");
        model.ToString().Should().Be("glow: 3×64×64 ↔ 12288");
        using var cifar = Glow.Create(GlowOptions.Cifar with { Steps = 1, HiddenChannels = 4 });
        cifar.Latent.Level("z3").Shape.Should().Equal(48, 4, 4);
        ((Glow)cifar.At("z3+")).Latent.ToString().Should().Be("768 (z3 [48, 4, 4])");
    }

    [Theory]
    [InlineData(GlowLayout.Rosinality, false, 61_214_032)]
    [InlineData(GlowLayout.Rosinality, true, 74_490_832)]
    [InlineData(GlowLayout.Y0ast, true, 44_235_312)]
    public void Layout_AtPublishedSize_HasThePublishedNumberOfWeights(GlowLayout layout, bool affine, long expected)
    {
        GlowOptions options = layout == GlowLayout.Rosinality ? new GlowOptions { Affine = affine } : GlowOptions.Cifar;
        GlowDialect.Of(options.Shape()).Weights().Weights.Where(weight => weight.Trainable).Sum(weight => weight.Shape.Aggregate(1L, (a, b) => a * b)).Should().Be(expected);
    }

    [Fact]
    public void Encode_PixelOfAByte_IsTheMiddleOfItsBin()
    {
        using var scope = NewDisposeScope();
        Tensor bytes = arange(256, ScalarType.Float64) / 255;
        GlowPixels.Centred(bytes).ShouldBeCloseTo((arange(256, ScalarType.Float64) + 0.5) / 256 - 0.5, 1e-15);
        GlowPixels.ToImages(GlowPixels.Centred(bytes)).ShouldBeCloseTo(bytes, 1e-14);
        using Generator generator = new(1);
        foreach (int bits in (int[])[1, 5, 8])
        {
            Tensor noisy = GlowPixels.Dequantised(bytes.to_type(ScalarType.Float32), bits, generator);
            // The bin that a pixel falls into is that of its first bits.
            Tensor bin = ((noisy.to_type(ScalarType.Float64) + 0.5) * (1 << bits)).floor();
            bin.eq((arange(256, ScalarType.Float64) / (256 >> bits)).floor()).all().ToBoolean().Should().BeTrue();
        }
    }

    [Theory]
    [InlineData(GlowLayout.Rosinality, true, GlowPermutation.LuConvolution)]
    [InlineData(GlowLayout.Rosinality, false, GlowPermutation.Convolution)]
    [InlineData(GlowLayout.Y0ast, true, GlowPermutation.Convolution)]
    [InlineData(GlowLayout.Y0ast, true, GlowPermutation.Shuffle)]
    public void LogLikelihood_IsThePriorAndTheNumericJacobian(GlowLayout layout, bool affine, GlowPermutation permutation)
    {
        using Glow model = Stirred(
            new GlowOptions { Layout = layout, Image = ImageFormat.Rgb(4), Levels = 2, Steps = 2, HiddenChannels = 6, Affine = affine, Permutation = permutation, Dtype = ScalarType.Float64 }, 0.1);
        using var scope = NewDisposeScope();
        foreach (ILatentModel view in (ILatentModel[])[model, model.At("whitened")])
        {
            using Tensor image = Images(model, 1, ScalarType.Float64).requires_grad_();
            Tensor latent = view.Encode(image);
            Tensor[] rows = [.. Enumerable.Range(0, 48).Select(i => autograd.grad([latent[0, i]], [image], retain_graph: true)[0].reshape(48))];
            (_, Tensor determinant) = linalg.slogdet(stack(rows));
            var density = view.GetService<ILatentDensity>()!;
            using Tensor plain = image.detach(), code = latent.detach();
            density.LogLikelihood(plain).ToDouble().Should().BeApproximately(density.LogPrior(code).ToDouble() + determinant.ToDouble(), 1e-9);
        }
    }

    [Fact]
    public void BitsPerDimension_OfAFreshModel_IsThatOfANormalByHand()
    {
        // Rotations, no couplings: the density is N(0, I) of the pixels themselves.
        using var model = Glow.Create(new GlowOptions { Image = ImageFormat.Rgb(8), Levels = 2, Steps = 2, HiddenChannels = 4, Dtype = ScalarType.Float64 });
        using var scope = NewDisposeScope();
        Tensor images = Images(model, 4, ScalarType.Float64);
        Tensor v = images * 255 / 256 + (0.5 / 256) - 0.5;
        Tensor nats = (v.square() / 2 + Math.Log(Math.Sqrt(2 * Math.PI))).flatten(1).mean([1]);
        model.BitsPerDimension(images).ShouldBeCloseTo(nats / Math.Log(2) + 5, 1e-7);
        model.LogLikelihood(images).ShouldBeCloseTo(-nats * 192 + 192 * Math.Log(255.0 / 256), 1e-7);
        model.BitsPerDimension(images, noiseSeed: 1).bytes.SequenceEqual(model.BitsPerDimension(images, noiseSeed: 1).bytes).Should().BeTrue();
        model.BitsPerDimension(images, noiseSeed: 2).bytes.SequenceEqual(model.BitsPerDimension(images, noiseSeed: 1).bytes).Should().BeFalse();
        model.EncodeDequantised(images, 1).bytes.SequenceEqual(model.EncodeDequantised(images, 2).bytes).Should().BeFalse();
        // Five bits and their noise move a pixel by at most one bin.
        (model.Decode(model.EncodeDequantised(images, 1)) - images).abs().max().ToDouble().Should().BeInRange(1e-3, 1.1 / 32);
    }

    [Theory]
    [InlineData(GlowLayout.Rosinality)]
    [InlineData(GlowLayout.Y0ast)]
    public void Whiten_OfDrawsAtTemperatureOne_GivesTheStandardNormal(GlowLayout layout)
    {
        using Glow model = Small(layout, dtype: ScalarType.Float64);
        model.Temperature = 1;
        using var scope = NewDisposeScope();
        Tensor drawn = model.Sample(400, 2), whitened = model.Whiten(drawn);
        drawn.ShouldNotBeCloseTo(whitened, 0.01);
        TypicalSetReport report = TypicalSet.Evaluate(whitened);
        report.NormPValue.Should().BeGreaterThan(0.001);
        report.ShareRejected.Should().BeInRange(0.03, 0.07);
        // Both parametrisations draw the same images from one seed, and density transforms with the latent.
        using var view = (Glow)model.At("whitened");
        view.Whitened.Should().BeTrue();
        view.Sample(400, 2).ShouldBeCloseTo(whitened, 1e-9);
        view.Decode(view.Sample(8, 2)).ShouldBeCloseTo(model.Decode(model.Sample(8, 2)), 1e-9);
        view.Whiten(whitened).bytes.SequenceEqual(whitened.bytes).Should().BeTrue();
        Tensor images = Images(model, 2);
        view.LogLikelihood(images).ShouldBeCloseTo(model.LogLikelihood(images), 1e-12);
        view.Encode(images).ShouldBeCloseTo(model.Whiten(model.Encode(images)), 1e-9);
        ((Glow)view.At("raw")).Encode(images).ShouldBeCloseTo(model.Encode(images), 1e-12);
    }

    [Fact]
    public void Sample_AtLowerTemperature_ShrinksTheNoise()
    {
        using Glow model = Small();
        using var scope = NewDisposeScope();
        model.Temperature.Should().Be(0.7);
        model.Whiten(model.Sample(50, 1)).std().ToDouble().Should().BeApproximately(0.7, 0.01);
        model.Temperature = 0;
        Tensor means = model.Sample(2, 1);
        model.Whiten(means).abs().max().ToDouble().Should().BeLessThan(1e-5);
        means[0].ShouldBeCloseTo(means[1], 0);
        Action negative = () => model.Temperature = -1;
        negative.ShouldRefuse("Temperature", "Temperature must be zero or more and finite, but it is -1.");
        model.BatchSize = 3;
        Tensor inBlocks = model.Sample(7, 4);
        model.BatchSize = 7;
        inBlocks.ShouldBeCloseTo(model.Sample(7, 4), 1e-6);
    }

    [Fact]
    public void At_CoarserLevels_DecodesTheRestAtItsPriorsMean()
    {
        using Glow model = Small();
        using var scope = NewDisposeScope();
        model.LevelNames.Should().Equal("z2+", "z3+", "whitened");
        using var top = (Glow)model.At("z3+");
        top.Name.Should().Be("glow/z3+");
        top.Latent.ToString().Should().Be("192 (z3 [48, 2, 2])");
        Tensor images = Images(model, 4), latents = model.Encode(images);
        top.Encode(images).ShouldBeCloseTo(model.Latent.Slice(latents, "z3").flatten(1), 0);
        // The mean of a prior is where its whitened values are zero.
        Tensor white = model.Whiten(latents);
        Tensor emptied = cat([zeros_like(white.narrow(1, 0, 576)), white.narrow(1, 576, 192)], 1);
        using var whitened = (Glow)model.At("whitened");
        top.Decode(top.Encode(images)).ShouldBeCloseTo(whitened.Decode(emptied), 1e-5);
        top.Decode(top.Encode(images)).ShouldNotBeCloseTo(images, 1e-2);
        // The top's density is the marginal one; its own levels are all that count.
        Tensor rest = ((Glow)model.At("z2+")).LogPrior(latents.narrow(1, 384, 384)) - top.LogPrior(latents.narrow(1, 576, 192));
        rest.shape.Should().Equal(4);
        ((Glow)((Glow)model.At("z2+")).At("z3+")).Encode(images).ShouldBeCloseTo(top.Encode(images), 0);
        top.LogLikelihood(images).ShouldBeCloseTo(model.LogLikelihood(images), 1e-7);
        Action act = () => model.At("z1+");
        act.ShouldRefuse("level", "level must be one of z1, z2, z3, z2+, z3+, whitened of glow, but it is 'z1+'.");
        Action service = () => ((IModelLevels)model).At("z1+");
        service.ShouldRefuse("level", "level must be one of z2+, z3+, whitened of glow, but it is 'z1+'.");
        // A level of the latent itself, by the same name of the method.
        model.At("z3").Encode(images).ShouldBeCloseTo(model.Encode(images).narrow(1, 576, 192), 0);
    }

    [Fact]
    public void At_View_LeavesTheWeightsToTheModel()
    {
        using Glow model = Small();
        using var scope = NewDisposeScope();
        Tensor images = Images(model, 1);
        var view = (Glow)model.At("z3+");
        view.Dispose();
        model.Encode(images).size(0).Should().Be(1);
        using var other = (Glow)model.At("z3+");
        model.Dispose();
        foreach (Action act in (Action[])[() => other.Encode(images), () => other.Decode(zeros(1, 192)), () => other.Sample(1, 0), () => model.At("z3+")]) act.Should().Throw<ObjectDisposedException>();
    }
}
