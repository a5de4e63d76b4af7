using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Options of a new <see cref="MlpVae"/>. The defaults are the MNIST model of PyTorch's examples.</summary>
public sealed record MlpVaeOptions
{
    /// <summary>The name in reports.</summary>
    /// <value>Default "mlp-vae".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "mlp-vae";

    /// <summary>The images.</summary>
    /// <value>Default 1×28×28.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Grey(28);

    /// <summary>Width of the hidden layer on either side.</summary>
    /// <value>At least 1; default 400.</value>
    public long HiddenWidth
    {
        get;
        init => field = Guard.Positive(value, nameof(HiddenWidth));
    } = 400;

    /// <summary>Width of the latent.</summary>
    /// <value>At least 1; default 20.</value>
    public long LatentDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentDimension));
    } = 20;

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
