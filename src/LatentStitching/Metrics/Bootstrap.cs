using MathNet.Numerics.Distributions;
using MathNet.Numerics.Statistics;

namespace LatentStitching.Metrics;

/// <summary>Bias-corrected and accelerated intervals (BCa) of means and of ratios of means by resampling images with replacement.</summary>
/// <remarks>
/// The ends are the quantiles Φ(z₀ + (z₀ + z)/(1 − a(z₀ + z))), z = ±1.96, of the resampled values; z₀ from the share of them below the value, which moves the interval against bias, a from the skewness of the
/// leave-one-out values, which lengthens it on the side of the long tail. Sources: Efron, "Better Bootstrap Confidence Intervals", Journal of the American Statistical Association 82 (1987); Efron and Tibshirani,
/// "An Introduction to the Bootstrap" (1993), section 14.3. Seeded: the same values give the same interval on every machine.
/// </remarks>
internal static class Bootstrap
{
    public const string Signature = "bca-bootstrap-2000";
    private const int Resamples = 2000;
    private const double Tail = 1.959963984540054; // Φ⁻¹(0.975)

    /// <summary>95 % interval of the mean.</summary>
    public static (double Lower, double Upper) Mean(IReadOnlyList<double> values, ulong seed)
    {
        double[] array = [.. values];
        double total = values.Sum();
        return Interval(values.Count, seed, total / values.Count, rows => Sum(array, rows) / rows.Length, row => (total - values[row]) / (values.Count - 1));
    }

    /// <summary>95 % interval of Σ numerator / Σ denominator, both resampled together; resamples whose denominator is zero are left out.</summary>
    public static (double Lower, double Upper) Ratio(IReadOnlyList<double> numerator, IReadOnlyList<double> denominator, ulong seed)
    {
        double[] upper = [.. numerator], lower = [.. denominator];
        double above = numerator.Sum(), below = denominator.Sum();
        return Interval(
            numerator.Count, seed, above / below, rows => Sum(upper, rows) / Sum(lower, rows), row => (above - numerator[row]) / (below - denominator[row]));
    }

    private static (double Lower, double Upper) Interval(int count, ulong seed, double value, Func<ReadOnlySpan<int>, double> statistic, Func<int, double> withoutRow)
    {
        double[] statistics = new double[Resamples];
        BootstrapDraws.Run(count, seed, Resamples, (resample, rows) => statistics[resample] = statistic(rows));
        // A resample whose denominator is zero has no ratio: with few rows it can be one row alone, again and again.
        statistics = Array.FindAll(statistics, double.IsFinite);
        Array.Sort(statistics);
        double bias = Bias(statistics, value), acceleration = Acceleration(count, withoutRow);
        return (Quantile(-Tail), Quantile(Tail));

        double Quantile(double z)
        {
            double moved = bias + z;
            return SortedArrayStatistics.Quantile(statistics, Normal.CDF(0, 1, bias + (moved / (1 - (acceleration * moved)))));
        }
    }

    // z₀. Values equal to the statistic count half to each side, or a statistic that takes few values would look biased; all on one side is as far as the resamples can tell.
    private static double Bias(double[] statistics, double value)
    {
        double tolerance = 1e-12 * Math.Abs(value);
        double below = statistics.Count(statistic => statistic < value - tolerance), equal = statistics.Count(statistic => Math.Abs(statistic - value) <= tolerance);
        double share = (below + (equal / 2)) / statistics.Length, edge = 1.0 / (statistics.Length + 1);
        return Normal.InvCDF(0, 1, Math.Clamp(share, edge, 1 - edge));
    }

    // a of Efron and Tibshirani, eq. 14.15; 0 where leaving out a row changes nothing.
    private static double Acceleration(int count, Func<int, double> withoutRow)
    {
        if (count < 2) return 0;
        double[] values = Array.FindAll([.. Enumerable.Range(0, count).Select(withoutRow)], double.IsFinite);
        double mean = values.Average(), scale = values.Max(value => Math.Abs(mean - value));
        if (!(scale > 1e-14 * Math.Abs(mean))) return 0;
        double squares = 0, cubes = 0;
        foreach (double value in values)
        {
            double difference = (mean - value) / scale;
            squares += difference * difference;
            cubes += difference * difference * difference;
        }
        return cubes / (6 * Math.Pow(squares, 1.5));
    }

    private static double Sum(double[] values, ReadOnlySpan<int> rows)
    {
        double sum = 0;
        foreach (int row in rows) sum += values[row];
        return sum;
    }
}
