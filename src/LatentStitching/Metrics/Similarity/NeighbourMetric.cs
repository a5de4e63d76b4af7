namespace LatentStitching.Metrics.Similarity;

/// <summary>What makes two rows of one space neighbours.</summary>
public enum NeighbourMetric
{
    /// <summary>A small angle: the inner product of rows at length 1, not centred (Huh et al.).</summary>
    Cosine,

    /// <summary>A small Euclidean distance.</summary>
    Euclidean,

    /// <summary>A large inner product of the rows as they are.</summary>
    InnerProduct,
}
