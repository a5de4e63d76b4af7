using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Mean canonical correlation: how well the best matched pairs of directions of two spaces correlate, whatever their variance.</summary>
/// <remarks>
/// <para>Feels no invertible linear map, so it cannot tell a space from a badly conditioned copy, and noise directions weigh as much as signal. With n rows, two independent spaces have a mean ρ² of
/// max(p, q)/(n − 1): take many more rows than p + q, or compare with <c>PermutationTest</c>.</para>
/// <para>Directions without variance (singular values up to max(n, d)·ε·σ₁) are left out; the mean is then over the smaller rank.</para>
/// <para>Numerics: float64. Cost: a singular value decomposition of each side, and 16·n·(p + q) bytes.</para>
/// <para>Sources: Hotelling, Biometrika 28 (1936); computed after Björck and Golub, Mathematics of Computation 27 (1973); R²_CCA: Kornblith et al. (ICML 2019, arXiv:1905.00414), table 1.</para>
/// </remarks>
public sealed class CanonicalCorrelation : SimilarityMeasure, IStatisticsMeasure
{
    private readonly CcaSummary _summary;

    /// <summary>Makes the measure.</summary>
    /// <param name="summary">What is made of the correlations; their mean by default.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="summary"/> is none of the enumeration.</exception>
    public CanonicalCorrelation(CcaSummary summary = CcaSummary.Mean)
    {
        _summary = summary;
        (string id, string name) = summary switch
        {
            CcaSummary.Mean => ("cca-score", "mean canonical correlation"),
            CcaSummary.MeanSquare => ("cca-summary=mean_square-score", "mean squared canonical correlation"),
            CcaSummary.ShareOfX => ("cca-summary=share_of_x-score", "R² of CCA"),
            _ => throw new ArgumentOutOfRangeException(nameof(summary), $"summary must be Mean, MeanSquare or ShareOfX, but it is {summary}."),
        };
        Info = new SimilarityInfo
        {
            Id = id,
            Name = name,
            Direction = MetricDirection.HigherIsBetter,
            Reference = "Hotelling, Biometrika 28 (1936); Raghu et al., SVCCA (NIPS 2017, arXiv:1706.05806); Kornblith et al. (ICML 2019, arXiv:1905.00414), table 1",
            Lowest = 0,
            Highest = 1,
            OfItself = summary == CcaSummary.ShareOfX ? null : 1,
            IsSymmetric = summary != CcaSummary.ShareOfX,
            IsMetric = false,
            Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.Translation
                | SimilarityInvariances.InvertibleLinear | SimilarityInvariances.RowPermutation,
            NeedsMoreRowsThanColumns = true,
        };
    }

    /// <inheritdoc/>
    public override SimilarityInfo Info { get; }

    /// <inheritdoc/>
    public double Measure(SimilarityStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return Of(Canonical.Correlations(Canonical.Cosines(statistics, Info).Cosines), statistics.XColumns);
    }

    /// <inheritdoc/>
    public override string? Warning(long rows, long xColumns, long yColumns) => Canonical.Warning(rows, xColumns, yColumns);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name) =>
        new Dictionary<string, Tensor>(StringComparer.Ordinal) { [Canonical.Variates] = PrincipalFactor.OfRows(latents).Left!.clone() };

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => Of(Canonical.Correlations(x[Canonical.Variates].t().mm(y[Canonical.Variates])), x.Columns);

    private double Of(double[] correlations, long columns) => _summary switch
    {
        CcaSummary.Mean => correlations.Average(),
        CcaSummary.MeanSquare => correlations.Sum(value => value * value) / correlations.Length,
        _ => correlations.Sum(value => value * value) / columns,
    };
}
