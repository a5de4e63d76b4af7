namespace LatentStitching.Fitting;

/// <summary>How far a fit has come.</summary>
public sealed record FitProgress
{
    /// <summary>Iterations, or strengths tried, so far.</summary>
    public required long Iteration { get; init; }

    /// <summary>The most there will be.</summary>
    public required long MaxIterations { get; init; }

    /// <summary>The loss after this iteration: the error the fitter minimises, in squared latent units.</summary>
    public required double Loss { get; init; }
}
