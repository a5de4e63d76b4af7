using System.Runtime.CompilerServices;

namespace LatentStitching.Plots;

/// <summary>The words and the size of a figure.</summary>
public sealed record FigureOptions
{
    /// <summary>The name of its files, from a to z, 0 to 9 and -.</summary>
    public required string Name { get; init; }

    /// <summary>What it shows, for below the figure.</summary>
    public required string Caption { get; init; }

    /// <summary>What a reader who cannot see it must know.</summary>
    /// <value>Default null: made of the caption, the names, and the lowest and the highest number.</value>
    public string? AlternativeText { get; init; }

    /// <summary>A line above the figure, inside the picture.</summary>
    /// <value>Default null: none.</value>
    public string? Title { get; init; }

    /// <summary>What the horizontal axis is. Not for heat maps, which say it themselves.</summary>
    /// <value>Default null: nothing is written.</value>
    public string? HorizontalTitle { get; init; }

    /// <summary>What the vertical axis is. Not for heat maps, which say it themselves.</summary>
    /// <value>Default null: nothing is written.</value>
    public string? VerticalTitle { get; init; }

    /// <summary>Width in points of the SVG; the PNG has twice as many pixels.</summary>
    /// <value>From 200 to 4000. Default null: 760, for heat maps as wide as the cells need.</value>
    public int? Width
    {
        get;
        init => field = InRange(value);
    }

    /// <summary>Height in points of the SVG; the PNG has twice as many pixels.</summary>
    /// <value>From 200 to 4000. Default null: 420, for heat maps and horizontal bars as high as they need.</value>
    public int? Height
    {
        get;
        init => field = InRange(value);
    }

    private static int? InRange(int? value, [CallerMemberName] string name = "") =>
        value is null or (>= 200 and <= 4000) ? value : throw new ArgumentOutOfRangeException(name, $"{name} must lie from 200 to 4000, but it is {value}.");
}
