using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Mean squared error between latents over the reference's variance: 0 for a perfect map, 1 for one that always gives the mean.</summary>
/// <remarks>
/// Σ‖ẑᵢ − zᵢ‖² / Σ‖zᵢ − z̄‖² with z̄ the mean of the reference batch: one minus the variance-weighted R². Comparable between target spaces. Computed in float64. The interval
/// resamples both sums together, with z̄ held fixed. Each image's value is its error over the mean variance, so that their mean is the value.
/// </remarks>
public sealed class NormalisedLatentMse : IPairedMetric
{
    /// <inheritdoc/>
    public MetricInfo Info { get; } = new()
    {
        Name = "normalised latent MSE",
        Direction = MetricDirection.LowerIsBetter,
        Unit = "share of the reference's variance",
        Reference = "One minus the coefficient of determination, variance-weighted over columns: Draper and Smith, Applied Regression Analysis (1998), section 1.3",
        Signature = "nmse|space:latent|variance:reference,pooled",
    };

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not a finite matrix, the shapes or devices differ, or the reference does not vary.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0)
    {
        PairedErrors.RequireLatents(actual, reference);
        double[] errors = PairedErrors.MeanSquares(actual, reference);
        double[] variances = Variances(reference);
        double variance = variances.Average();
        if (!(variance > 0))
        {
            throw new ArgumentException($"reference must vary between rows, but all of its {reference.size(0)} rows are the same. Use LatentMse.", nameof(reference));
        }
        (double lower, double upper) = Bootstrap.Ratio(errors, variances, seed);
        double[] perImage = Array.ConvertAll(errors, error => error / variance);
        return new MetricValue
        {
            Info = Info,
            Value = errors.Average() / variance,
            Lower = lower,
            Upper = upper,
            StandardDeviation = PairedErrors.StandardDeviation(perImage),
            PerImage = perImage,
        };
    }

    private static double[] Variances(Tensor reference)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        // Exact where the rows are equal: a rounded mean would give them a variance of rounding size, and an error of any size over it.
        Tensor mean = CentredMatrix.Of(reference, centre: true).Centre;
        return PairedErrors.MeanSquares(reference, mean.expand_as(reference));
    }
}
