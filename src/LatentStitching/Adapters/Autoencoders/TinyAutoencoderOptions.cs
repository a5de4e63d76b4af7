using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Options of a new <see cref="TinyAutoencoder"/>. The defaults are TAESD's.</summary>
public sealed record TinyAutoencoderOptions
{
    /// <summary>The name in reports.</summary>
    /// <value>Default "tiny-autoencoder".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "tiny-autoencoder";

    /// <summary>The images: RGB, with a height and width that <see cref="Reduction"/> divides.</summary>
    /// <value>Default 3×64×64.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Rgb(64);

    /// <summary>Channels of the latent.</summary>
    /// <value>At least 1; default 4: TAESD and TAESDXL; 16 for TAESD3 and TAEF1, 32 for TAEF2 and TAESANA.</value>
    public long LatentChannels
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentChannels));
    } = 4;

    /// <summary>Pixels along a side for one place of the latent.</summary>
    /// <value>8, or 32 for TAESANA; default 8.</value>
    public long Reduction
    {
        get;
        init => field = TinyAutoencoderNetwork.RequireReduction(value, nameof(Reduction));
    } = 8;

    /// <summary>Whether the blocks of the lowest resolution begin with a wide, normalised layer, as in TAEF2.</summary>
    /// <value>Default false.</value>
    public bool WideMiddle { get; init; }

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
