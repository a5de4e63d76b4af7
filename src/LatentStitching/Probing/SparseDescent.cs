using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Coordinate descent on ½wᵀGw − wᵀc + l₁‖w‖₁ of a few columns, with a Newton step on the support now and then.</summary>
/// <remarks>Source: Friedman, Hastie and Tibshirani, "Regularization Paths for Generalized Linear Models via Coordinate Descent", J. Stat. Softw. 33 (2010), section 2.</remarks>
internal static class SparseDescent
{
    /// <summary>Descends in place until no column violates its optimality by more than a share of l₁. <paramref name="correlation"/> is c − Gw throughout.</summary>
    /// <returns>The sweeps.</returns>
    public static long Solve(double[] gram, double[] weight, double[] correlation, double l1, double share, long maxSweeps, CancellationToken cancellationToken)
    {
        int m = weight.Length, sinceJump = 0;
        long sweeps = 0;
        while (sweeps < maxSweeps && Violation(weight, correlation, l1) > share * l1)
        {
            cancellationToken.ThrowIfCancellationRequested();
            bool moved = Sweep(gram, weight, correlation, l1);
            sweeps++;
            if (++sinceJump >= Math.Max(10, m / 3))
            {
                sinceJump = 0;
                moved |= SupportStep.Take(gram, weight, correlation, new SparsePenalty(l1, 0, false));
            }
            if (!moved) break;
        }
        return sweeps;
    }

    /// <summary>The largest distance of a column's pull from what the minimum asks for: l₁ times the sign of its coefficient, or at most l₁ where that is zero.</summary>
    public static double Violation(ReadOnlySpan<double> weight, ReadOnlySpan<double> correlation, double l1)
    {
        double largest = 0;
        for (int j = 0; j < weight.Length; j++)
        {
            double off = weight[j] == 0 ? Math.Abs(correlation[j]) - l1 : Math.Abs(correlation[j] - (l1 * Math.Sign(weight[j])));
            largest = Math.Max(largest, off);
        }
        return largest;
    }

    private static bool Sweep(double[] gram, double[] weight, double[] correlation, double l1)
    {
        int m = weight.Length;
        bool moved = false;
        for (int j = 0; j < m; j++)
        {
            double curvature = gram[(j * m) + j];
            if (!(curvature > 0)) continue;
            double whole = correlation[j] + (curvature * weight[j]);
            double now = Math.Abs(whole) > l1 ? (whole - (l1 * Math.Sign(whole))) / curvature : 0;
            double step = now - weight[j];
            if (step == 0) continue;
            moved = true;
            weight[j] = now;
            Vectors.AddScaled(correlation, -step, gram.AsSpan(j * m, m));
        }
        return moved;
    }
}
