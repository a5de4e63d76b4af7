using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>The distance of two spaces after partial whitening, up to rotation: the family from canonical correlations (α = 0) to Procrustes (α = 1).</summary>
/// <remarks>
/// <para>With X = U·diag(s)·Vᵀ centred, the whitened space is c·U·diag(α·s + (1 − α))·Vᵀ, c such that the total variance stays. θ is the angle between the whitened spaces at the best rotation; the Euclidean
/// distance is that of the rotated spaces, in latent units. netrep's LinearMetric, with preserve_variance for the Euclidean one.</para>
/// <para>s belongs to sums over rows, so for 0 &lt; α &lt; 1 the value depends on units and on the number of images; with many rows it is nearly Procrustes. α = 0 refuses columns that depend on each other, where netrep raises
/// eigenvalues to 10⁻⁷. Different widths need no padding. (Where netrep pads for 0 &lt; α &lt; 1, the raised eigenvalues of the zeros take part in its c: its Euclidean distance is then of a shrunken space, its angle is ours.)</para>
/// <para>Numerics: float64, from the aligned rows. Cost: a singular value decomposition of each side and one [p, q], and 16·n·(p + q) bytes.</para>
/// <para>Source: Williams, Kunz, Kornblith and Linderman, "Generalized Shape Metrics on Neural Representations" (NeurIPS 2021, arXiv:2110.14739), section 2.3.</para>
/// </remarks>
public sealed class ShapeMetric : SimilarityMeasure, IStatisticsMeasure
{
    private readonly double _alpha;
    private readonly bool _angular;

    /// <summary>Makes the measure.</summary>
    /// <param name="alpha">α from 0, fully whitened, to 1, not whitened.</param>
    /// <param name="angular">Whether to give the angle in radians (the default) or the Euclidean distance in latent units.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="alpha"/> is not from 0 to 1.</exception>
    public ShapeMetric(double alpha, bool angular = true)
    {
        if (!(alpha is >= 0 and <= 1)) throw new ArgumentOutOfRangeException(nameof(alpha), $"alpha must lie from 0 to 1, but it is {IdNumber.Of(alpha)}.");
        _alpha = alpha;
        _angular = angular;
        SimilarityInvariances invariances = Shapes.Info.Invariances;
        // Only the ends know no unit; only the angle forgets the total variance.
        if (!angular || alpha is > 0 and < 1) invariances &= ~SimilarityInvariances.IsotropicScale;
        if (alpha == 0 && angular) invariances |= SimilarityInvariances.InvertibleLinear;
        string text = IdNumber.Of(alpha);
        Info = Shapes.Info with
        {
            Id = $"shape_metric-alpha={text}-distance={(angular ? "angular" : "euclidean")}",
            Name = $"shape {(angular ? "angle" : "distance")}, alpha {text}",
            Unit = angular ? "radians" : "latent units",
            Reference = "Williams et al., Generalized Shape Metrics on Neural Representations (NeurIPS 2021, arXiv:2110.14739), section 2.3",
            Highest = angular ? Math.PI / 2 : double.PositiveInfinity,
            Invariances = invariances,
            NeedsMoreRowsThanColumns = alpha == 0,
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
        Tensor left = Whitened(x, statistics.XColumns, nameof(statistics)), right = Whitened(y, statistics.YColumns, nameof(statistics));
        double nuclear = linalg.svdvals(cosines.mul(left.unsqueeze(1)).mul(right.unsqueeze(0))).sum().ToDouble();
        double norms = left.square().sum().ToDouble() + right.square().sum().ToDouble();
        return RequireFinite(Of(Math.Sqrt(Math.Max(0, norms - (2 * nuclear)))), Info.Id, nameof(statistics));
    }

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        PrincipalFactor factor = PrincipalFactor.OfRows(latents);
        return Shapes.Prepare(factor.Left!.mul(Whitened(factor, latents.size(1), name)), unit: false);
    }

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => Of(RotationAlignment.Distance(x[Shapes.Rows], y[Shapes.Rows]));

    private double Of(double distance) => _angular ? RotationAlignment.Angle(distance) : distance;

    // The singular values after whitening: with the total variance of the space, or of norm 1 where only the angle is asked for.
    private Tensor Whitened(PrincipalFactor factor, long columns, string name)
    {
        if (_alpha == 0 && factor.Rank < columns)
        {
            throw new ArgumentException($"{name} must have independent columns for {Info.Id}, but their rank is {factor.Rank} of {columns}. Give alpha a positive value, or use CanonicalCorrelation.", name);
        }
        Tensor values = factor.Values.mul(_alpha).add(1 - _alpha);
        Tensor unit = values.div(values.norm());
        return _angular ? unit : unit.mul(factor.Values.norm());
    }
}
