using LatentStitching.Metrics;

namespace LatentStitching.Studies;

/// <summary>How far two attributes are the same images to a checkpoint's own probes.</summary>
public sealed record TrainingConceptPair
{
    /// <summary>An attribute.</summary>
    public required string First { get; init; }

    /// <summary>Another.</summary>
    public required string Second { get; init; }

    /// <summary>Jaccard index of the two sets of test images that the probes give the attributes: images in both over images in either. 0 where they are disjoint, NaN where both are empty.</summary>
    public required MetricValue Overlap { get; init; }

    /// <summary>The same of the labels: where probes that are always right would end.</summary>
    public required double LabelledOverlap { get; init; }
}
