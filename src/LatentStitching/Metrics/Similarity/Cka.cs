using System.Globalization;

namespace LatentStitching.Metrics.Similarity;

/// <summary>What all CKAs share.</summary>
internal static class Cka
{
    /// <summary>HSIC(K, L)/√(HSIC(K, K)·HSIC(L, L)); what lies above 1 is rounding.</summary>
    public static double Ratio(double cross, double x, double y) => Math.Min(cross / Math.Sqrt(x) / Math.Sqrt(y), 1);

    public static SimilarityInfo Info(string kernel, string name, CkaEstimator estimator)
    {
        bool debiased = estimator switch
        {
            CkaEstimator.Debiased => true,
            CkaEstimator.Biased => false,
            _ => throw new ArgumentOutOfRangeException(nameof(estimator), $"estimator must be Debiased or Biased, but it is {estimator}."),
        };
        return new SimilarityInfo
        {
            Id = $"cka-kernel={kernel}-hsic={(debiased ? "song" : "gretton")}-score",
            Name = $"{name}, {(debiased ? "debiased" : "biased")}",
            Direction = MetricDirection.HigherIsBetter,
            Reference = "Kornblith et al., Similarity of Neural Network Representations Revisited (ICML 2019, arXiv:1905.00414), eqs. 3-4"
                + (debiased ? "; HSIC of Song et al., JMLR 13 (2012), eq. 5" : ""),
            Lowest = debiased ? -1 : 0,
            Highest = 1,
            OfItself = 1,
            IsSymmetric = true,
            IsMetric = false,
            Invariances = SimilarityInvariances.None,
            MinimumRows = debiased ? 4 : 2,
        };
    }

    public static string? Warning(bool debiased, long rows, long xColumns, long yColumns)
    {
        long widest = Math.Max(xColumns, yColumns);
        return debiased || rows > widest
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{rows} rows and up to {widest} columns: biased CKA is near 1 for any two such spaces. Use the debiased estimator.");
    }
}
