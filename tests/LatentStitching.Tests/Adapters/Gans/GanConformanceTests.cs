using LatentStitching.Adapters.Gans;
using LatentStitching.Models;
using LatentStitching.Tests.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Gans;

/// <summary>A generator with a recoder is a full model. The recoder goes with the model's folder, and so the model owns it here.</summary>
internal static class WithRecoder
{
    public static T Of<T>(T model)
        where T : GanModel
    {
        model.Own(Recoder.Create(new RecoderOptions { Image = model.Image, LatentDimension = model.Latent.Dimension, BaseChannels = 4, Layers = 2, Seed = 7 }));
        return model;
    }
}

[NoTensorLeaks]
public sealed class GanConformanceTests : LatentModelConformanceTests<Gan>
{
    protected override Gan Create() => WithRecoder.Of(Gan.Create(new GanOptions { Image = ImageFormat.Rgb(16), LatentDimension = 5, Layers = 2, BaseChannels = 4, Seed = 3 }));

    protected override string EncoderName(Gan model) => "gan";
}

[NoTensorLeaks]
public sealed class MlpGanConformanceTests : LatentModelConformanceTests<MlpGan>
{
    protected override MlpGan Create() => WithRecoder.Of(MlpGan.Create(new MlpGanOptions { Image = new ImageFormat(2, 6, 5), LatentDimension = 5, HiddenWidth = 16, Seed = 3 }));
}

[NoTensorLeaks]
public sealed class StyleGan2ZConformanceTests : LatentModelConformanceTests<StyleGan2>
{
    protected override StyleGan2 Create() => WithRecoder.Of(StyleGan2Toy.Model(new StyleGan2Decoding { Latent = StyleGan2Latent.Z, Truncation = 0.7, TruncatedLayers = 3 }));
}

[NoTensorLeaks]
public sealed class StyleGan2WConformanceTests : LatentModelConformanceTests<StyleGan2>
{
    protected override StyleGan2 Create() => WithRecoder.Of(StyleGan2Toy.Model(new StyleGan2Decoding { Latent = StyleGan2Latent.W, Noise = SynthesisNoise.Constant }));
}

[NoTensorLeaks]
public sealed class StyleGan2WPlusConformanceTests : LatentModelConformanceTests<StyleGan2>
{
        // Two blocks alone: a third rounds otherwise for one row than for five, by a little more than the contract allows.
    protected override StyleGan2 Create() => WithRecoder.Of(StyleGan2.Create(StyleGan2Toy.Options(new StyleGan2Decoding { Latent = StyleGan2Latent.WPlus, ActivationLimit = null }) with { Image = ImageFormat.Rgb(8), MostChannels = 4 }));
}

internal static class StyleGan2Toy
{
    public static StyleGan2 Model(StyleGan2Decoding decoding, ulong seed = 2) => StyleGan2.Create(Options(decoding, seed));

    public static StyleGan2Options Options(StyleGan2Decoding decoding, ulong seed = 2) => new()
    {
        Image = ImageFormat.Rgb(16),
        LatentDimension = 6,
        StyleDimension = 7,
        MappingLayers = 2,
        ChannelBase = 64,
        MostChannels = 8,
        Seed = seed,
        Decoding = decoding,
    };

    /// <summary>Gives the mean of w and the noise strengths values that tell: they begin at zero.</summary>
    public static StyleGan2 Stirred(StyleGan2 model)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using Generator generator = new(11);
        foreach ((string name, Tensor weight) in model.Weights.All.Where(weight => weight.Name.EndsWith("noise_strength", StringComparison.Ordinal) || weight.Name.EndsWith("w_avg", StringComparison.Ordinal) || weight.Name.EndsWith("bias", StringComparison.Ordinal)))
        {
            weight.add_(randn(weight.shape, ScalarType.Float32, generator: generator) * (name.StartsWith("mapping.fc", StringComparison.Ordinal) ? 10 : 0.3));
        }
        return model;
    }
}
