using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Options of a new <see cref="Autoencoder"/>. The defaults are the thesis's CIFAR-10 model.</summary>
public sealed record AutoencoderOptions
{
    /// <summary>The name in reports.</summary>
    /// <value>Default "autoencoder".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "autoencoder";

    /// <summary>The images. Each convolution halves height and width, which must stay whole.</summary>
    /// <value>Default 3×32×32.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Rgb(32);

    /// <summary>Channels of the encoder's convolutions, in order; the decoder mirrors them.</summary>
    /// <value>At least one, all positive; default 12, 24, 48.</value>
    public IReadOnlyList<long> Channels
    {
        get;
        init
        {
            Guard.NotEmpty(value, "Give one number a convolution.", nameof(Channels));
            foreach (long channels in value) Guard.Positive(channels, nameof(Channels));
            field = [.. value];
        }
    } = [12, 24, 48];

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
