namespace LatentStitching.Numerics;

/// <summary>Kolmogorov and Smirnov's largest distance between distribution functions, column by column, and how likely it is by chance.</summary>
internal static class Kolmogorov
{
    /// <summary>Distance of each column's empirical distribution from a continuous one.</summary>
    /// <param name="values">[n, d].</param>
    /// <param name="cdf">The distribution function, element-wise in float64.</param>
    /// <returns>[d], float64.</returns>
    public static Tensor Distance(Tensor values, Func<Tensor, Tensor> cdf)
    {
        using var scope = NewDisposeScope();
        long count = values.size(0);
        Tensor levels = cdf(Sorted(values));
        Tensor above = (arange(1, count + 1, ScalarType.Float64, values.device) / count - levels).amax([1]);
        Tensor below = (levels - arange(0, count, ScalarType.Float64, values.device) / count).amax([1]);
        return maximum(above, below).MoveToOuterDisposeScope();
    }

    /// <summary>Distance between the empirical distributions of two sets of rows, column by column.</summary>
    /// <param name="a">[n, d].</param>
    /// <param name="b">[m, d].</param>
    /// <returns>[d], float64.</returns>
    public static Tensor Distance(Tensor a, Tensor b)
    {
        using var scope = NewDisposeScope();
        Tensor first = Sorted(a), second = Sorted(b);
        Tensor places = cat([first, second], 1);
        return (Share(first, places) - Share(second, places)).abs().amax([1]).MoveToOuterDisposeScope();
    }

    /// <summary>The probability that n draws lie at least this far from their own continuous distribution.</summary>
    /// <remarks>The limiting law at a place corrected for finite n: Vrbik, "Small-sample corrections to Kolmogorov-Smirnov test statistic", Pioneer Journal of Theoretical and Applied Statistics 15 (2018), 15-23.</remarks>
    public static double PValue(double distance, long count)
    {
        double x = distance * Math.Sqrt(count);
        return Tail(x + (1 / (6 * Math.Sqrt(count))) + ((x - 1) / (4.0 * count)));
    }

    /// <summary>The probability that n and m draws of one continuous distribution lie at least this far apart, by the limiting law: Smirnov (1939).</summary>
    public static double PValue(double distance, long n, long m) => Tail(distance * Math.Sqrt((double)n * m / (n + m)));

    /// <summary>1 − K(x) of the limiting law: Kolmogorov (1933), in the form of two theta series, each where it converges fast.</summary>
    public static double Tail(double x)
    {
        if (x <= 0) return 1;
        double sum = 0;
        if (x < 1.18)
        {
            for (int k = 1; k < 20; k += 2) sum += Math.Exp(-k * k * Math.PI * Math.PI / (8 * x * x));
            return Math.Clamp(1 - (Math.Sqrt(2 * Math.PI) / x * sum), 0, 1);
        }
        for (int k = 1; k < 10; k++) sum += (k % 2 == 1 ? 2 : -2) * Math.Exp(-2.0 * k * k * x * x);
        return Math.Clamp(sum, 0, 1);
    }

    // One sorted row a column.
    private static Tensor Sorted(Tensor values) => values.to_type(ScalarType.Float64).t().contiguous().sort(1).Values;

    private static Tensor Share(Tensor sorted, Tensor places) => searchsorted(sorted, places, right: true).to_type(ScalarType.Float64) / sorted.size(1);
}
