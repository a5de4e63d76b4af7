using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>Options of a new <see cref="ConvolutionalDenoiser"/>.</summary>
public sealed record ConvolutionalDenoiserOptions
{
    /// <summary>The images.</summary>
    /// <value>Default 1×28×28.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Grey(28);

    /// <summary>Channels after each block.</summary>
    /// <value>At least one, all positive; default 16, 32, 32, 16.</value>
    public IReadOnlyList<long> HiddenChannels
    {
        get;
        init
        {
            Guard.NotEmpty(value, "Give one number a block.", nameof(HiddenChannels));
            foreach (long channels in value) Guard.Positive(channels, nameof(HiddenChannels));
            field = [.. value];
        }
    } = [16, 32, 32, 16];

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
