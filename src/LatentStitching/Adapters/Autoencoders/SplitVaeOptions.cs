using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Options of a new <see cref="SplitVae"/>. The defaults are <see cref="CelebA"/>.</summary>
public sealed record SplitVaeOptions
{
    /// <summary>The published CelebA model: 3×64×64, 150 latents, 28,989,363 parameters with the running statistics.</summary>
    public static SplitVaeOptions CelebA { get; } = new();

    /// <summary>The published CIFAR-10 model: 3×32×32, 200 latents.</summary>
    public static SplitVaeOptions Cifar10 { get; } = new() { Image = ImageFormat.Rgb(32), LatentDimension = 200 };

    /// <summary>The published MNIST model: 1×32×32, 32 latents.</summary>
    public static SplitVaeOptions Mnist { get; } = new() { Image = ImageFormat.Grey(32), LatentDimension = 32 };

    /// <summary>A small model of 3×32×32 that trains on a processor: 32 latents, 8 base channels, an embedding of 128.</summary>
    public static SplitVaeOptions Small32 { get; } = new() { Image = ImageFormat.Rgb(32), LatentDimension = 32, BaseChannels = 8, EmbeddingDimension = 128 };

    /// <summary>The name in reports.</summary>
    /// <value>Default "split-vae".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "split-vae";

    /// <summary>The images.</summary>
    /// <value>Square, with a side of 16, 32, 64, 128, 256 or 512; default 3×64×64.</value>
    public ImageFormat Image
    {
        get;
        init => field = SplitVaeNetwork.RequireFormat(value, nameof(Image));
    } = ImageFormat.Rgb(64);

    /// <summary>Width of the latent.</summary>
    /// <value>At least 1; default 150.</value>
    public long LatentDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentDimension));
    } = 150;

    /// <summary>Channels at the image's own side; each halving of the side doubles them, to 1,024 at most in the decoder.</summary>
    /// <value>At least 1; default 64.</value>
    public long BaseChannels
    {
        get;
        init => field = Guard.Positive(value, nameof(BaseChannels));
    } = 64;

    /// <summary>Width of the embedding on either side of the latent.</summary>
    /// <value>At least 1; default 512.</value>
    public long EmbeddingDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(EmbeddingDimension));
    } = 512;

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
