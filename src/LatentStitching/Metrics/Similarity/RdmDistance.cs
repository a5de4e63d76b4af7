namespace LatentStitching.Metrics.Similarity;

/// <summary>How unlike two rows of one space are, in a representational dissimilarity matrix.</summary>
public enum RdmDistance
{
    /// <summary>‖x − x′‖.</summary>
    Euclidean,

    /// <summary>‖x − x′‖².</summary>
    SquaredEuclidean,

    /// <summary>1 − cos of the angle between the rows as they are, not centred.</summary>
    Cosine,

    /// <summary>1 − Pearson's correlation of the rows over their columns.</summary>
    Correlation,
}
