using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Options of a new <see cref="VqVae"/>. The defaults are the layout of CompVis's ldm-celebahq-256 at 64×64.</summary>
public sealed record VqVaeOptions
{
    /// <summary>A small model of 3×32×32 that trains on a processor: 32 and 64 channels, an 8×8 map of 4 numbers, 256 codes.</summary>
    public static VqVaeOptions Small32 { get; } = new()
    {
        Image = ImageFormat.Rgb(32),
        Channels = [32, 32, 64],
        ResidualBlocks = 1,
        LatentChannels = 4,
        EmbeddingDimension = 4,
        CodebookSize = 256,
    };

    /// <summary>The name in reports.</summary>
    /// <value>Default "vq-vae".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "vq-vae";

    /// <summary>The images. Every resolution but the last halves height and width, rounding down; what is decoded is resized to them.</summary>
    /// <value>Default 3×64×64.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Rgb(64);

    /// <summary>Channels at each resolution, the image's own first.</summary>
    /// <value>At least one; multiples of <see cref="NormalisationGroups"/>; default 128, 256, 512.</value>
    public IReadOnlyList<long> Channels
    {
        get;
        init
        {
            Guard.NotEmpty(value, "Give one number a resolution.", nameof(Channels));
            foreach (long channels in value) Guard.Positive(channels, nameof(Channels));
            field = [.. value];
        }
    } = [128, 256, 512];

    /// <summary>Residual blocks at each resolution of the encoder; the decoder has one more.</summary>
    /// <value>At least 1; default 2.</value>
    public int ResidualBlocks
    {
        get;
        init => field = Guard.Positive(value, nameof(ResidualBlocks));
    } = 2;

    /// <summary>Which entries of <see cref="Channels"/> have attention after each residual block, from 0. The middle always has one.</summary>
    /// <value>Default none.</value>
    public IReadOnlyList<int> AttentionLevels
    {
        get;
        init => field = [.. Guard.NotNull(value, nameof(AttentionLevels))];
    } = [];

    /// <summary>Channels between the encoder's network and the layer before the codebook.</summary>
    /// <value>At least 1; default 3.</value>
    public long LatentChannels
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentChannels));
    } = 3;

    /// <summary>Numbers in a vector of the codebook, and channels of the latent.</summary>
    /// <value>At least 1; default 3.</value>
    public long EmbeddingDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(EmbeddingDimension));
    } = 3;

    /// <summary>Vectors in the codebook.</summary>
    /// <value>At least 1; default 8,192.</value>
    public long CodebookSize
    {
        get;
        init => field = Guard.Positive(value, nameof(CodebookSize));
    } = 8192;

    /// <summary>Groups of each group normalisation.</summary>
    /// <value>At least 1; default 32, as in all published models.</value>
    public long NormalisationGroups
    {
        get;
        init => field = Guard.Positive(value, nameof(NormalisationGroups));
    } = 32;

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
