using MathNet.Numerics.Random;
using MathNet.Numerics.Statistics;

namespace LatentStitching.Metrics;

/// <summary>Percentile intervals of means and of ratios of means by resampling images with replacement.</summary>
/// <remarks>Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3. Seeded: the same values give the same interval on every machine.</remarks>
internal static class Bootstrap
{
    public const string Signature = "percentile-bootstrap-2000";
    private const int Resamples = 2000;

    /// <summary>95 % interval of the mean.</summary>
    public static (double Lower, double Upper) Mean(IReadOnlyList<double> values, ulong seed) =>
        Statistic(values.Count, seed, rows => Sum(values, rows) / rows.Length);

    /// <summary>95 % interval of Σ numerator / Σ denominator, both resampled together; resamples whose denominator is zero are left out.</summary>
    public static (double Lower, double Upper) Ratio(IReadOnlyList<double> numerator, IReadOnlyList<double> denominator, ulong seed) =>
        Statistic(numerator.Count, seed, rows => Sum(numerator, rows) / Sum(denominator, rows));

    private static (double Lower, double Upper) Statistic(int count, ulong seed, Func<int[], double> statistic)
    {
        MersenneTwister random = new(unchecked((int)(seed ^ (seed >> 32))), threadSafe: false);
        int[] rows = new int[count];
        double[] statistics = new double[Resamples];
        for (int resample = 0; resample < Resamples; resample++)
        {
            for (int i = 0; i < count; i++) rows[i] = random.Next(count);
            statistics[resample] = statistic(rows);
        }
        // A resample whose denominator is zero has no ratio: with few rows it can be one row alone, again and again.
        statistics = Array.FindAll(statistics, double.IsFinite);
        Array.Sort(statistics);
        return (SortedArrayStatistics.Quantile(statistics, 0.025), SortedArrayStatistics.Quantile(statistics, 0.975));
    }

    private static double Sum(IReadOnlyList<double> values, int[] rows)
    {
        double sum = 0;
        foreach (int row in rows) sum += values[row];
        return sum;
    }
}
