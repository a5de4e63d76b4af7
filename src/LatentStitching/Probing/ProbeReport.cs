namespace LatentStitching.Probing;

/// <summary>How the training of one probe went.</summary>
public sealed record ProbeReport
{
    /// <summary>The attribute.</summary>
    public required string Name { get; init; }

    /// <summary>Whether the solver reached its tolerance.</summary>
    public required bool Converged { get; init; }

    /// <summary>Iterations, sweeps or folds, as the solver counts; 0 for a closed form.</summary>
    public long Iterations { get; init; }

    /// <summary>Rows it learnt from.</summary>
    public required int Rows { get; init; }

    /// <summary>How many of them have the attribute.</summary>
    public required int Positives { get; init; }

    /// <summary>The strength of its penalty in the trainer's own convention; NaN for none.</summary>
    public double Strength { get; init; } = double.NaN;

    /// <summary>Upper bound of the objective's distance to its minimum, relative as the trainer says; NaN where there is none.</summary>
    public double RelativeGap { get; init; } = double.NaN;

    /// <summary>Share of its own rows that it labels rightly, in [0, 1].</summary>
    public required double TrainingAccuracy { get; init; }

    /// <summary>What a reader must know, for example that the classes are separable; empty if nothing.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}
