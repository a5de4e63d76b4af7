namespace LatentStitching.Metrics;

/// <summary>Which values of a metric are good.</summary>
public enum MetricDirection
{
    /// <summary>Lower is better, as for an error.</summary>
    LowerIsBetter,

    /// <summary>Higher is better, as for a similarity.</summary>
    HigherIsBetter,
}
