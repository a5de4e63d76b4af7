namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Mean squared error between latents, over all rows and columns: the L error of Asperti and Tonelli.</summary>
/// <remarks>In squared latent units, so not comparable between target spaces: for that use <see cref="NormalisedLatentMse"/>. Computed in float64.</remarks>
public sealed class LatentMse : IPerImageMetric
{
    /// <inheritdoc/>
    public MetricInfo Info { get; } = new()
    {
        Name = "latent MSE",
        Direction = MetricDirection.LowerIsBetter,
        Unit = "squared latent units",
        Reference = "Asperti and Tonelli, Comparing the latent space of generative models (arXiv:2207.06812): L",
        Signature = "mse|space:latent|mean:rows,columns",
    };

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not a finite matrix, or the shapes or devices differ.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0) => PairedErrors.Mean(Info, Values(actual, reference), seed);

    /// <inheritdoc/>
    public IReadOnlyList<double> Measure(Tensor actual, Tensor reference) => Values(actual, reference);

    private static double[] Values(Tensor actual, Tensor reference)
    {
        PairedErrors.RequireLatents(actual, reference);
        return PairedErrors.MeanSquares(actual, reference);
    }
}
