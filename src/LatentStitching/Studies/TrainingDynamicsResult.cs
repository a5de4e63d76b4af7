namespace LatentStitching.Studies;

/// <summary>How a latent space came to be.</summary>
public sealed record TrainingDynamicsResult
{
    /// <summary>The model's family.</summary>
    public required ModelFamily Family { get; init; }

    /// <summary>The checkpoints by images seen.</summary>
    public required IReadOnlyList<TrainingDynamicsPoint> Points { get; init; }

    /// <summary>What <see cref="TrainingDynamicsPoint.Convergence"/> must reach to count as converged.</summary>
    public required double Threshold { get; init; }

    /// <summary>Images seen at the first checkpoint from which on the convergence stays at the threshold or above.</summary>
    public required long ConvergedAt { get; init; }

    /// <summary><see cref="ConvergedAt"/> over the images seen in all.</summary>
    public required double ConvergedShare { get; init; }

    /// <summary>All that was measured between the checkpoints.</summary>
    public required StudyResult Study { get; init; }

    /// <summary>Writes the result as JSON.</summary>
    /// <returns>Indented JSON; the same result gives the same text.</returns>
    public string ToJson() => StudyJson.Write(this);
}
