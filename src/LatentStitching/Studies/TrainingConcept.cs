using LatentStitching.Metrics;

namespace LatentStitching.Studies;

/// <summary>What a checkpoint's own probe of one attribute says of the test images.</summary>
public sealed record TrainingConcept
{
    /// <summary>The attribute.</summary>
    public required string Attribute { get; init; }

    /// <summary>Share of the images that the probe gives the attribute.</summary>
    public required MetricValue Share { get; init; }

    /// <summary>Cohen's κ between its labels and those of the next checkpoint's probe: 1 where the concept stays as it is. Null for the final checkpoint, NaN where both probes always say the same one thing.</summary>
    public MetricValue? KappaToNext { get; init; }
}
