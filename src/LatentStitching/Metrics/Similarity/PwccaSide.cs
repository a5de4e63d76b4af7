namespace LatentStitching.Metrics.Similarity;

/// <summary>Whose columns weigh the canonical correlations in projection-weighted CCA.</summary>
public enum PwccaSide
{
    /// <summary>Those of the first space.</summary>
    X,

    /// <summary>Those of the second space.</summary>
    Y,
}
