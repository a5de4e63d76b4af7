namespace LatentStitching.Metrics.Similarity;

/// <summary>How distance correlation is estimated.</summary>
public enum DistanceCorrelationEstimator
{
    /// <summary>Of squared distance covariances without bias: R*ₙ of Székely and Rizzo (2013), on the scale of the square, 0 on average for independent spaces, and a little below by chance. Needs 4 rows.</summary>
    BiasCorrected,

    /// <summary>Rₙ of Székely, Rizzo and Bakirov (2007), the square root, from 0 to 1; near 1 for any two spaces of many columns.</summary>
    Biased,
}
