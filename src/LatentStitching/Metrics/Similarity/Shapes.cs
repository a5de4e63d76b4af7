namespace LatentStitching.Metrics.Similarity;

/// <summary>What the measures by rotations share.</summary>
internal static class Shapes
{
    public const string Rows = "rows";

    public static SimilarityInfo Info { get; } = new()
    {
        Id = "procrustes",
        Name = "Procrustes",
        Direction = MetricDirection.LowerIsBetter,
        Reference = "Williams et al. (NeurIPS 2021, arXiv:2110.14739)",
        Lowest = 0,
        Highest = double.PositiveInfinity,
        OfItself = 0,
        IsSymmetric = true,
        IsMetric = true,
        Invariances = SimilarityInvariances.ColumnPermutation | SimilarityInvariances.Orthogonal | SimilarityInvariances.IsotropicScale | SimilarityInvariances.Translation | SimilarityInvariances.RowPermutation,
    };

    public static Dictionary<string, Tensor> Prepare(Tensor rows, bool unit) => new(StringComparer.Ordinal) { [Rows] = unit ? rows.div(rows.norm()) : rows };

    /// <summary>‖X‖, ‖Y‖ and ‖XᵀY‖_* from moments.</summary>
    public static (double X, double Y, double Nuclear) Norms(SimilarityStatistics statistics, SimilarityInfo info)
    {
        (Tensor x, Tensor y, Tensor cross) = statistics.MomentsFor(info);
        return (x.trace().sqrt().ToDouble(), y.trace().sqrt().ToDouble(), linalg.svdvals(cross).sum().ToDouble());
    }
}
