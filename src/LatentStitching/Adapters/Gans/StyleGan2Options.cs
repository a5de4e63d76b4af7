using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>Options of a new <see cref="StyleGan2"/>. The defaults are the published configuration for 64×64 pixels; <see cref="Small"/> trains on two cores.</summary>
public sealed record StyleGan2Options
{
    /// <summary>A network for 32×32 pixels that two cores can train: latents of 64, a mapping network of two layers, at most 64 channels.</summary>
    public static StyleGan2Options Small { get; } = new() { Image = ImageFormat.Rgb(32), LatentDimension = 64, StyleDimension = 64, MappingLayers = 2, ChannelBase = 1024, MostChannels = 64 };

    /// <summary>The name in reports.</summary>
    /// <value>Default "stylegan2".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "stylegan2";

    /// <summary>The images.</summary>
    /// <value>Square, with a power of two from 8 as their side; default 3×64×64.</value>
    public ImageFormat Image
    {
        get;
        init => field = GanGuard.PowerOfTwo(value, nameof(Image));
    } = ImageFormat.Rgb(64);

    /// <summary>Width of z.</summary>
    /// <value>At least 1; default 512.</value>
    public long LatentDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentDimension));
    } = 512;

    /// <summary>Width of w.</summary>
    /// <value>At least 1; default 512.</value>
    public long StyleDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(StyleDimension));
    } = 512;

    /// <summary>Layers of the mapping network.</summary>
    /// <value>At least 1; default 8.</value>
    public int MappingLayers
    {
        get;
        init => field = Guard.Positive(value, nameof(MappingLayers));
    } = 8;

    /// <summary>Channels times side: a layer of side r has this many channels divided by r, up to <see cref="MostChannels"/> ("channel_base").</summary>
    /// <value>At least the images' side; default 32768.</value>
    public long ChannelBase
    {
        get;
        init => field = Guard.Positive(value, nameof(ChannelBase));
    } = 32768;

    /// <summary>Most channels of a layer ("channel_max").</summary>
    /// <value>At least 1; default 512.</value>
    public long MostChannels
    {
        get;
        init => field = Guard.Positive(value, nameof(MostChannels));
    } = 512;

    /// <summary>Seed of the initial weights and of the constant noise.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <summary>How the model is used.</summary>
    public StyleGan2Decoding Decoding
    {
        get;
        init => field = Guard.NotNull(value, nameof(Decoding));
    } = new();
}
