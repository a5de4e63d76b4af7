using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Mean canonical correlation of the leading principal components of both spaces.</summary>
/// <remarks>
/// <para>Of each space the first k components are kept, k the least number that holds the given share of the variance, Σσ² over the first k at least share·Σσ². (Some tools sum σ instead, others skip the decomposition.)
/// The mean is over min(k_x, k_y) correlations.</para>
/// <para>Where k comes near the number of rows the value is near 1 for any two spaces: k ≥ n − 1 is refused.</para>
/// <para>Numerics: float64. Cost: a singular value decomposition of each side, and 16·n·(p + q) bytes.</para>
/// <para>Source: Raghu, Gilmer, Yosinski and Sohl-Dickstein, "SVCCA" (NIPS 2017, arXiv:1706.05806), section 2.1.</para>
/// </remarks>
public sealed class Svcca : SimilarityMeasure, IStatisticsMeasure
{
    private readonly double _variance;

    /// <summary>Makes the measure.</summary>
    /// <param name="variance">The share of variance kept, above 0 and below 1; 0.99 by default, as in the paper.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="variance"/> is not strictly between 0 and 1.</exception>
    public Svcca(double variance = 0.99)
    {
        _variance = Guard.Fraction(variance);
        string share = IdNumber.Of(variance);
        Info = new SimilarityInfo
        {
            Id = $"svcca-variance={share}-score",
            Name = $"SVCCA, variance {share}",
            Direction = MetricDirection.HigherIsBetter,
            Reference = "Raghu et al., SVCCA (NIPS 2017, arXiv:1706.05806), section 2.1",
            Lowest = 0,
            Highest = 1,
            OfItself = 1,
            IsSymmetric = true,
            IsMetric = false,
            Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.Translation | SimilarityInvariances.RowPermutation,
            MinimumRows = 3,
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
        (Tensor cosines, PrincipalFactor x, PrincipalFactor y) = Canonical.Cosines(statistics, Info);
        long rows = statistics.Count;
        return Canonical.Correlations(cosines.narrow(0, 0, Kept(x, rows, nameof(statistics))).narrow(1, 0, Kept(y, rows, nameof(statistics)))).Average();
    }

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        PrincipalFactor factor = PrincipalFactor.OfRows(latents);
        return new Dictionary<string, Tensor>(StringComparer.Ordinal) { [Canonical.Variates] = factor.Left!.narrow(1, 0, Kept(factor, latents.size(0), name)).clone() };
    }

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => Canonical.Correlations(x[Canonical.Variates].t().mm(y[Canonical.Variates])).Average();

    private long Kept(PrincipalFactor factor, long rows, string name)
    {
        Tensor variances = factor.Values.square();
        Tensor shares = variances.cumsum(0).div(variances.sum());
        long kept = Math.Min(shares.lt(_variance - (4 * Spectrum.Epsilon)).sum().ToInt64() + 1, factor.Rank);
        if (kept < rows - 1) return kept;
        throw new ArgumentException(
            $"{name} must need fewer components than rows less one for {Info.Id}, but it takes {kept} with {rows} rows: any two such spaces fit each other perfectly. Take more images, or a smaller share of the variance.", name);
    }
}
