namespace LatentStitching.Adapters.Gans;

/// <summary>How far a <see cref="LatentOptimisation"/> has come.</summary>
public sealed record InversionProgress
{
    /// <summary>Steps done, over all batches.</summary>
    public required long Step { get; init; }

    /// <summary>Steps there will be.</summary>
    public required long TotalSteps { get; init; }

    /// <summary>Mean of the batch's objective, over images and starts.</summary>
    public required double Loss { get; init; }
}
