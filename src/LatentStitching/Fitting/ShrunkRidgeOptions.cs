using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="ShrunkRidgeFitter"/>. The defaults are those of Asperti and Tonelli for two models of which none is a GAN.</summary>
public sealed record ShrunkRidgeOptions
{
    /// <summary>The options for two models of which one is a GAN: both penalties 0.0015.</summary>
    public static ShrunkRidgeOptions Gan { get; } = new() { KernelPenalty = 0.0015, ActivityPenalty = 0.0015 };

    /// <summary>λ_k: the objective, a mean over all entries, grows by λ_k‖W‖²_F.</summary>
    /// <value>Zero or more; default 10⁻⁴.</value>
    public double KernelPenalty
    {
        get;
        init => field = Guard.NotNegative(value, nameof(KernelPenalty));
    } = 1e-4;

    /// <summary>λ_a: the objective grows by λ_a/n·‖Ŷ‖²_F, Ŷ what the map gives for the n pairs, the offset included.</summary>
    /// <value>Zero or more; default 10⁻⁴.</value>
    public double ActivityPenalty
    {
        get;
        init => field = Guard.NotNegative(value, nameof(ActivityPenalty));
    } = 1e-4;

    /// <summary>Whether the map has an offset.</summary>
    /// <value>Default false, as in the study.</value>
    public bool FitIntercept { get; init; }
}
