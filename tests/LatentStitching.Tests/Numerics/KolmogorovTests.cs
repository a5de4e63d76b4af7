using LatentStitching.Numerics;

namespace LatentStitching.Tests.Numerics;

public sealed class KolmogorovTests
{
    // K(x) of Smirnov's table (1948), and where the two series meet.
    [Theory]
    [InlineData(0.5, 0.963945, 1e-6)]
    [InlineData(1.0, 0.270000, 1e-6)]
    [InlineData(1.5, 0.022218, 1e-6)]
    [InlineData(2.0, 0.000671, 1e-6)]
    [InlineData(1.3580986393225507, 0.05, 1e-12)]
    [InlineData(0, 1, 0)]
    public void Tail_IsTheTables(double x, double expected, double tolerance) => Kolmogorov.Tail(x).Should().BeApproximately(expected, tolerance);

    [Fact]
    public void Tail_WhereTheSeriesMeet_IsSmooth() => Kolmogorov.Tail(1.18 - 1e-12).Should().BeApproximately(Kolmogorov.Tail(1.18), 1e-11);

    // The exact law of Marsaglia, Tsang and Wang (2003), whose paper gives K(10, 0.274) = 0.6284796154565.
    [Theory]
    [InlineData(10, 3e-3)]
    [InlineData(30, 5e-4)]
    [InlineData(100, 2e-4)]
    [InlineData(300, 1e-4)]
    public void PValue_IsNearTheExactLaw(int count, double tolerance)
    {
        (1 - Exact(10, 0.274)).Should().BeApproximately(1 - 0.6284796154565, 1e-12);
        for (double x = 0.5; x < 2.1; x += 0.1)
        {
            double distance = x / Math.Sqrt(count);
            Kolmogorov.PValue(distance, count).Should().BeApproximately(1 - Exact(count, distance), tolerance, $"x is {x}");
        }
    }

    // Durbin's matrix, raised to the n-th power.
    private static double Exact(int n, double d)
    {
        int k = (int)(n * d) + 1, m = (2 * k) - 1;
        double h = k - (n * d);
        double[,] matrix = new double[m, m];
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < m; j++) matrix[i, j] = i - j + 1 < 0 ? 0 : 1;
        }
        for (int i = 0; i < m; i++)
        {
            matrix[i, 0] -= Math.Pow(h, i + 1);
            matrix[m - 1, i] -= Math.Pow(h, m - i);
        }
        matrix[m - 1, 0] += (2 * h) - 1 > 0 ? Math.Pow((2 * h) - 1, m) : 0;
        for (int i = 0; i < m; i++)
        {
            for (int j = 0; j < m; j++)
            {
                for (int g = 1; g <= i - j + 1; g++) matrix[i, j] /= g;
            }
        }
        // One row of the power is enough; n!/nⁿ is spread over the steps.
        double[] row = new double[m];
        row[k - 1] = 1;
        for (int step = 1; step <= n; step++)
        {
            double[] next = new double[m];
            for (int j = 0; j < m; j++)
            {
                for (int i = 0; i < m; i++) next[j] += row[i] * matrix[i, j];
                next[j] *= (double)step / n;
            }
            row = next;
        }
        return row[k - 1];
    }
}
