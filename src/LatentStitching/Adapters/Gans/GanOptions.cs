using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>Options of a new <see cref="Gan"/>. The defaults are the layout of Asperti and Tonelli.</summary>
public sealed record GanOptions
{
    // No image has a side beyond 2³⁰, and shifts wrap around from 64 on.
    private const int MostLayers = 30;

    /// <summary>The name in reports.</summary>
    /// <value>Default "gan".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "gan";

    /// <summary>The images.</summary>
    /// <value>Square; the side must be divisible by two to the power of <see cref="Layers"/>. Default 3×64×64.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Rgb(64);

    /// <summary>Width of the latent.</summary>
    /// <value>At least 1; default 64.</value>
    public long LatentDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentDimension));
    } = 64;

    /// <summary>Convolutions that double the side on the way up, and halve it in the discriminator.</summary>
    /// <value>From 1 to 30; default 3.</value>
    public int Layers
    {
        get;
        init => field = GanGuard.Within(value, 1, MostLayers, nameof(Layers));
    } = 3;

    /// <summary>Channels of the first convolution, doubled by each further one, in the generator too.</summary>
    /// <value>At least 1; default 128.</value>
    public long BaseChannels
    {
        get;
        init => field = Guard.Positive(value, nameof(BaseChannels));
    } = 128;

    /// <summary>Channels that the generator's dense layer fills.</summary>
    /// <value>At least 1; default 16.</value>
    public long SeedChannels
    {
        get;
        init => field = Guard.Positive(value, nameof(SeedChannels));
    } = 16;

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
