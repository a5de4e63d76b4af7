using LatentStitching.Fitting;
using LatentStitching.Pairing;

namespace LatentStitching.Metrics.Similarity;

/// <summary>The share of the second space's variance that ridge regression on the first predicts of rows it has not seen.</summary>
/// <remarks>
/// <para>1 − Σ‖yᵢ − ŷ₋ᵢ‖²/Σ‖yᵢ − ȳ₋ᵢ‖², ŷ₋ᵢ by the fit without row i, exactly, from one decomposition; 0 for a source that knows nothing, below 0 by chance. The strength is the one of least error among half-decade
/// steps from 10⁻⁸ to 10³ times the mean eigenvalue of XᵀX and zero, chosen on the same errors, which flatters a little. It has a direction: y is predicted from x.</para>
/// <para>Numerics and cost: those of <see cref="RidgePathFitter"/>; nothing is worked out ahead. Any widths.</para>
/// <para>Sources: Allen, Technometrics 16 (1974) (PRESS); Rifkin and Lippert, MIT-CSAIL-TR-2007-025.</para>
/// </remarks>
public sealed class CrossValidatedR2 : SimilarityMeasure
{
    /// <inheritdoc/>
    public override SimilarityInfo Info { get; } = new()
    {
        Id = "linear_regression-rows=leave_one_out-penalty=ridge-score",
        Name = "R² of ridge, left out, x to y",
        Direction = MetricDirection.HigherIsBetter,
        Reference = "Allen, Technometrics 16 (1974); Rifkin and Lippert, MIT-CSAIL-TR-2007-025",
        Lowest = double.NegativeInfinity,
        Highest = 1,
        OfItself = null,
        IsSymmetric = false,
        IsMetric = false,
        Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.Translation | SimilarityInvariances.RowPermutation,
        MinimumRows = 3,
    };

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name) => new Dictionary<string, Tensor>(StringComparer.Ordinal);

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y)
    {
        using LatentPairs pairs = new(x.Latents, y.Latents);
        using LatentMapFit fit = new RidgePathFitter().Fit(pairs);
        return fit.Report.LeaveOneOutR2!.Value;
    }
}
