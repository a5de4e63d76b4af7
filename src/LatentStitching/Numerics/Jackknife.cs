namespace LatentStitching.Numerics;

/// <summary>Variance of a statistic from its values with one sample left out.</summary>
/// <remarks>Source: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 11.2, eq. (11.5).</remarks>
internal static class Jackknife
{
    public const string Signature = "jackknife-normal";
    private const double Quantile975 = 1.959963984540054;

    /// <summary>(n − 1)/n · Σ(θ₍ᵢ₎ − θ̄)².</summary>
    public static double Variance(double[] without)
    {
        double mean = without.Average();
        return (without.Length - 1.0) / without.Length * without.Sum(value => (value - mean) * (value - mean));
    }

    /// <summary>95 % interval by the normal quantile.</summary>
    public static (double Lower, double Upper) Interval(double value, double variance)
    {
        double half = Quantile975 * Math.Sqrt(variance);
        return (value - half, value + half);
    }
}
