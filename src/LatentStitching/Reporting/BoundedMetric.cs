using LatentStitching.Metrics;

namespace LatentStitching.Reporting;

/// <summary>A measured value beside what it can be at best and at worst: how a report shows the number of a stitch.</summary>
/// <remarks>All of them must have one signature; a table refuses others.</remarks>
public sealed record BoundedMetric
{
    /// <summary>The value.</summary>
    public required MetricValue Value { get; init; }

    /// <summary>What the best map could reach: the target's own reconstruction.</summary>
    /// <value>Default null: not shown.</value>
    public MetricValue? Ceiling { get; init; }

    /// <summary>What a map that knows nothing reaches: the mean predictor, or shuffled pairs.</summary>
    /// <value>Default null: not shown.</value>
    public MetricValue? Floor { get; init; }

    /// <summary>What a random encoder reaches in place of the source.</summary>
    /// <value>Default null: not shown.</value>
    public MetricValue? Control { get; init; }

    internal IEnumerable<(string Role, MetricValue Value)> References
    {
        get
        {
            if (Ceiling is { } ceiling) yield return ("ceiling", ceiling);
            if (Floor is { } floor) yield return ("floor", floor);
            if (Control is { } control) yield return ("control", control);
        }
    }
}
