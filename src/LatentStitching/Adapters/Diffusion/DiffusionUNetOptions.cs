using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>Options of a new <see cref="DiffusionUNet"/>.</summary>
public sealed record DiffusionUNetOptions
{
    /// <summary>DDIM's network for faces: 3×64×64, 78,700,803 parameters.</summary>
    public static DiffusionUNetOptions CelebA { get; } = new() { Image = ImageFormat.Rgb(64), Multipliers = [1, 2, 2, 2, 4] };

    /// <summary>DDPM's network for CIFAR-10: 3×32×32, 35,746,307 parameters.</summary>
    public static DiffusionUNetOptions Cifar10 { get; } = new();

    /// <summary>A small network that two processor cores can train: about a million parameters.</summary>
    /// <param name="image">The images; height and width divisible by 4.</param>
    /// <returns>Options with 32 channels, three levels, one block a level and attention at the deepest.</returns>
    public static DiffusionUNetOptions Small(ImageFormat image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return new DiffusionUNetOptions { Image = image, Channels = 32, Multipliers = [1, 2, 2], BlocksPerLevel = 1, AttentionHeights = [image.Height / 4] };
    }

    /// <summary>The images.</summary>
    /// <value>Height and width divisible by 2 for every level after the first; default 3×32×32.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Rgb(32);

    /// <summary>Channels of the first level.</summary>
    /// <value>A positive multiple of 32, the groups of the normalisations; default 128.</value>
    public long Channels
    {
        get;
        init => field = InGroups(value, nameof(Channels));
    } = 128;

    /// <summary>Channels of each level in units of <see cref="Channels"/>; each level after the first has half the height and width.</summary>
    /// <value>At least one, all positive; default 1, 2, 2, 2.</value>
    public IReadOnlyList<long> Multipliers
    {
        get;
        init
        {
            Guard.NotEmpty(value, "Give one number a level.", nameof(Multipliers));
            foreach (long multiplier in value) Guard.Positive(multiplier, nameof(Multipliers));
            field = [.. value];
        }
    } = [1, 2, 2, 2];

    /// <summary>Residual blocks of each level on the way down; one more on the way up.</summary>
    /// <value>At least 1; default 2.</value>
    public int BlocksPerLevel
    {
        get;
        init => field = Guard.Positive(value, nameof(BlocksPerLevel));
    } = 2;

    /// <summary>Heights of the levels whose blocks are followed by attention. The middle always has it.</summary>
    /// <value>Default 16.</value>
    public IReadOnlyList<long> AttentionHeights
    {
        get;
        init => field = [.. Guard.NotNull(value, nameof(AttentionHeights))];
    } = [16];

    /// <summary>Share of activations that training drops in each residual block.</summary>
    /// <value>From 0 to below 1; default 0. DDIM uses 0.1.</value>
    public double Dropout
    {
        get;
        init => field = Guard.Share(value, nameof(Dropout));
    }

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    private static long InGroups(long value, string name) => value > 0 && value % UNetShape.Groups == 0
        ? value
        : throw new ArgumentOutOfRangeException(name, $"{name} must be a positive multiple of {UNetShape.Groups}, but it is {value}.");
}
