namespace LatentStitching.Metrics.Similarity;

/// <summary>How CKA estimates the dependence of two kernels (HSIC) from a sample.</summary>
public enum CkaEstimator
{
    /// <summary>Song et al.'s, without the kernels' diagonals: its mean over samples is the population's. CKA may come out slightly below 0. Needs 4 rows.</summary>
    Debiased,

    /// <summary>Gretton et al.'s, as in Kornblith et al. (2019): between 0 and 1, and near 1 for any two spaces with many more columns than rows.</summary>
    Biased,
}
