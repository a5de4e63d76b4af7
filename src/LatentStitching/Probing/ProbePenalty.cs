namespace LatentStitching.Probing;

/// <summary>What keeps the coefficients of a logistic probe small.</summary>
public enum ProbePenalty
{
    /// <summary>½‖w‖².</summary>
    L2,

    /// <summary>‖w‖₁: most coefficients are exactly zero.</summary>
    L1,
}
