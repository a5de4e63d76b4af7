using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Options of a <see cref="DiffuseVae"/>: its networks, written in the grammar of the published configurations. The defaults are <see cref="CelebA64"/>.</summary>
/// <remarks>
/// Layers are separated by commas: RxN is N residual blocks at side R, RdK a residual block and average pooling by K, RuK nearest upsampling by K, AtB a change from the channels of side A to those of B.
/// The encoder leads from the image's side to 1, the decoder back. The strings are checked when a model is made.
/// </remarks>
public sealed record DiffuseVaeOptions
{
    /// <summary>The published configuration for CelebA at 64×64: 512 latents, 8,029,184 + 5,982,723 parameters.</summary>
    public static DiffuseVaeOptions CelebA64 { get; } = new();

    /// <summary>The published configuration for CIFAR-10 at 32×32: 512 latents, 5,830,528 + 3,412,579 parameters.</summary>
    public static DiffuseVaeOptions Cifar32 { get; } = new()
    {
        Size = 32,
        EncoderBlocks = "32x7,32d2,32t16,16x4,16d2,16t8,8x4,8d2,8t4,4x3,4d4,4t1,1x3",
        EncoderChannels = "32:64,16:128,8:256,4:256,1:512",
        DecoderBlocks = "1x1,1u4,1t4,4x2,4u2,4t8,8x3,8u2,8t16,16x7,16u2,16t32,32x15",
        DecoderChannels = "32:64,16:128,8:256,4:256,1:512",
    };

    /// <summary>The name in reports.</summary>
    /// <value>Default "diffuse-vae".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "diffuse-vae";

    /// <summary>Height and width of the RGB images.</summary>
    /// <value>At least 1; default 64.</value>
    public long Size
    {
        get;
        init => field = Guard.Positive(value, nameof(Size));
    } = 64;

    /// <summary>The encoder's layers.</summary>
    /// <value>Default that of <see cref="CelebA64"/>.</value>
    public string EncoderBlocks
    {
        get;
        init => field = Guard.NotBlank(value, nameof(EncoderBlocks));
    } = "64x7,64d2,64t32,32x4,32d2,32t16,16x7,16d2,16t8,8x3,8d2,8t4,4x3,4d4,4t1,1x2";

    /// <summary>The encoder's channels by side. At the image's side there are always 64; those at side 1 are the width of the latent.</summary>
    /// <value>Default that of <see cref="CelebA64"/>.</value>
    public string EncoderChannels
    {
        get;
        init => field = Guard.NotBlank(value, nameof(EncoderChannels));
    } = "64:64,32:128,16:256,8:256,4:256,1:512";

    /// <summary>The decoder's layers.</summary>
    /// <value>Default that of <see cref="CelebA64"/>.</value>
    public string DecoderBlocks
    {
        get;
        init => field = Guard.NotBlank(value, nameof(DecoderBlocks));
    } = "1x1,1u4,1t4,4x2,4u2,4t8,8x3,8u2,8t16,16x7,16u2,16t32,32x8,32u2,32t64,64x10";

    /// <summary>The decoder's channels by side. At side 1 there are as many as the encoder's.</summary>
    /// <value>Default that of <see cref="CelebA64"/>.</value>
    public string DecoderChannels
    {
        get;
        init => field = Guard.NotBlank(value, nameof(DecoderChannels));
    } = "64:64,32:128,16:256,8:256,4:256,1:512";

    /// <summary>Seed of the initial weights; not used for weights that are loaded.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    internal ImageFormat Image => ImageFormat.Rgb(Size);
}
