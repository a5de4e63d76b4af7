using LatentStitching.Metrics;

namespace LatentStitching.Studies;

/// <summary>A model at one moment of its training, compared with what it became.</summary>
public sealed record TrainingDynamicsPoint
{
    /// <summary>Images seen before it, repeats counted: the axis.</summary>
    public required long ImagesSeen { get; init; }

    /// <summary>Its name in the study.</summary>
    public required string Name { get; init; }

    /// <summary>Normalised error of its latents mapped to the final model's; null for the final one.</summary>
    public MetricValue? ErrorToFinal { get; init; }

    /// <summary>R² of that map; null for the final one.</summary>
    public MetricValue? R2ToFinal { get; init; }

    /// <summary>Linear CKA with the final model; null for the final one.</summary>
    public MetricValue? CkaToFinal { get; init; }

    /// <summary>Normalised error of its latents mapped to the next checkpoint's; null for the final one.</summary>
    public MetricValue? ErrorToNext { get; init; }

    /// <summary>Linear CKA with the next checkpoint; null for the final one.</summary>
    public MetricValue? CkaToNext { get; init; }

    /// <summary>Its own reconstruction's error, by the first image metric; null where there is none.</summary>
    public MetricValue? Reconstruction { get; init; }

    /// <summary>Balanced accuracy of its probes on its own latents, mean over attributes; NaN without attributes.</summary>
    public required double ProbeAccuracy { get; init; }

    /// <summary>Balanced accuracy of the final model's probes on its latents mapped to the final model, mean over attributes; NaN without attributes.</summary>
    public required double TransferredAccuracy { get; init; }

    /// <summary>What its own probes say of the test images, an entry an attribute; empty without attributes.</summary>
    public IReadOnlyList<TrainingConcept> Concepts { get; init; } = [];

    /// <summary>
    /// Each of the probed attributes Male, Goatee, Mustache, 5_o_Clock_Shadow and Sideburns against each of Heavy_Makeup, Wearing_Lipstick and No_Beard: the images that its own probes give both. Empty where one side is not probed.
    /// </summary>
    public IReadOnlyList<TrainingConceptPair> GenderOverlaps { get; init; } = [];

    /// <summary>(s − s₀) / (1 − s₀), with s the R² to the final model, not below 0 and 1 for itself, and s₀ that of the first checkpoint: 0 where training began, 1 where it ended.</summary>
    public required double Convergence { get; init; }
}
