namespace LatentStitching.Metrics.Distribution;

/// <summary>Why a Fréchet distance may mislead.</summary>
public enum FrechetWarning
{
    /// <summary>A set has no more images than features: its covariance is singular, and the distance is far above that of the distributions. Compare only values of equal numbers of images, or use the kernel distance.</summary>
    FewerImagesThanFeatures,

    /// <summary>A set has fewer than 2048 images, so that the distance's bias, which falls as 1/n, is of the size of what is measured. Chong and Forsyth (arXiv:1911.07023).</summary>
    FewImages,

    /// <summary>A set's features do not vary at all: its images are the same, or the extractor is blind to them. The distance is still defined.</summary>
    NoVariance,
}
