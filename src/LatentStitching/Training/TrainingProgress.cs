namespace LatentStitching.Training;

/// <summary>How far a training run has come.</summary>
public sealed record TrainingProgress
{
    /// <summary>The pass over the images, from 1.</summary>
    public required int Epoch { get; init; }

    /// <summary>Steps done.</summary>
    public required long Step { get; init; }

    /// <summary>Steps there will be.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Mean loss of the steps since the last report.</summary>
    public required double Loss { get; init; }

    /// <summary>Images a second since the start.</summary>
    public required double ImagesPerSecond { get; init; }

    /// <summary>Time left at that rate.</summary>
    public required TimeSpan Remaining { get; init; }
}
