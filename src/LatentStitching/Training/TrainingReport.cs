namespace LatentStitching.Training;

/// <summary>How a training run went.</summary>
public sealed record TrainingReport
{
    /// <summary>Mean loss of each pass over the images.</summary>
    public required IReadOnlyList<double> EpochLosses { get; init; }

    /// <summary>Steps done.</summary>
    public required long Steps { get; init; }

    /// <summary>Images a second.</summary>
    public required double ImagesPerSecond { get; init; }

    /// <summary>Time the run took.</summary>
    public required TimeSpan Elapsed { get; init; }
}
