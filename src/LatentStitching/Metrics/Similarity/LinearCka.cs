namespace LatentStitching.Metrics.Similarity;

/// <summary>Centred kernel alignment of linear kernels; with the biased estimator the RV coefficient.</summary>
/// <remarks>
/// <para>HSIC(K, L)/√(HSIC(K, K)·HSIC(L, L)), K = XXᵀ and L = YYᵀ of centred rows. Biased: ‖XᵀY‖²/(‖XᵀX‖·‖YᵀY‖), from 0 to 1, the same number as the RV coefficient (Robert and Escoufier, Applied Statistics 25 (1976)).
/// Debiased (the default): 0 on average for independent spaces whatever the widths, at most 1, and a little below 0 by chance.</para>
/// <para>Large variances rule it: a few directions, or a few outlying images, can decide the value, and it can be moved at will without a change of function (Davari et al., "Reliability of CKA as a Similarity Measure in
/// Deep Learning", ICLR 2023, arXiv:2210.16156). The biased value rises with columns per row (Murphy, Zylberberg and Fyshe, 2024, OpenReview E1NRrGtIHG).</para>
/// <para>Numerics: float64. Cost: n·(p²/2 + q²/2 + p·q) multiplications and additions where n exceeds the widths, with 8·(p² + q² + p·q) bytes; a side with at least as many columns as rows takes n²·p/2 and 8·n² bytes instead.</para>
/// <para>Sources: Kornblith, Norouzi, Lee and Hinton, "Similarity of Neural Network Representations Revisited" (ICML 2019, arXiv:1905.00414), eqs. 3–4; debiased by Song et al., "Feature Selection via Dependence
/// Maximization", JMLR 13 (2012), eq. 5, as in Nguyen, Raghu and Kornblith (ICLR 2021, arXiv:2010.15327), eqs. 2–3.</para>
/// </remarks>
public sealed class LinearCka : SimilarityMeasure, IStatisticsMeasure
{
    private readonly bool _debiased;

    /// <summary>Makes the measure.</summary>
    /// <param name="estimator">The estimator; debiased by default.</param>
    public LinearCka(CkaEstimator estimator = CkaEstimator.Debiased)
    {
        _debiased = estimator == CkaEstimator.Debiased;
        Info = Cka.Info("linear", "linear CKA", estimator) with
        {
            Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.Translation | SimilarityInvariances.RowPermutation,
        };
    }

    /// <inheritdoc/>
    public override SimilarityInfo Info { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are too few rows, one side does not vary, or the estimator is debiased: that needs the length of each row, which moments do not hold.</exception>
    public double Measure(SimilarityStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        if (_debiased)
        {
            throw new ArgumentException(
                $"statistics must hold the length of each row for {Info.Id}, but they hold moments. Take the rows, MinibatchCkaSums, or new LinearCka(CkaEstimator.Biased).", nameof(statistics));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (Tensor x, Tensor y, Tensor cross) = statistics.MomentsFor(Info);
        double ratio = cross.norm().ToDouble() / x.norm().sqrt().ToDouble() / y.norm().sqrt().ToDouble();
        return RequireFinite(Math.Min(ratio * ratio, 1), Info.Id, nameof(statistics));
    }

    /// <inheritdoc/>
    public override string? Warning(long rows, long xColumns, long yColumns) => Cka.Warning(_debiased, rows, xColumns, yColumns);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name) => LinearHsic.Prepare(latents, _debiased, name);

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => Cka.Ratio(LinearHsic.Cross(x, y, _debiased), LinearHsic.SelfOf(x), LinearHsic.SelfOf(y));
}
