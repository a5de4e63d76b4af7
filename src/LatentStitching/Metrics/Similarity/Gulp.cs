using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>GULP: the largest difference that ridge regression on one space and on the other can make to the prediction of any bounded target.</summary>
/// <remarks>
/// <para>d = √(tr(Σ_X^{−λ}Σ_XΣ_X^{−λ}Σ_X) + tr(Σ_Y^{−λ}Σ_YΣ_Y^{−λ}Σ_Y) − 2·tr(Σ_X^{−λ}Σ_XYΣ_Y^{−λ}Σ_YX)), Σ the covariances with 1/n, Σ^{−λ} = (Σ + λI)⁻¹. Each space is centred and scaled
/// first, as in the paper, so that its total variance tr Σ is 1. The paper tables d². λ = 0 compares the spans alone: d² = p + q − 2Σρ²; a larger λ hears only directions that hold more than about that share of the variance.</para>
/// <para>Numerics: float64; d below 10⁻⁷·√(p + q) is rounding. Cost: a singular value decomposition of each side, and 16·n·(p + q) bytes.</para>
/// <para>Source: Boix-Adserà, Lawrence, Stepaniants and Rigollet, "GULP: a Prediction-Based Metric between Representations" (NeurIPS 2022, arXiv:2210.06545), section 2.</para>
/// </remarks>
public sealed class Gulp : SimilarityMeasure, IStatisticsMeasure
{
    private const string Shares = "shares"; // σ²/(σ² + λΣσ²) [r]
    private readonly double _lambda;

    /// <summary>Makes the measure.</summary>
    /// <param name="lambda">λ, zero or more, as a share of the total variance.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="lambda"/> is negative or not finite.</exception>
    public Gulp(double lambda)
    {
        _lambda = Guard.NotNegative(lambda);
        SimilarityInvariances invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.Translation | SimilarityInvariances.RowPermutation;
        if (lambda == 0) invariances |= SimilarityInvariances.InvertibleLinear;
        string text = IdNumber.Of(lambda);
        Info = new SimilarityInfo
        {
            Id = $"gulp-lambda={text}-distance=euclidean",
            Name = $"GULP, lambda {text}",
            Direction = MetricDirection.LowerIsBetter,
            Reference = "Boix-Adserà et al., GULP (NeurIPS 2022, arXiv:2210.06545), section 2",
            Lowest = 0,
            Highest = double.PositiveInfinity,
            OfItself = 0,
            IsSymmetric = true,
            IsMetric = true,
            Invariances = invariances,
            NeedsMoreRowsThanColumns = lambda == 0,
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
        return RequireFinite(Of(cosines, SharesOf(x), SharesOf(y)), Info.Id, nameof(statistics));
    }

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        PrincipalFactor factor = PrincipalFactor.OfRows(latents);
        return new Dictionary<string, Tensor>(StringComparer.Ordinal) { [Canonical.Variates] = factor.Left!.clone(), [Shares] = SharesOf(factor) };
    }

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => Of(x[Canonical.Variates].t().mm(y[Canonical.Variates]), x[Shares], y[Shares]);

    private static double Of(Tensor cosines, Tensor x, Tensor y)
    {
        double squared = x.square().sum().ToDouble() + y.square().sum().ToDouble() - (2 * x.dot(cosines.square().mv(y)).ToDouble());
        return Math.Sqrt(Math.Max(0, squared));
    }

    private Tensor SharesOf(PrincipalFactor factor)
    {
        Tensor squares = factor.Values.square();
        return squares.div(squares.add(squares.sum().mul(_lambda)));
    }
}
