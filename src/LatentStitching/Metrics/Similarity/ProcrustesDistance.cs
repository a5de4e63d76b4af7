using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>How far two spaces are from being rotations of each other, centred, the narrower filled up with zeros.</summary>
/// <remarks>
/// <para>Filling up with zeros changes nothing but the residual of a rectangular fit, which is not measured here. Reflections are allowed. The similarity that belongs to it is <see cref="NormalisedBuresSimilarity"/>.</para>
/// <para>Numerics: float64, from the aligned rows, so that a distance near 0 keeps its digits. Cost: n·p·q·4 multiplications and additions, a singular value decomposition [p, q], and 8·n·(p + q) bytes; widths
/// above the number of rows are brought down to it by a QR decomposition.</para>
/// <para>Sources: Schönemann, Psychometrika 31 (1966); Williams et al. (NeurIPS 2021, arXiv:2110.14739); Ding, Denain and Steinhardt (NeurIPS 2021, arXiv:2108.01661).</para>
/// </remarks>
public sealed class ProcrustesDistance : SimilarityMeasure, IStatisticsMeasure
{
    private readonly ProcrustesNormalisation _normalisation;

    /// <summary>Makes the measure.</summary>
    /// <param name="normalisation">What is made of the alignment; the angle by default.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="normalisation"/> is none of the enumeration.</exception>
    public ProcrustesDistance(ProcrustesNormalisation normalisation = ProcrustesNormalisation.Angular)
    {
        _normalisation = normalisation;
        (string id, string name, double highest) = normalisation switch
        {
            ProcrustesNormalisation.Angular => ("procrustes-distance=angular", "Procrustes angle", Math.PI / 2),
            ProcrustesNormalisation.SizeAndShape => ("procrustes-distance=euclidean", "Procrustes size-and-shape distance", double.PositiveInfinity),
            ProcrustesNormalisation.UnitSquared => ("procrustes-norm=frobenius-distance=squared_euclidean", "Procrustes squared distance at unit norm", 2.0),
            ProcrustesNormalisation.Disparity => ("procrustes-norm=frobenius-distance=disparity", "Procrustes disparity", 1.0),
            _ => throw new ArgumentOutOfRangeException(nameof(normalisation), $"normalisation must be one of ProcrustesNormalisation, but it is {normalisation}."),
        };
        bool size = normalisation == ProcrustesNormalisation.SizeAndShape;
        Info = Shapes.Info with
        {
            Id = id,
            Name = name,
            Unit = size ? "latent units" : normalisation == ProcrustesNormalisation.Angular ? "radians" : "none",
            Reference = "Schönemann, Psychometrika 31 (1966); Williams et al. (NeurIPS 2021, arXiv:2110.14739); Ding, Denain and Steinhardt (NeurIPS 2021, arXiv:2108.01661)",
            Highest = highest,
            IsMetric = size || normalisation == ProcrustesNormalisation.Angular,
            Invariances = size ? Shapes.Info.Invariances & ~SimilarityInvariances.IsotropicScale : Shapes.Info.Invariances,
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
        (double x, double y, double nuclear) = Shapes.Norms(statistics, Info);
        double squared = Math.Max(0, _normalisation == ProcrustesNormalisation.SizeAndShape ? (x * x) + (y * y) - (2 * nuclear) : 2 - (2 * nuclear / x / y));
        return RequireFinite(Of(Math.Sqrt(squared)), Info.Id, nameof(statistics));
    }

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name) =>
        Shapes.Prepare(RotationAlignment.Configuration(latents), unit: _normalisation != ProcrustesNormalisation.SizeAndShape);

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => Of(RotationAlignment.Distance(x[Shapes.Rows], y[Shapes.Rows]));

    private double Of(double distance) => _normalisation switch
    {
        ProcrustesNormalisation.Angular => RotationAlignment.Angle(distance),
        ProcrustesNormalisation.SizeAndShape => distance,
        ProcrustesNormalisation.UnitSquared => distance * distance,
        // 1 − (1 − d²/2)² without the difference of numbers near 1.
        _ => distance * distance * (1 - (distance * distance / 4)),
    };
}
