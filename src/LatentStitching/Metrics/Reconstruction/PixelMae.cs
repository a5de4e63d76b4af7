namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Mean absolute error between images with pixels in [0, 1], over all images, channels and places.</summary>
/// <remarks>From 0 to 1; at most the root of <see cref="PixelMse"/>. Computed in float64 on the tensors themselves, without rounding to bytes.</remarks>
public sealed class PixelMae : IPerImageMetric
{
    /// <inheritdoc/>
    public MetricInfo Info { get; } = new()
    {
        Name = "pixel MAE",
        Direction = MetricDirection.LowerIsBetter,
        Unit = "pixel intensity, pixels in [0, 1]",
        Reference = "Willmott and Matsuura, Advantages of the mean absolute error over the root mean square error, Climate Research 30 (2005), 79-82",
        Signature = "mae|space:pixel|range:0-1|mean:images,channels,places",
    };

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not an image batch in [0, 1], or the shapes or devices differ.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0) => PairedErrors.Mean(Info, Values(actual, reference), seed);

    /// <inheritdoc/>
    public IReadOnlyList<double> Measure(Tensor actual, Tensor reference) => Values(actual, reference);

    private static double[] Values(Tensor actual, Tensor reference)
    {
        PairedErrors.RequireImages(actual, reference);
        return PairedErrors.PerImage(actual, reference, static (a, b) => (a - b).abs_().flatten(1).mean([1]));
    }
}
