using LatentStitching.Numerics;

namespace LatentStitching.Models;

/// <summary>The shape of the images that a model takes and gives: channels, height and width.</summary>
/// <remarks>Pixels are floating point in [0, 1], channels in RGB order (or one grey channel), laid out [n, c, h, w].</remarks>
public sealed record ImageFormat
{
    /// <summary>Makes a format.</summary>
    /// <param name="channels">Number of channels, at least 1: 3 for RGB, 1 for grey.</param>
    /// <param name="height">Height in pixels, at least 1.</param>
    /// <param name="width">Width in pixels, at least 1.</param>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive.</exception>
    public ImageFormat(long channels, long height, long width)
    {
        Channels = Guard.Positive(channels);
        Height = Guard.Positive(height);
        Width = Guard.Positive(width);
    }

    /// <summary>Number of channels.</summary>
    public long Channels { get; }

    /// <summary>Height in pixels.</summary>
    public long Height { get; }

    /// <summary>Width in pixels.</summary>
    public long Width { get; }

    /// <summary>Numbers an image holds: channels × height × width.</summary>
    public long PixelCount => Channels * Height * Width;

    /// <summary>Makes the format of square RGB images.</summary>
    /// <param name="size">Height and width in pixels, at least 1.</param>
    /// <returns>The format 3 × size × size.</returns>
    public static ImageFormat Rgb(long size) => new(3, size, size);

    /// <summary>Makes the format of square grey images.</summary>
    /// <param name="size">Height and width in pixels, at least 1.</param>
    /// <returns>The format 1 × size × size.</returns>
    public static ImageFormat Grey(long size) => new(1, size, size);

    /// <summary>Says the format as "channels×height×width".</summary>
    /// <returns>For example "3×64×64".</returns>
    public override string ToString() => $"{Channels}×{Height}×{Width}";
}
