using System.Runtime.CompilerServices;
using LatentStitching.Numerics;

namespace LatentStitching.Reporting;

/// <summary>How <see cref="ImageGrid"/> draws. Lengths are in pixels of the picture that is written.</summary>
public sealed record ImageGridOptions
{
    /// <summary>A line above the grid, or null for none.</summary>
    /// <value>Default: null.</value>
    public string? Title { get; init; }

    /// <summary>Whether each entry is a row instead of a column.</summary>
    /// <value>Default: false, entries stand side by side.</value>
    public bool EntriesAsRows { get; init; }

    /// <summary>One label an image of the entries: beside the rows, or above the columns where entries are rows. Null for none.</summary>
    /// <value>Default: null.</value>
    public IReadOnlyList<string>? ImageLabels { get; init; }

    /// <summary>A label above each image: one list an entry, one label an image, which may be empty. Null for none. Not wrapped.</summary>
    /// <value>Default: null.</value>
    public IReadOnlyList<IReadOnlyList<string>>? CellLabels { get; init; }

    /// <summary>Each pixel becomes a square of so many pixels a side: enlarged without smoothing.</summary>
    /// <value>From 1 to 64. Default: 2.</value>
    public int Scale
    {
        get;
        init => field = (int)InRange(value, 1, 64);
    }
    = 2;

    /// <summary>Space between images.</summary>
    /// <value>0 or more. Default: 4.</value>
    public int Gap
    {
        get;
        init => field = (int)Guard.NotNegative((long)value, nameof(Gap));
    }
    = 4;

    /// <summary>Space around the grid.</summary>
    /// <value>0 or more. Default: 12.</value>
    public int Margin
    {
        get;
        init => field = (int)Guard.NotNegative((long)value, nameof(Margin));
    }
    = 12;

    /// <summary>Height of the letters' em square; the title's is 1.25 times that.</summary>
    /// <value>From 6 to 200. Default: 14.</value>
    public double FontSize
    {
        get;
        init => field = InRange(value, 6, 200);
    }
    = 14;

    private static double InRange(double value, double low, double high, [CallerMemberName] string name = "") =>
        value >= low && value <= high
            ? value
            : throw new ArgumentOutOfRangeException(name, $"{name} must lie from {low} to {high}, but it is {value}.");
}
