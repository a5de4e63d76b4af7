namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Root mean squared error of each image with pixels in [0, 1], then the mean over images.</summary>
/// <remarks>
/// Computed in float64. The root is taken an image at a time, so it is at most the root of <see cref="PixelMse"/>. Published RMSE values made with image-similarity-measures divide by 4095
/// by default and are not comparable.
/// </remarks>
public sealed class PixelRmse : IPerImageMetric
{
    /// <inheritdoc/>
    public MetricInfo Info { get; } = new()
    {
        Name = "pixel RMSE",
        Direction = MetricDirection.LowerIsBetter,
        Unit = "pixel intensity, pixels in [0, 1]",
        Reference = "Badrinath et al., All Roads Lead to Rome? (arXiv:2407.13449), on the scale [0, 1]",
        Signature = "rmse|space:pixel|range:0-1|root:per-image",
    };

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not an image batch in [0, 1], or the shapes or devices differ.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0) => PairedErrors.Mean(Info, Values(actual, reference), seed);

    /// <inheritdoc/>
    public IReadOnlyList<double> Measure(Tensor actual, Tensor reference) => Values(actual, reference);

    private static double[] Values(Tensor actual, Tensor reference)
    {
        PairedErrors.RequireImages(actual, reference);
        return Array.ConvertAll(PairedErrors.MeanSquares(actual, reference), Math.Sqrt);
    }
}
