using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Models;
using LatentStitching.Tests.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Autoencoders;

/// <summary>The smallest models of each class that are still of its shape.</summary>
internal static class Small
{
    public static Autoencoder Autoencoder(ulong seed = 4) => LatentStitching.Adapters.Autoencoders.Autoencoder.Create(new AutoencoderOptions { Image = new ImageFormat(3, 16, 24), Channels = [6, 8], Seed = seed });

    public static AspertiVae Asperti(ulong seed = 4) => AspertiVae.Create(new AspertiVaeOptions { Image = new ImageFormat(3, 16, 24), LatentDimension = 5, BaseChannels = 4, Seed = seed });

    public static DiffuseVae Diffuse(ulong seed = 4) => DiffuseVae.Create(DiffuseOptions(seed));

    public static DiffuseVaeOptions DiffuseOptions(ulong seed = 4) => new()
    {
        Size = 8,
        EncoderBlocks = "8x1,8d2,8t4,4d4,4t1,1x1",
        EncoderChannels = "8:64,4:6,1:5",
        DecoderBlocks = "1x1,1u4,1t4,4x1,4u2,4t8,8x1",
        DecoderChannels = "8:4,4:6,1:5",
        Seed = seed,
    };

    public static MlpVae Mlp(ulong seed = 4) => MlpVae.Create(new MlpVaeOptions { Image = new ImageFormat(1, 6, 5), HiddenWidth = 12, LatentDimension = 4, Seed = seed });

    public static SplitVae Split(ulong seed = 4) => SplitVae.Create(new SplitVaeOptions { Image = ImageFormat.Rgb(16), LatentDimension = 5, BaseChannels = 3, EmbeddingDimension = 12, Seed = seed });

    public static TinyAutoencoder Tiny(ulong seed = 4) => TinyAutoencoder.Create(new TinyAutoencoderOptions { Image = new ImageFormat(3, 16, 16), WideMiddle = true, Seed = seed });

    public static VanillaVae Vanilla(ulong seed = 4) => VanillaVae.Create(new VanillaVaeOptions { Image = new ImageFormat(3, 40, 33), LatentDimension = 5, BaseChannels = 3, Seed = seed });

    public static VqVae Vq(ulong seed = 4) => VqVae.Create(VqOptions(seed));

    public static VqVae OddVq(ulong seed = 4) => VqVae.Create(VqOptions(seed) with { Image = new ImageFormat(3, 10, 14), Channels = [4, 4, 8] });

    public static VqVaeOptions VqOptions(ulong seed = 4) => new()
    {
        Image = new ImageFormat(3, 8, 12),
        Channels = [4, 8],
        ResidualBlocks = 1,
        AttentionLevels = [1],
        LatentChannels = 3,
        EmbeddingDimension = 2,
        CodebookSize = 16,
        NormalisationGroups = 4,
        Seed = seed,
    };
}

[NoTensorLeaks]
public sealed class AutoencoderConformanceTests : LatentModelConformanceTests<Autoencoder>
{
    protected override Autoencoder Create() => Small.Autoencoder();
}

[NoTensorLeaks]
public sealed class AspertiVaeConformanceTests : LatentModelConformanceTests<AspertiVae>
{
    protected override AspertiVae Create() => Small.Asperti();
}

[NoTensorLeaks]
public sealed class DiffuseVaeConformanceTests : LatentModelConformanceTests<DiffuseVae>
{
    protected override DiffuseVae Create() => Small.Diffuse();
}

[NoTensorLeaks]
public sealed class MlpVaeConformanceTests : LatentModelConformanceTests<MlpVae>
{
    protected override MlpVae Create() => Small.Mlp();
}

[NoTensorLeaks]
public sealed class SplitVaeConformanceTests : LatentModelConformanceTests<SplitVae>
{
    protected override SplitVae Create() => Small.Split();
}

[NoTensorLeaks]
public sealed class TinyAutoencoderConformanceTests : LatentModelConformanceTests<TinyAutoencoder>
{
    // Some forty layers, and random ones make images of a few hundredths.
    protected override double Rounding => 5e-6;

    protected override TinyAutoencoder Create() => Small.Tiny();
}

[NoTensorLeaks]
public sealed class VanillaVaeConformanceTests : LatentModelConformanceTests<VanillaVae>
{
    protected override VanillaVae Create() => Small.Vanilla();
}

[NoTensorLeaks]
public sealed class VqVaeConformanceTests : LatentModelConformanceTests<VqVae>
{
    protected override VqVae Create() => Small.Vq();
}

/// <summary>A size that two halvings do not divide: 10×14 → 2×3 → 8×12 → 10×14.</summary>
[NoTensorLeaks]
public sealed class OddVqVaeConformanceTests : LatentModelConformanceTests<VqVae>
{
    protected override VqVae Create() => Small.OddVq();
}
