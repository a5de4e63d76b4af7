namespace LatentStitching.Metrics.Similarity;

/// <summary>How two representational dissimilarity matrices are compared, over all pairs of rows.</summary>
public enum RdmCorrelation
{
    /// <summary>Spearman's correlation of ranks; tied ones share the mean rank.</summary>
    Spearman,

    /// <summary>Pearson's correlation.</summary>
    Pearson,

    /// <summary>Kendall's τ-b, which allows for ties.</summary>
    KendallTauB,

    /// <summary>The cosine of the angle between the two lists of dissimilarities, not centred.</summary>
    Cosine,
}
