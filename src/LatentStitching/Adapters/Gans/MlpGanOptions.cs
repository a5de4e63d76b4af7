using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>Options of a new <see cref="MlpGan"/>. The defaults are the layout of the published MNIST generator.</summary>
public sealed record MlpGanOptions
{
    /// <summary>The name in reports.</summary>
    /// <value>Default "mlp-gan".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "mlp-gan";

    /// <summary>The images.</summary>
    /// <value>Default 1×28×28.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Grey(28);

    /// <summary>Width of the latent.</summary>
    /// <value>At least 1; default 64.</value>
    public long LatentDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentDimension));
    } = 64;

    /// <summary>Width of both hidden layers.</summary>
    /// <value>At least 1; default 256.</value>
    public long HiddenWidth
    {
        get;
        init => field = Guard.Positive(value, nameof(HiddenWidth));
    } = 256;

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
