using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Projection-weighted CCA: canonical correlations weighed by how much of one space's columns their variates account for.</summary>
/// <remarks>
/// <para>Σαᵢρᵢ/Σαᵢ, αᵢ = Σⱼ|⟨hᵢ, xⱼ⟩| with hᵢ the unit canonical variates of the weighing space and xⱼ its centred columns, over the min(p, q) variates that both spaces share. (Some tools spread the weights over all p
/// instead, and get another number where p &gt; q.) The absolute values are of columns, so the weights feel rotations.</para>
/// <para>Numerics: float64. Where correlations are equal, their variates are not determined, and neither is the value. Cost: a singular value decomposition of each side, and 16·n·(p + q) bytes.</para>
/// <para>Source: Morcos, Raghu and Bengio, "Insights on Representational Similarity in Neural Networks with Canonical Correlation" (NeurIPS 2018, arXiv:1806.05759), section 3.</para>
/// </remarks>
public sealed class Pwcca : SimilarityMeasure, IStatisticsMeasure
{
    private const string Loadings = "loadings"; // diag(s)·Vᵀ [r, d]
    private readonly PwccaSide _side;

    /// <summary>Makes the measure.</summary>
    /// <param name="side">Whose columns weigh; those of the first space by default.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="side"/> is neither.</exception>
    public Pwcca(PwccaSide side = PwccaSide.X)
    {
        if (!Enum.IsDefined(side)) throw new ArgumentOutOfRangeException(nameof(side), $"side must be X or Y, but it is {side}.");
        _side = side;
        Info = new SimilarityInfo
        {
            Id = $"pwcca-weights=shared_{(side == PwccaSide.X ? "x" : "y")}-score",
            Name = $"PWCCA, weighed by {side}",
            Direction = MetricDirection.HigherIsBetter,
            Reference = "Morcos, Raghu and Bengio (NeurIPS 2018, arXiv:1806.05759), section 3",
            Lowest = 0,
            Highest = 1,
            OfItself = 1,
            IsSymmetric = false,
            IsMetric = false,
            Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.IsotropicScale | SimilarityInvariances.Translation | SimilarityInvariances.RowPermutation,
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
        (Tensor cosines, PrincipalFactor x, PrincipalFactor y) = Canonical.Cosines(statistics, Info);
        return Of(cosines, LoadingsOf(x), LoadingsOf(y));
    }

    /// <inheritdoc/>
    public override string? Warning(long rows, long xColumns, long yColumns) => Canonical.Warning(rows, xColumns, yColumns);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        PrincipalFactor factor = PrincipalFactor.OfRows(latents);
        return new Dictionary<string, Tensor>(StringComparer.Ordinal) { [Canonical.Variates] = factor.Left!.clone(), [Loadings] = LoadingsOf(factor) };
    }

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => Of(x[Canonical.Variates].t().mm(y[Canonical.Variates]), x[Loadings], y[Loadings]);

    private double Of(Tensor cosines, Tensor x, Tensor y)
    {
        (Tensor left, Tensor correlations, Tensor right) = linalg.svd(cosines, fullMatrices: false);
        Tensor weights = (_side == PwccaSide.X ? left.t().mm(x) : right.mm(y)).abs().sum([1]);
        return weights.dot(correlations.clamp_max(1)).div(weights.sum()).ToDouble();
    }

    private static Tensor LoadingsOf(PrincipalFactor factor) => factor.Right.mul(factor.Values).t().contiguous();
}
