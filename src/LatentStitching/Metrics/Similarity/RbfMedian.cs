namespace LatentStitching.Metrics.Similarity;

/// <summary>Which median of the squared distances between rows a Gaussian kernel's width is measured by.</summary>
public enum RbfMedian
{
    /// <summary>Of those that are not zero; of an even number the mean of the middle two.</summary>
    NonZero,

    /// <summary>Of those that are not zero; of an even number the lower of the middle two, as torch.median gives it (latentis).</summary>
    LowerNonZero,

    /// <summary>Of all n² entries of the distance matrix, the zeros of its diagonal too; of an even number the mean of the middle two (Kornblith et al.'s notebook).</summary>
    All,
}
