using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Jaccard similarity of nearest neighbours: of all images that are among the k nearest in either space, the share that is in both, averaged over images.</summary>
/// <remarks>
/// <para>The mean of |N(i) ∩ N′(i)|/|N(i) ∪ N′(i)|; an image is no neighbour of its own. m/(2 − m) of an image's mutual share m, so it weighs images that agree more.</para>
/// <para>Of images that are equally near, up to rounding, the first by row are taken, so that the value does not depend on the machine; with many equal rows it depends on their order.</para>
/// <para>Numerics: float64. Cost: n²·(p + q) multiplications and additions, once a side; 8·n·(d + k) bytes and blocks of about 100 MB, never an n×n matrix.</para>
/// <para>Source: Klabunde, Schumacher, Strohmaier and Lemmerich, "Similarity of Neural Network Models: A Survey" (2023, arXiv:2305.06329), section 3, k-NN Jaccard similarity.</para>
/// </remarks>
public sealed class JaccardKnn : SimilarityMeasure
{
    private readonly int _count;
    private readonly NeighbourMetric _metric;

    /// <summary>Makes the measure.</summary>
    /// <param name="neighbours">k, positive; 10 by default. Needs k + 2 rows.</param>
    /// <param name="metric">What makes rows neighbours; the cosine by default.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="neighbours"/> is not positive, or <paramref name="metric"/> is none of the enumeration.</exception>
    public JaccardKnn(int neighbours = 10, NeighbourMetric metric = NeighbourMetric.Cosine)
    {
        _count = Guard.Positive(neighbours);
        _metric = metric;
        string name = NearestNeighbours.Name(metric);
        Info = new SimilarityInfo
        {
            Id = $"jaccard_knn-metric={name}-k={neighbours}-score",
            Name = $"Jaccard kNN, {name.Replace('_', ' ')}, k {neighbours}",
            Direction = MetricDirection.HigherIsBetter,
            Reference = "Klabunde et al., Similarity of Neural Network Models: A Survey (2023, arXiv:2305.06329), section 3",
            Lowest = 0,
            Highest = 1,
            OfItself = 1,
            IsSymmetric = true,
            IsMetric = false,
            Invariances = NearestNeighbours.Invariances(metric) | SimilarityInvariances.RowPermutation,
            MinimumRows = neighbours + 2L,
        };
    }

    /// <inheritdoc/>
    public override SimilarityInfo Info { get; }

    /// <inheritdoc/>
    public override string? Warning(long rows, long xColumns, long yColumns) => NearestNeighbours.Warning(_count, rows);

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name) => NearestNeighbours.Find(latents, _count, _metric, values: false, name);

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => NearestNeighbours.Shared(x, y).Average(shared => shared / ((2.0 * _count) - shared));
}
