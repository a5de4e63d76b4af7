using LatentStitching.Fitting;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Representational similarity analysis: the correlation of two spaces' dissimilarities between all pairs of images.</summary>
/// <remarks>
/// <para>Ranks ask only for the same order of dissimilarities, Pearson for proportion up to an offset. Dissimilarities within 10⁻¹² of the largest count as tied.</para>
/// <para>Numerics: float64; distances from differences, not from products. Cost: n²·d/2 multiplications and additions a side, a sort of n²/2 numbers for ranks, 4·n² bytes a side and four times that at the peak of preparing one.</para>
/// <para>Sources: Kriegeskorte, Mur and Bandettini, "Representational Similarity Analysis", Frontiers in Systems Neuroscience 2:4 (2008); Kendall, Biometrika 33 (1945) (τ-b).</para>
/// </remarks>
public sealed class Rsa : SimilarityMeasure
{
    private const string Pairs = "pairs"; // what is compared, [n(n − 1)/2]
    private const long BlockEntries = 1 << 22;
    private readonly RdmDistance _distance;
    private readonly RdmCorrelation _correlation;

    /// <summary>Makes the measure.</summary>
    /// <param name="distance">The dissimilarity of two rows; Euclidean by default.</param>
    /// <param name="correlation">How the dissimilarities are compared; Spearman's by default.</param>
    /// <exception cref="ArgumentOutOfRangeException">One of them is none of its enumeration.</exception>
    public Rsa(RdmDistance distance = RdmDistance.Euclidean, RdmCorrelation correlation = RdmCorrelation.Spearman)
    {
        _distance = distance;
        _correlation = correlation;
        (string rdm, SimilarityInvariances invariances) = distance switch
        {
            RdmDistance.Euclidean => ("euclidean", SimilarityInvariances.Orthogonal | SimilarityInvariances.Translation),
            RdmDistance.SquaredEuclidean => ("squared_euclidean", SimilarityInvariances.Orthogonal | SimilarityInvariances.Translation),
            RdmDistance.Cosine => ("cosine", SimilarityInvariances.Orthogonal),
            RdmDistance.Correlation => ("correlation", SimilarityInvariances.None),
            _ => throw new ArgumentOutOfRangeException(nameof(distance), $"distance must be one of RdmDistance, but it is {distance}."),
        };
        string compare = correlation switch
        {
            RdmCorrelation.Spearman => "spearman",
            RdmCorrelation.Pearson => "pearson",
            RdmCorrelation.KendallTauB => "kendall_tau_b",
            RdmCorrelation.Cosine => "cosine",
            _ => throw new ArgumentOutOfRangeException(nameof(correlation), $"correlation must be one of RdmCorrelation, but it is {correlation}."),
        };
        Info = new SimilarityInfo
        {
            Id = $"rsa-rdm={rdm}-compare={compare}",
            Name = $"RSA, {rdm.Replace('_', ' ')} distances, {compare.Replace('_', ' ')}",
            Direction = MetricDirection.HigherIsBetter,
            Reference = "Kriegeskorte, Mur and Bandettini, Frontiers in Systems Neuroscience 2:4 (2008)",
            Lowest = correlation == RdmCorrelation.Cosine ? 0 : -1,
            Highest = 1,
            OfItself = 1,
            IsSymmetric = true,
            IsMetric = false,
            Invariances = invariances | SimilarityInvariances.ColumnPermutation | SimilarityInvariances.IsotropicScale | SimilarityInvariances.RowPermutation,
            MinimumRows = 3,
        };
    }

    /// <inheritdoc/>
    public override SimilarityInfo Info { get; }

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        Tensor pairs = Distances(latents, name);
        double largest = pairs.abs().max().ToDouble();
        if (_correlation != RdmCorrelation.Cosine && !(largest - pairs.min().ToDouble() > 1e-12 * largest))
        {
            throw new ArgumentException($"{name} must have rows some of which are more alike than others, but all pairs of its {latents.size(0)} rows are equally far apart. Take more images.", name);
        }
        if (!(largest > 0)) throw new ArgumentException($"{name} must have rows that differ in direction, but all pairs of its {latents.size(0)} rows are at distance 0. Use Euclidean distances.", name);
        if (_correlation is RdmCorrelation.Spearman or RdmCorrelation.KendallTauB)
        {
            pairs = tensor(RankCorrelation.Ranks(pairs.cpu().data<double>().ToArray())).to(latents.device);
        }
        if (_correlation is RdmCorrelation.Spearman or RdmCorrelation.Pearson) pairs = pairs.sub(pairs.mean());
        if (_correlation != RdmCorrelation.KendallTauB) pairs = pairs.div(pairs.norm());
        return new Dictionary<string, Tensor>(StringComparer.Ordinal) { [Pairs] = pairs };
    }

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y)
    {
        if (_correlation != RdmCorrelation.KendallTauB) return Math.Clamp(x[Pairs].dot(y[Pairs]).ToDouble(), Info.Lowest, 1);
        return Math.Clamp(RankCorrelation.KendallTauB(x[Pairs].cpu().data<double>().ToArray(), y[Pairs].cpu().data<double>().ToArray()), -1, 1);
    }

    // Of rows i < j, in row order.
    private Tensor Distances(Tensor latents, string name)
    {
        long n = latents.size(0);
        Tensor rows = _distance switch
        {
            RdmDistance.Cosine => Directions(latents.to_type(ScalarType.Float64), name, "be zero"),
            RdmDistance.Correlation => Directions(RowCentred(latents.to_type(ScalarType.Float64)), name, "have all its entries equal"),
            _ => latents.to_type(ScalarType.Float64),
        };
        Tensor pairs = empty(n * (n - 1) / 2, ScalarType.Float64, latents.device);
        long filled = 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(n, Math.Max(1, BlockEntries / n)))
        {
            using var scope = NewDisposeScope();
            // Not through a product, which cancels for near rows.
            Tensor block = cdist(rows.narrow(0, start, size), rows.narrow(0, start, n - start), 2, compute_mode.donot_use_mm_for_euclid_dist);
            Tensor upper = block.masked_select(ones_like(block, ScalarType.Bool).triu(1));
            pairs.narrow(0, filled, upper.size(0)).copy_(upper);
            filled += upper.size(0);
        }
        // For unit rows 1 − cos is half of the squared distance, and keeps its digits for near rows.
        return _distance switch { RdmDistance.Euclidean => pairs, RdmDistance.SquaredEuclidean => pairs.square(), _ => pairs.square().div(2) };
    }

    private static Tensor RowCentred(Tensor rows)
    {
        Tensor first = rows.narrow(1, 0, 1);
        Tensor differences = rows.sub(first);
        return differences.sub(differences.mean([1], keepdim: true));
    }

    private static Tensor Directions(Tensor rows, string name, string fault)
    {
        Tensor zero = rows.eq(0).all(1);
        if (!zero.any().ToBoolean()) return RelativeProjection.Unit(rows);
        long row = zero.to_type(ScalarType.Int32).argmax().ToInt64();
        throw new ArgumentException($"{name} must have no row that would {fault}, but row {row} does: it has no direction. Leave it out, or use Euclidean distances.", name);
    }
}
