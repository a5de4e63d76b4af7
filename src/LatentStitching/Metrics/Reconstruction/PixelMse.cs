namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Mean squared error between images with pixels in [0, 1], over all images, channels and places: the R and M errors of Asperti and Tonelli.</summary>
/// <remarks>Computed in float64 on the tensors themselves, without rounding to bytes.</remarks>
public sealed class PixelMse : IPerImageMetric
{
    /// <inheritdoc/>
    public MetricInfo Info { get; } = new()
    {
        Name = "pixel MSE",
        Direction = MetricDirection.LowerIsBetter,
        Unit = "squared pixel intensity, pixels in [0, 1]",
        Reference = "Asperti and Tonelli, Comparing the latent space of generative models (arXiv:2207.06812): R, M",
        Signature = "mse|space:pixel|range:0-1|mean:images,channels,places",
    };

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not an image batch in [0, 1], or the shapes or devices differ.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0) => PairedErrors.Mean(Info, Values(actual, reference), seed);

    /// <inheritdoc/>
    public IReadOnlyList<double> Measure(Tensor actual, Tensor reference) => Values(actual, reference);

    private static double[] Values(Tensor actual, Tensor reference)
    {
        PairedErrors.RequireImages(actual, reference);
        return PairedErrors.MeanSquares(actual, reference);
    }
}
