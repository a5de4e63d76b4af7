namespace LatentStitching.Metrics.Similarity;

/// <summary>The angle between two centred linear kernels: the arc cosine of biased linear CKA, which is a metric.</summary>
/// <remarks>
/// <para>netrep's LinearCKA. From 0 to π/2 radians. Numerics: float64; an angle below 10⁻⁷ is rounding, because the arc cosine loses half of the digits there. Cost: that of <see cref="LinearCka"/>.</para>
/// <para>Source: Williams, Kunz, Kornblith and Linderman, "Generalized Shape Metrics on Neural Representations" (NeurIPS 2021, arXiv:2110.14739), section 2.4.</para>
/// </remarks>
public sealed class AngularCka : SimilarityMeasure, IStatisticsMeasure
{
    private static readonly LinearCka _cka = new(CkaEstimator.Biased);

    /// <inheritdoc/>
    public override SimilarityInfo Info { get; } = _cka.Info with
    {
        Id = "cka-kernel=linear-hsic=gretton-distance=angular",
        Name = "angle of linear CKA",
        Direction = MetricDirection.LowerIsBetter,
        Unit = "radians",
        Reference = "Williams et al., Generalized Shape Metrics on Neural Representations (NeurIPS 2021, arXiv:2110.14739)",
        Lowest = 0,
        Highest = Math.PI / 2,
        OfItself = 0,
        IsMetric = true,
    };

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are too few rows, or one side does not vary.</exception>
    public double Measure(SimilarityStatistics statistics) => Math.Acos(_cka.Measure(statistics));

    /// <inheritdoc/>
    public override string? Warning(long rows, long xColumns, long yColumns) => _cka.Warning(rows, xColumns, yColumns);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name) => LinearHsic.Prepare(latents, debiased: false, name);

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => Math.Acos(Cka.Ratio(LinearHsic.Cross(x, y, debiased: false), LinearHsic.SelfOf(x), LinearHsic.SelfOf(y)));
}
