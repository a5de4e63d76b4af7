namespace LatentStitching.Numerics;

/// <summary>Newton's step of a sparse problem on the coefficients that are not zero, as far as their signs hold: a linear system where coordinate descent takes long over columns that are alike.</summary>
/// <remarks>
/// While no sign changes the objective is a quadratic, so the step to its minimum, cut off at the first coefficient that reaches zero, only descends. Dependent columns leave a direction along which
/// only the penalty changes, linearly: it is followed downwards until a coefficient reaches zero.
/// Source: Lee, Battle, Raina and Ng, "Efficient sparse coding algorithms" (NIPS 2006), algorithm 1 (feature-sign search).
/// </remarks>
internal static class SupportStep
{
    // Below this share of its diagonal a pivot is rounding: the columns depend on each other.
    private const double LeastPivot = 1e-12;
    private const int MostDrops = 8;

    /// <summary>Takes the step. Where the columns in use depend on each other it first drops those that can go without loss, a few at a time.</summary>
    /// <param name="gram">XᵀX/n of the working set, [m, m].</param>
    /// <param name="weight">The coefficients, [m]; changed.</param>
    /// <param name="correlation">XᵀR/n, [m]; kept up to date.</param>
    /// <param name="penalty">The penalty.</param>
    /// <returns>Whether a coefficient changed.</returns>
    public static bool Take(double[] gram, double[] weight, double[] correlation, SparsePenalty penalty)
    {
        int m = weight.Length;
        bool moved = false;
        for (int drops = 0; drops <= MostDrops; drops++)
        {
            int[] support = [.. Enumerable.Range(0, m).Where(j => weight[j] != 0)];
            if (support.Length == 0) break;
            (double[] factor, int independent) = Factor(gram, m, support, penalty.L2);
            double[] descent = [.. support.Select(j => correlation[j] - (penalty.L2 * weight[j]) - (penalty.L1 * Math.Sign(weight[j])))];
            bool regular = independent == support.Length;
            double[] step = regular ? descent : NullDirection(factor, support.Length, independent);
            if (regular) Solve(factor, step);
            else if (Vectors.Dot(step, descent) < 0) Array.ConvertAll(step, value => -value).CopyTo(step, 0);
            moved |= Walk(gram, weight, correlation, support, step, regular ? 1 : double.PositiveInfinity);
            if (regular) break;
        }
        return moved;
    }

    // Goes a length along the step, but only to the first coefficient that reaches zero.
    private static bool Walk(double[] gram, double[] weight, double[] correlation, int[] support, double[] step, double length)
    {
        int m = weight.Length, reached = -1;
        for (int i = 0; i < support.Length; i++)
        {
            double toZero = -weight[support[i]] / step[i];
            if (!(toZero > 0) || toZero >= length) continue;
            (length, reached) = (toZero, i);
        }
        if (!double.IsFinite(length)) return false;
        bool moved = false;
        for (int i = 0; i < support.Length; i++)
        {
            int j = support[i];
            double now = i == reached ? 0 : weight[j] + (length * step[i]);
            double change = now - weight[j];
            if (change == 0) continue;
            moved = true;
            weight[j] = now;
            Vectors.AddScaled(correlation, -change, gram.AsSpan(j * m, m));
        }
        return moved;
    }

    // L of LLᵀ = the support's part of the Gram matrix + l₂I, [s, s], and how many of its leading columns are independent; row number that of L holds the next column in terms of them.
    private static (double[] Factor, int Independent) Factor(double[] gram, int m, int[] support, double l2)
    {
        int s = support.Length;
        double[] factor = new double[s * s];
        for (int i = 0; i < s; i++)
        {
            Span<double> row = factor.AsSpan(i * s, i + 1);
            for (int j = 0; j < i; j++)
            {
                double rest = gram[(support[i] * m) + support[j]] - Vectors.Dot(row[..j], factor.AsSpan(j * s, j));
                row[j] = rest / factor[(j * s) + j];
            }
            double diagonal = gram[(support[i] * m) + support[i]] + l2;
            double pivot = diagonal - Vectors.Dot(row[..i], row[..i]);
            if (!(pivot > LeastPivot * diagonal)) return (factor, i);
            row[i] = Math.Sqrt(pivot);
        }
        return (factor, s);
    }

    // v with Xv = 0: the first dependent column minus its combination of those before it. Along it only the penalty changes.
    private static double[] NullDirection(double[] factor, int s, int independent)
    {
        double[] direction = new double[s];
        direction[independent] = 1;
        for (int j = 0; j < independent; j++) direction[j] = -factor[(independent * s) + j];
        for (int i = independent - 1; i >= 0; i--)
        {
            direction[i] /= factor[(i * s) + i];
            Vectors.AddScaled(direction.AsSpan(0, i), -direction[i], factor.AsSpan(i * s, i));
        }
        return direction;
    }

    private static void Solve(double[] factor, double[] right)
    {
        int s = right.Length;
        for (int i = 0; i < s; i++) right[i] = (right[i] - Vectors.Dot(factor.AsSpan(i * s, i), right.AsSpan(0, i))) / factor[(i * s) + i];
        for (int i = s - 1; i >= 0; i--)
        {
            right[i] /= factor[(i * s) + i];
            Vectors.AddScaled(right.AsSpan(0, i), -right[i], factor.AsSpan(i * s, i));
        }
    }
}
