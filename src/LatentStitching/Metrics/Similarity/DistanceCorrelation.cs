using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Distance correlation: 0 in the population exactly where two spaces are independent, linear or not.</summary>
/// <remarks>
/// <para>With the distances a between rows of one space and b of the other, centred by rows and columns, biased: R = √(Σ A∘B/√(Σ A∘A·Σ B∘B)); bias-corrected: the same ratio, without root, of U-centred distances
/// Σ_{i≠j} A*∘B*.</para>
/// <para>Numerics: float64; distances from differences. Cost: n²·(p + q) multiplications and additions to prepare and again to measure; never an n×n matrix, at most 64 MB of blocks.</para>
/// <para>Sources: Székely, Rizzo and Bakirov, Annals of Statistics 35 (2007), definition 4; Székely and Rizzo, "The Distance Correlation t-Test of Independence in High Dimension", Journal of Multivariate Analysis 117
/// (2013), as the U-centred form of Annals of Statistics 42 (2014), eq. 3.2.</para>
/// </remarks>
public sealed class DistanceCorrelation : SimilarityMeasure
{
    private const string Sums = "sums"; // of the distances of each row, [n]
    private const string Self = "self";
    private const long BlockEntries = 1 << 22;
    private readonly bool _corrected;

    /// <summary>Makes the measure.</summary>
    /// <param name="estimator">The estimator; bias-corrected by default.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="estimator"/> is neither.</exception>
    public DistanceCorrelation(DistanceCorrelationEstimator estimator = DistanceCorrelationEstimator.BiasCorrected)
    {
        if (!Enum.IsDefined(estimator)) throw new ArgumentOutOfRangeException(nameof(estimator), $"estimator must be BiasCorrected or Biased, but it is {estimator}.");
        _corrected = estimator == DistanceCorrelationEstimator.BiasCorrected;
        Info = new SimilarityInfo
        {
            Id = $"distance_correlation-estimator={(_corrected ? "bias_corrected" : "biased")}-score",
            Name = $"distance correlation, {(_corrected ? "bias-corrected" : "biased")}",
            Direction = MetricDirection.HigherIsBetter,
            Reference = _corrected ? "Székely and Rizzo, Journal of Multivariate Analysis 117 (2013)" : "Székely, Rizzo and Bakirov, Annals of Statistics 35 (2007), definition 4",
            Lowest = _corrected ? -1 : 0,
            Highest = 1,
            OfItself = 1,
            IsSymmetric = true,
            IsMetric = false,
            Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.Translation | SimilarityInvariances.RowPermutation,
            MinimumRows = _corrected ? 4 : 2,
        };
    }

    /// <inheritdoc/>
    public override SimilarityInfo Info { get; }

    /// <inheritdoc/>
    public override string? Warning(long rows, long xColumns, long yColumns) => _corrected || rows > Math.Max(xColumns, yColumns)
        ? null
        : $"{rows} rows and up to {Math.Max(xColumns, yColumns)} columns: biased distance correlation is near 1 for any two such spaces. Use the bias-corrected estimator.";

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name)
    {
        Tensor rows = latents.to_type(ScalarType.Float64), sums = empty(latents.size(0), ScalarType.Float64, latents.device);
        double squares = 0;
        foreach ((long start, long size) in BlocksOf(latents.size(0)))
        {
            using var scope = NewDisposeScope();
            Tensor block = Distances(rows, start, size);
            sums.narrow(0, start, size).copy_(block.sum([1]));
            squares += CentredMatrix.SumOfSquares(block);
        }
        double self = Covariance(squares, sums, sums);
        if (!(self > 16 * Spectrum.Epsilon * squares))
        {
            throw new ArgumentException($"{name} must have rows some of which are more alike than others, but all pairs of its {latents.size(0)} rows are equally far apart. Take more images.", name);
        }
        return new Dictionary<string, Tensor>(StringComparer.Ordinal) { [Sums] = sums, [Self] = tensor(self, ScalarType.Float64) };
    }

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y)
    {
        Tensor left = x.Latents.to_type(ScalarType.Float64), right = y.Latents.to_type(ScalarType.Float64);
        double products = 0;
        foreach ((long start, long size) in BlocksOf(x.Rows))
        {
            using var scope = NewDisposeScope();
            products += Distances(left, start, size).flatten().dot(Distances(right, start, size).flatten()).ToDouble();
        }
        double ratio = Math.Min(Covariance(products, x[Sums], y[Sums]) / Math.Sqrt(x[Self].ToDouble()) / Math.Sqrt(y[Self].ToDouble()), 1);
        return _corrected ? ratio : Math.Sqrt(Math.Max(ratio, 0));
    }

    // Σ over all i, j of the doubly centred, or the U-centred distances' products, from those of the distances and of their row sums.
    private double Covariance(double products, Tensor a, Tensor b)
    {
        double n = a.size(0), rows = a.dot(b).ToDouble(), all = a.sum().ToDouble() * b.sum().ToDouble();
        return _corrected
            ? products - (2 / (n - 2) * rows) + (all / ((n - 1) * (n - 2)))
            : products - (2 / n * rows) + (all / (n * n));
    }

    private static Tensor Distances(Tensor rows, long start, long size) => cdist(rows.narrow(0, start, size), rows, 2, compute_mode.donot_use_mm_for_euclid_dist);

    private static IEnumerable<(long Start, long Size)> BlocksOf(long rows) => CentredMatrix.Blocks(rows, Math.Max(1, BlockEntries / rows));
}
