using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Options of a new <see cref="Vae"/>.</summary>
public sealed record VaeOptions
{
    /// <summary>The name in reports.</summary>
    /// <value>Default "vae".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "vae";

    /// <summary>The images.</summary>
    /// <value>64×64 or 32×32 with 1 or 3 channels; default 3×64×64.</value>
    public ImageFormat Image
    {
        get;
        init => field = BurgessNetwork.RequireFormat(value, nameof(Image));
    } = ImageFormat.Rgb(64);

    /// <summary>Width of the latent.</summary>
    /// <value>At least 1; default 10.</value>
    public long LatentDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentDimension));
    } = 10;

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
