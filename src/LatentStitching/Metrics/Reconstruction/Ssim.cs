using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Structural similarity of images with pixels in [0, 1]: 1 for the same image, down to −1.</summary>
/// <remarks>
/// <para>(2μ₁μ₂ + C₁)(2σ₁₂ + C₂) / ((μ₁² + μ₂² + C₁)(σ₁² + σ₂² + C₂)) with C₁ = 0.01² and C₂ = 0.03², the moments weighed by an 11×11 Gaussian of standard deviation 1.5 and biased;
/// the mean over the places where the whole window lies in the image, then over channels, then over images. Computed in float64.</para>
/// <para>Agrees with scikit-image's <c>structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1)</c>, whose own defaults (7×7 uniform window, sample
/// covariance) give another number.</para>
/// <para>Source: Wang, Bovik, Sheikh and Simoncelli, "Image quality assessment: from error visibility to structural similarity", IEEE TIP 13(4) (2004), 600–612, eq. (13) and section III-C.</para>
/// </remarks>
public sealed class Ssim : IPerImageMetric
{
    /// <inheritdoc/>
    public MetricInfo Info { get; } = new()
    {
        Name = "SSIM",
        Direction = MetricDirection.HigherIsBetter,
        Unit = "similarity, 1 for the same image",
        Reference = "Wang, Bovik, Sheikh and Simoncelli, IEEE Transactions on Image Processing 13 (2004), 600-612",
        Signature = "ssim|window:gaussian-11-1.5|moments:biased|border:valid|range:0-1",
    };

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not an image batch in [0, 1], the shapes or devices differ, or a side is shorter than 11 pixels.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0) => PairedErrors.Mean(Info, Values(actual, reference), seed);

    /// <inheritdoc/>
    public IReadOnlyList<double> Measure(Tensor actual, Tensor reference) => Values(actual, reference);

    private static double[] Values(Tensor actual, Tensor reference)
    {
        PairedErrors.RequireImages(actual, reference);
        StructuralSimilarity.RequireSize(actual, 1);
        return PairedErrors.PerImage(actual, reference, static (a, b) => StructuralSimilarity.Means(a, b).Similarity.mean([1]), StructuralSimilarity.Block(actual));
    }
}
