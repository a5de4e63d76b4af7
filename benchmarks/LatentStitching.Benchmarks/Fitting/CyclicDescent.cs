using System.Numerics;
using System.Runtime.InteropServices;

namespace LatentStitching.Benchmarks.Fitting;

/// <summary>The lasso as scikit-learn's cd_fast solves it: sweeps over all columns that keep the residual up to date.</summary>
internal static class CyclicDescent
{
    /// <summary>Minimises ‖y − Xw‖²/2n + α‖w‖₁ to a relative duality gap and returns ‖w‖₁.</summary>
    /// <param name="columns">X, column after column.</param>
    /// <param name="residual">y; changed.</param>
    /// <param name="n">Rows.</param>
    /// <param name="d">Columns.</param>
    /// <param name="alpha">α.</param>
    /// <param name="tolerance">The gap, relative to ‖y‖²/2n.</param>
    public static double Solve(double[] columns, double[] residual, int n, int d, double alpha, double tolerance)
    {
        double[] weight = new double[d], squares = new double[d], y = [.. residual];
        for (int j = 0; j < d; j++) squares[j] = Dot(columns.AsSpan(j * n, n), columns.AsSpan(j * n, n)) / n;
        double goal = tolerance * Dot(y, y) / n / 2;
        for (int sweep = 0; sweep < 10_000; sweep++)
        {
            double largestStep = 0, largestWeight = 0;
            for (int j = 0; j < d; j++)
            {
                ReadOnlySpan<double> column = columns.AsSpan(j * n, n);
                double z = (Dot(column, residual) / n) + (squares[j] * weight[j]);
                double now = Math.Sign(z) * Math.Max(0, Math.Abs(z) - alpha) / squares[j];
                double step = now - weight[j];
                if (step != 0) AddScaled(residual, -step, column);
                weight[j] = now;
                largestStep = Math.Max(largestStep, Math.Abs(step));
                largestWeight = Math.Max(largestWeight, Math.Abs(now));
            }
            // As cd_fast does, the gap is looked at only when the steps have become small.
            if (largestStep > tolerance * largestWeight) continue;
            double pull = 0;
            for (int j = 0; j < d; j++) pull = Math.Max(pull, Math.Abs(Dot(columns.AsSpan(j * n, n), residual) / n));
            double rest = Dot(residual, residual) / n, scale = Math.Min(1, alpha / pull);
            double gap = (rest * (1 + (scale * scale)) / 2) + (alpha * weight.Sum(Math.Abs)) - (scale * Dot(residual, y) / n);
            if (gap <= goal) break;
        }
        return weight.Sum(Math.Abs);
    }

    private static double Dot(ReadOnlySpan<double> x, ReadOnlySpan<double> y)
    {
        ReadOnlySpan<Vector<double>> wideX = MemoryMarshal.Cast<double, Vector<double>>(x), wideY = MemoryMarshal.Cast<double, Vector<double>>(y);
        Vector<double> sums = Vector<double>.Zero;
        for (int i = 0; i < wideX.Length; i++) sums += wideX[i] * wideY[i];
        double sum = Vector.Sum(sums);
        for (int i = wideX.Length * Vector<double>.Count; i < x.Length; i++) sum += x[i] * y[i];
        return sum;
    }

    private static void AddScaled(Span<double> y, double a, ReadOnlySpan<double> x)
    {
        Span<Vector<double>> wide = MemoryMarshal.Cast<double, Vector<double>>(y);
        ReadOnlySpan<Vector<double>> wideX = MemoryMarshal.Cast<double, Vector<double>>(x);
        Vector<double> factor = new(a);
        for (int i = 0; i < wide.Length; i++) wide[i] += factor * wideX[i];
        for (int i = wide.Length * Vector<double>.Count; i < y.Length; i++) y[i] += a * x[i];
    }
}
