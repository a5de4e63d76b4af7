namespace LatentStitching.Plots;

/// <summary>A curve: points in order, and a band of intervals where there are some.</summary>
public sealed record LineSeries
{
    /// <summary>Its name in the legend.</summary>
    public required string Name { get; init; }

    /// <summary>Where the points lie on the horizontal axis: finite, rising.</summary>
    public required IReadOnlyList<double> X { get; init; }

    /// <summary>The values, as many; finite.</summary>
    public required IReadOnlyList<double> Y { get; init; }

    /// <summary>Lower ends of the 95 % intervals, as many.</summary>
    /// <value>Default null: no band.</value>
    public IReadOnlyList<double>? Lower { get; init; }

    /// <summary>Upper ends of the 95 % intervals, as many.</summary>
    /// <value>Default null: no band.</value>
    public IReadOnlyList<double>? Upper { get; init; }
}
