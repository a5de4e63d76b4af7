namespace LatentStitching.Fitting;

/// <summary>How a fit ended.</summary>
public enum FitStatus
{
    /// <summary>The map is the unique solution; of an iterative fitter, the one it was asked to stop at: within the tolerance, of least held-out error, or after a given number of steps.</summary>
    Succeeded,

    /// <summary>
    /// The source latents do not determine the map: of all solutions the one of least norm was taken. Causes: (a) no more pairs than source columns, (b) constant or dependent columns.
    /// More pairs or a ridge penalty make it unique.
    /// </summary>
    RankDeficient,

    /// <summary>The iteration limit came before convergence. Causes: (a) too few iterations, (b) a small step size, (c) an ill-conditioned source.</summary>
    IterationLimitReached,

    /// <summary>The loss grew without bound. Causes: (a) a large step size, (b) latents of very different scales. Standardise them (<see cref="PreparedFitter"/>) or lower the step size.</summary>
    Diverged,

    /// <summary>The map holds numbers that are not finite. Causes: (a) latents near the limits of their dtype. Rescale them.</summary>
    NonFiniteResult,
}
