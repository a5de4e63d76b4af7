namespace LatentStitching.Plots;

/// <summary>How <see cref="LineFigure"/> divides its axes.</summary>
public sealed record LineOptions
{
    /// <summary>Whether the horizontal axis is logarithmic; all x must then be positive.</summary>
    /// <value>Default: false.</value>
    public bool LogarithmicX { get; init; }

    /// <summary>Whether the vertical axis is logarithmic; all values and lower ends must then be positive.</summary>
    /// <value>Default: false.</value>
    public bool LogarithmicY { get; init; }
}
