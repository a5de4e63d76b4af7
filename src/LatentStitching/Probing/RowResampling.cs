using LatentStitching.Data;
using LatentStitching.Metrics;
using MathNet.Numerics.Statistics;

namespace LatentStitching.Probing;

/// <summary>Resamples images with replacement for numbers that are no means of per-image values.</summary>
/// <remarks>Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3. Seeded: the same seed draws the same images on every machine.</remarks>
internal static class RowResampling
{
    public const int Resamples = 2000;
    private const string Signature = "percentile-bootstrap-2000";

    /// <summary>Hands each resample on as how often every row was drawn; the array is reused.</summary>
    public static void Run(int rows, ulong seed, Action<int, int[]> use, CancellationToken cancellationToken = default)
    {
        SplitMix64 random = new(seed);
        int[] times = new int[rows];
        for (int resample = 0; resample < Resamples; resample++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Array.Clear(times);
            for (int i = 0; i < rows; i++) times[random.Below(rows)]++;
            use(resample, times);
        }
    }

    /// <summary>A number with the middle 95 % of its resamples; those in which it is undefined are left out.</summary>
    public static MetricValue Value(MetricInfo info, double value, double[] resamples, int rows, IReadOnlyList<double>? perImage = null)
    {
        double[] sorted = Array.FindAll(resamples, double.IsFinite);
        Array.Sort(sorted);
        bool interval = double.IsFinite(value) && sorted.Length > 0;
        return new MetricValue
        {
            Info = info,
            Value = value,
            Lower = interval ? SortedArrayStatistics.Quantile(sorted, 0.025) : double.NaN,
            Upper = interval ? SortedArrayStatistics.Quantile(sorted, 0.975) : double.NaN,
            StandardDeviation = perImage is null ? double.NaN : ArrayStatistics.StandardDeviation([.. perImage]),
            PerImage = perImage ?? [],
            Count = rows.ToString(System.Globalization.CultureInfo.InvariantCulture),
            IntervalMethod = interval ? Signature : "none",
        };
    }
}
