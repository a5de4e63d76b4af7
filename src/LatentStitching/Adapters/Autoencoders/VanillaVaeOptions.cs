using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Options of a new <see cref="VanillaVae"/>. The defaults are the thesis's CelebA model.</summary>
public sealed record VanillaVaeOptions
{
    /// <summary>The name in reports.</summary>
    /// <value>Default "vanilla-vae".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "vanilla-vae";

    /// <summary>The images.</summary>
    /// <value>Default 3×150×150.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Rgb(150);

    /// <summary>Width of the latent.</summary>
    /// <value>At least 1; default 128.</value>
    public long LatentDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentDimension));
    } = 128;

    /// <summary>Channels of the first convolution; each of the next four has twice as many.</summary>
    /// <value>At least 1; default 32.</value>
    public long BaseChannels
    {
        get;
        init => field = Guard.Positive(value, nameof(BaseChannels));
    } = 32;

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
