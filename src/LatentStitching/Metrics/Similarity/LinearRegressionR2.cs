using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>The share of the second space's variance that least squares on the first explains, on the rows it is fitted on.</summary>
/// <remarks>
/// <para>1 − Σ‖y − ŷ‖²/Σ‖y − ȳ‖², ŷ by least squares with an intercept, weighed by variance over columns. It has a direction: y is predicted from x. With n rows and p source columns it is p/(n − 1) for two independent spaces;
/// <see cref="CrossValidatedR2"/> is not.</para>
/// <para>Source columns without variance (singular values up to max(n, p)·ε·σ₁) are left out. The source needs at least two more rows than columns; the target does not.</para>
/// <para>Numerics: float64. Cost: a singular value decomposition of the source, and n·p·q multiplications and additions.</para>
/// <para>Source: Kornblith, Norouzi, Lee and Hinton (ICML 2019, arXiv:1905.00414), table 1: R²_LR.</para>
/// </remarks>
public sealed class LinearRegressionR2 : SimilarityMeasure, IStatisticsMeasure
{
    /// <inheritdoc/>
    public override SimilarityInfo Info { get; } = new()
    {
        Id = "linear_regression-rows=training-score",
        Name = "R² of least squares, x to y",
        Direction = MetricDirection.HigherIsBetter,
        Reference = "Kornblith et al. (ICML 2019, arXiv:1905.00414), table 1, R²_LR",
        Lowest = 0,
        Highest = 1,
        OfItself = 1,
        IsSymmetric = false,
        IsMetric = false,
        Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.Translation | SimilarityInvariances.RowPermutation,
        NeedsMoreRowsThanColumns = true,
    };

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are not at least two more rows than source columns, or one side does not vary.</exception>
    public double Measure(SimilarityStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (Tensor x, Tensor y, Tensor cross) = statistics.MomentsFor(Info);
        RequireRows(statistics.Count, statistics.XColumns, nameof(statistics));
        PrincipalFactor source = PrincipalFactor.OfGram(x, statistics.Count);
        double explained = CentredMatrix.SumOfSquares(source.Right.t().mm(cross).div(source.Values.unsqueeze(1)));
        return RequireFinite(Math.Min(explained / y.trace().ToDouble(), 1), Info.Id, nameof(statistics));
    }

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        Dictionary<string, Tensor> factors = new(StringComparer.Ordinal);
        // A target may be wider than it has rows.
        if (base.RowsAreEnough(latents.size(0), latents.size(1))) factors[Canonical.Variates] = PrincipalFactor.OfRows(latents).Left!.clone();
        return factors;
    }

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y)
    {
        RequireRows(x.Rows, x.Columns, nameof(x));
        CentredMatrix target = CentredMatrix.Of(y.Latents, centre: true);
        double explained = CentredMatrix.SumOfSquares(target.TransposeTimes(x[Canonical.Variates]));
        return Math.Min(explained / target.SumOfSquares(), 1);
    }

    private protected override bool RowsAreEnough(long rows, long columns) => true;

    private void RequireRows(long rows, long columns, string name)
    {
        if (base.RowsAreEnough(rows, columns)) return;
        throw new ArgumentException(
            $"{name} must have at least two more rows than source columns for {Info.Id}, but there are {rows} rows and {columns} columns: any target would be explained. Take more images, or CrossValidatedR2.", name);
    }
}
