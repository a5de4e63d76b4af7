namespace LatentStitching.Metrics.Similarity;

/// <summary>Changes of the latents that a similarity measure does not feel, whichever of the two batches they are done to.</summary>
[Flags]
public enum SimilarityInvariances
{
    /// <summary>It feels all of the below.</summary>
    None = 0,

    /// <summary>The columns in another order.</summary>
    ColumnPermutation = 1,

    /// <summary>A rotation or reflection, X·Q with QᵀQ = I.</summary>
    Orthogonal = 2,

    /// <summary>One positive factor for all entries.</summary>
    IsotropicScale = 4,

    /// <summary>The same vector added to every row.</summary>
    Translation = 8,

    /// <summary>Any invertible matrix, X·A. Holds <see cref="Orthogonal"/> and <see cref="IsotropicScale"/> in it.</summary>
    InvertibleLinear = 16,

    /// <summary>The rows of both batches put into another order together.</summary>
    RowPermutation = 32,
}
