using LatentStitching.Metrics;

namespace LatentStitching.Supports;

/// <summary>The error of maps fitted on so many pairs.</summary>
public sealed record SupportSetPoint
{
    /// <summary>Number of pairs.</summary>
    public required int Size { get; init; }

    /// <summary>Error on the test images, as a share of their variance: the mean over the draws. The interval resamples images and draws.</summary>
    public required MetricValue Error { get; init; }

    /// <summary>This error over that of the map fitted on all pairs, less 1, with the interval of both together: 0 where nothing is lost.</summary>
    public required MetricValue Excess { get; init; }

    /// <summary>Error of each draw.</summary>
    public required IReadOnlyList<double> PerDraw { get; init; }
}
