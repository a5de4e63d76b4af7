namespace LatentStitching.Latents;

/// <summary>How far an encoding has come.</summary>
public sealed record EncodingProgress
{
    /// <summary>Images whose latents are in the file, those of an earlier, interrupted run included.</summary>
    public required int Done { get; init; }

    /// <summary>Images there are.</summary>
    public required int Total { get; init; }

    /// <summary>Images whose latents were in the file when this run began.</summary>
    public required int Resumed { get; init; }

    /// <summary>Images a second since this run began.</summary>
    public required double ImagesPerSecond { get; init; }

    /// <summary>Time left at that rate.</summary>
    public required TimeSpan Remaining { get; init; }
}
