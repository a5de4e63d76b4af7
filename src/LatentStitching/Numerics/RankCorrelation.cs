namespace LatentStitching.Numerics;

/// <summary>Ranks, and Kendall's correlation of them. Values nearer than a tolerance count as tied: distances that are equal differ in their last digit.</summary>
internal static class RankCorrelation
{
    /// <summary>The tolerance for values of this size: 10⁻¹² of the largest magnitude.</summary>
    private const double Tie = 1e-12;

    /// <summary>Ranks from 1; tied values share the mean of theirs.</summary>
    public static double[] Ranks(double[] values)
    {
        double[] sorted = [.. values];
        int[] order = new int[values.Length];
        for (int i = 0; i < order.Length; i++) order[i] = i;
        Array.Sort(sorted, order);
        double tolerance = Tie * Math.Max(Math.Abs(sorted[0]), Math.Abs(sorted[^1]));
        double[] ranks = new double[values.Length];
        for (int start = 0, end; start < sorted.Length; start = end)
        {
            for (end = start + 1; end < sorted.Length && sorted[end] - sorted[start] <= tolerance;) end++;
            for (int i = start; i < end; i++) ranks[order[i]] = (start + end + 1) / 2.0;
        }
        return ranks;
    }

    /// <summary>τ-b of two lists of ranks, in O(m·log m): Knight, Journal of the American Statistical Association 61 (1966). NaN where one of them is all tied.</summary>
    public static double KendallTauB(double[] x, double[] y)
    {
        int count = x.Length;
        int[] order = new int[count];
        for (int i = 0; i < count; i++) order[i] = i;
        Array.Sort(order, (a, b) => x[a] != x[b] ? x[a].CompareTo(x[b]) : y[a].CompareTo(y[b]));
        double[] sorted = new double[count];
        long tiedX = 0, tiedBoth = 0, runX = 0, runBoth = 0;
        for (int i = 0; i < count; i++)
        {
            sorted[i] = y[order[i]];
            bool sameX = i > 0 && x[order[i]] == x[order[i - 1]];
            runX = sameX ? runX + 1 : 0;
            runBoth = sameX && sorted[i] == sorted[i - 1] ? runBoth + 1 : 0;
            tiedX += runX;
            tiedBoth += runBoth;
        }
        long swaps = Inversions(sorted, new double[count]);
        long tiedY = 0, runY = 0;
        for (int i = 1; i < count; i++)
        {
            runY = sorted[i] == sorted[i - 1] ? runY + 1 : 0;
            tiedY += runY;
        }
        double pairs = count * (count - 1.0) / 2;
        return (pairs - tiedX - tiedY + tiedBoth - (2.0 * swaps)) / Math.Sqrt(pairs - tiedX) / Math.Sqrt(pairs - tiedY);
    }

    // Merge sort that counts how many pairs stood the wrong way round.
    private static long Inversions(Span<double> values, Span<double> buffer)
    {
        if (values.Length < 2) return 0;
        int middle = values.Length / 2;
        long count = Inversions(values[..middle], buffer[..middle]) + Inversions(values[middle..], buffer[middle..]);
        values.CopyTo(buffer);
        for (int left = 0, right = middle, i = 0; i < values.Length; i++)
        {
            if (right == values.Length || (left < middle && buffer[left] <= buffer[right]))
            {
                values[i] = buffer[left++];
                continue;
            }
            values[i] = buffer[right++];
            count += middle - left;
        }
        return count;
    }
}
