using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>What the measures by canonical correlations share.</summary>
internal static class Canonical
{
    public const string Variates = "variates"; // U [n, r]

    /// <summary>ρ, descending: the cosines between the spans of two sets of orthonormal columns. What lies above 1 is rounding.</summary>
    public static double[] Correlations(Tensor cosines) => [.. linalg.svdvals(cosines).cpu().data<double>().ToArray().Select(value => Math.Min(value, 1))];

    /// <summary>UₓᵀU_y from moments, with the decompositions it came from.</summary>
    public static (Tensor Cosines, PrincipalFactor X, PrincipalFactor Y) Cosines(SimilarityStatistics statistics, SimilarityInfo info)
    {
        (Tensor x, Tensor y, Tensor cross) = statistics.MomentsFor(info);
        if (info.NeedsMoreRowsThanColumns) RequireRows(statistics, info);
        PrincipalFactor left = PrincipalFactor.OfGram(x, statistics.Count), right = PrincipalFactor.OfGram(y, statistics.Count);
        return (PrincipalFactor.Cosines(left, right, cross), left, right);
    }

    public static string? Warning(long rows, long xColumns, long yColumns)
    {
        long ones = xColumns + yColumns - (rows - 1);
        return ones <= 0
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"{rows} rows and {xColumns} + {yColumns} columns: {ones} of the canonical correlations are 1 for any two such spaces. Take more images, or fewer columns (Svcca).");
    }

    private static void RequireRows(SimilarityStatistics statistics, SimilarityInfo info, string name = "statistics")
    {
        long widest = Math.Max(statistics.XColumns, statistics.YColumns);
        if (statistics.Count > widest + 1) return;
        throw new ArgumentException(
            $"{name} must be of at least two more rows than columns for {info.Id}, but they are of {statistics.Count} rows with {widest} columns: any two such spaces fit each other perfectly. Add more images.", name);
    }
}
