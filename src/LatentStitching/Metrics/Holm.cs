using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics;

/// <summary>Holm's correction of p-values for how many tests were made: for example one for each pair of models.</summary>
/// <remarks>
/// Rejecting what comes out at 0.05 or less, the probability of rejecting even one true hypothesis is at most 0.05, however the tests depend on each other. Never worse than Bonferroni's.
/// Source: Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979).
/// </remarks>
public static class Holm
{
    /// <summary>Adjusts p-values.</summary>
    /// <param name="pValues">m p-values of all the tests that were made, not of the good ones alone; each from 0 to 1, at least one.</param>
    /// <returns>Their adjusted values, in the order given: of the k-th smallest, the largest of (m − j + 1)·p₍ⱼ₎ over j ≤ k, at most 1.</returns>
    /// <exception cref="ArgumentException">There is none, or one is not from 0 to 1.</exception>
    public static IReadOnlyList<double> Adjust(IReadOnlyList<double> pValues)
    {
        Guard.NotEmpty(pValues, "Give the p-values of all tests that were made.");
        double[] sorted = [.. pValues];
        for (int i = 0; i < sorted.Length; i++)
        {
            if (sorted[i] is >= 0 and <= 1) continue;
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"pValues must lie from 0 to 1, but entry {i} is {sorted[i]}."), nameof(pValues));
        }
        int[] order = [.. Enumerable.Range(0, sorted.Length)];
        Array.Sort(sorted, order);
        double[] adjusted = new double[sorted.Length];
        double highest = 0;
        for (int rank = 0; rank < sorted.Length; rank++)
        {
            highest = Math.Max(highest, Math.Min(1, (sorted.Length - rank) * sorted[rank]));
            adjusted[order[rank]] = highest;
        }
        return adjusted;
    }
}
