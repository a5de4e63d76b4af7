using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Options of a new <see cref="AspertiVae"/>. The defaults are the published CelebA model.</summary>
public sealed record AspertiVaeOptions
{
    /// <summary>The name in reports.</summary>
    /// <value>Default "asperti-vae".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "asperti-vae";

    /// <summary>The images.</summary>
    /// <value>Height and width multiples of 8; default 3×64×64.</value>
    public ImageFormat Image
    {
        get;
        init => field = AspertiVaeNetwork.RequireFormat(value, nameof(Image));
    } = ImageFormat.Rgb(64);

    /// <summary>Width of the latent.</summary>
    /// <value>At least 1; default 64.</value>
    public long LatentDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentDimension));
    } = 64;

    /// <summary>Channels of the first convolution; the second has twice, the third four times as many.</summary>
    /// <value>At least 1; default 128.</value>
    public long BaseChannels
    {
        get;
        init => field = Guard.Positive(value, nameof(BaseChannels));
    } = 128;

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
