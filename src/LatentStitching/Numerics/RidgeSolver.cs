namespace LatentStitching.Numerics;

/// <summary>Solves min ‖XW − Y‖² + α‖W‖² for centred float64 views of X and Y, α ≥ 0; for α = 0 the solution of least norm.</summary>
/// <remarks>
/// <para>Primal (XᵀX + αI)W = XᵀY or dual W = Xᵀ(XXᵀ + αI)⁻¹Y, whichever costs fewer operations and is not singular by its shape, by Cholesky of the matrix scaled to a unit diagonal.
/// Where that matrix is singular to working precision and α = 0: singular value decomposition of X, cut at max(n, d)·ε·σ₁.</para>
/// <para>In the dual with an intercept and α = 0, XXᵀ is singular along the vector of ones, to which the centred targets are orthogonal: adding c·11ᵀ leaves the answer and cures that.</para>
/// </remarks>
internal static class RidgeSolver
{
    /// <summary>Largest side of a Gram matrix whose spectrum is computed only to report it.</summary>
    public const long ReportedSpectrumLimit = 1024;

    private const double SingularRatio = 1e-7;
    // Pivot ratios, about 1/cond(X), below which one or two corrections through X are worth their passes over the rows.
    private const double RefineOnce = 1e-2;
    private const double RefineTwice = 1e-4;

    public sealed class Solution
    {
        public required Tensor Weight { get; init; } // [d, t], float64
        public required string Solver { get; init; }
        public required double ResidualSumOfSquares { get; init; }
        public required double TargetSumOfSquares { get; init; }
        public long? Rank { get; init; }
        public double? ConditionNumber { get; init; }
        public double? DegreesOfFreedom { get; init; }
    }

    public static Solution Solve(CentredMatrix x, CentredMatrix y, double alpha, bool intercept, CancellationToken cancellationToken)
    {
        long n = x.Rows, d = x.Columns, t = y.Columns;
        long fullRank = Math.Min(d, intercept ? n - 1 : n);
        bool dual = alpha == 0 ? d > fullRank : DualIsCheaper(n, d, t);
        if (fullRank == 0) return NoInformation(x, y, y.SumOfSquares(), intercept);

        Tensor moments = dual ? x.Kernel() : x.Gram();
        cancellationToken.ThrowIfCancellationRequested();
        Spectrum? spectrum = Math.Min(n, d) <= ReportedSpectrumLimit ? Spectrum.Of(moments, n, d) : null;

        // The dual needs its moments no more; the primal takes the residual from them.
        Tensor shifted = dual ? moments : moments.clone();
        if (alpha > 0) shifted.diagonal().add_(alpha);
        else if (dual && intercept) shifted.add_(moments.trace().div((double)n * n));
        (Tensor? factor, Tensor scale, double ratio) = Cholesky(shifted);
        cancellationToken.ThrowIfCancellationRequested();

        // Also for a strength so small that rounding swallows it: the singular values still feel it.
        if (factor is null || (alpha == 0 && ratio < SingularRatio)) return BySingularValues(x, y, alpha, intercept);

        Tensor weight;
        double residual, targetSum;
        if (dual)
        {
            Tensor targets = y.Whole();
            targetSum = CentredMatrix.SumOfSquares(targets);
            Tensor coefficients = SolveScaled(factor, scale, targets);
            weight = x.TransposeTimes(coefficients);
            residual = alpha == 0 ? 0 : alpha * alpha * coefficients.square().sum().ToDouble();
        }
        else
        {
            Tensor cross = x.TransposeTimes(y, out targetSum);
            cancellationToken.ThrowIfCancellationRequested();
            weight = SolveScaled(factor, scale, cross);
            // ‖Y − XW‖² from the moments, which costs no pass over the rows; too cancelled for a nearly exact fit.
            residual = targetSum - 2 * weight.mul(cross).sum().ToDouble() + weight.mul(moments.mm(weight)).sum().ToDouble();
            int corrections = ratio < RefineTwice ? 2 : ratio < RefineOnce ? 1 : 0;
            for (int pass = 0; pass < corrections; pass++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                // Corrected semi-normal equations (Björck 1987): the residual comes from X itself, not from the squared condition of XᵀX.
                (Tensor gradient, residual) = Residual(x, y, weight, alpha);
                weight = weight.add(SolveScaled(factor, scale, gradient));
            }
            if (corrections == 0 && residual < 1e-6 * targetSum) (_, residual) = Residual(x, y, weight, alpha);
        }
        return new Solution
        {
            Weight = weight,
            Solver = dual ? "dual Cholesky" : "primal Cholesky",
            ResidualSumOfSquares = Math.Max(0, residual),
            TargetSumOfSquares = targetSum,
            Rank = alpha == 0 ? fullRank : spectrum?.Rank,
            ConditionNumber = spectrum?.ConditionNumber,
            DegreesOfFreedom = (alpha == 0 ? fullRank : spectrum?.DegreesOfFreedom(alpha)) + (intercept ? 1 : 0),
        };
    }

    // Operation counts of the two forms; the dual's last term forms W.
    private static bool DualIsCheaper(double n, double d, double t) =>
        (n * n * d) + (n * n * n / 3) + (2 * n * n * t) + (2 * n * d * t) < (n * d * d) + (2 * n * d * t) + (d * d * d / 3) + (2 * d * d * t);

    // Takes the matrix over: with 9,000 rows each copy of it would be 650 MB.
    private static (Tensor? Factor, Tensor Scale, double Ratio) Cholesky(Tensor matrix)
    {
        using (matrix)
        {
            Tensor diagonal = matrix.diagonal().clone();
            if (!(diagonal.min().ToDouble() > 0)) return (null, diagonal, 0);
            Tensor scale = diagonal.rsqrt().unsqueeze(1);
            matrix.mul_(scale);
            matrix.mul_(scale.t());
            (Tensor factor, Tensor info) = linalg.cholesky_ex(matrix);
            if (info.ToInt64() != 0) return (null, scale, 0);
            Tensor pivots = factor.diagonal();
            return (factor, scale, pivots.min().ToDouble() / pivots.max().ToDouble());
        }
    }

    private static Tensor SolveScaled(Tensor factor, Tensor scale, Tensor right) =>
        right.mul(scale).cholesky_solve(factor).mul(scale);

    private static (Tensor Gradient, double Residual) Residual(CentredMatrix x, CentredMatrix y, Tensor weight, double alpha)
    {
        Tensor gradient = weight.mul(-alpha);
        double sum = 0;
        foreach ((long start, long size) in CentredMatrix.CommonBlocks(x, y))
        {
            using var scope = NewDisposeScope();
            Tensor rows = x.Block(start, size);
            Tensor error = y.Block(start, size).sub(rows.mm(weight));
            sum += error.square().sum().ToDouble();
            gradient.addmm_(rows.t(), error);
        }
        return (gradient, sum);
    }

    private static Solution BySingularValues(CentredMatrix x, CentredMatrix y, double alpha, bool intercept)
    {
        double targetSum = y.SumOfSquares();
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(x.Whole(), fullMatrices: false);
        double largest = s[0].ToDouble();
        double cut = largest * Math.Max(x.Rows, x.Columns) * Spectrum.Epsilon;
        long rank = s.gt(cut).sum().ToInt64();
        if (rank == 0) return NoInformation(x, y, targetSum, intercept);
        (u, s, vh) = (u.narrow(1, 0, rank), s.narrow(0, 0, rank), vh.narrow(0, 0, rank));
        Tensor target = y.Whole();
        Tensor shares = u.t().mm(target);
        Tensor weight = vh.t().mm(shares.mul(s.div(s.square().add(alpha)).unsqueeze(1)));
        Tensor kept = s.square().div(s.square().add(alpha));
        Tensor fitted = u.mm(shares.mul(kept.unsqueeze(1)));
        return new Solution
        {
            Weight = weight,
            Solver = "singular value decomposition",
            ResidualSumOfSquares = target.sub(fitted).square().sum().ToDouble(),
            TargetSumOfSquares = targetSum,
            Rank = rank,
            ConditionNumber = largest / s[rank - 1].ToDouble(),
            DegreesOfFreedom = kept.sum().ToDouble() + (intercept ? 1 : 0),
        };
    }

    // One row, or rows that are all the same: the map is the target's mean.
    private static Solution NoInformation(CentredMatrix x, CentredMatrix y, double targetSum, bool intercept) => new()
    {
        Weight = zeros(x.Columns, y.Columns, ScalarType.Float64, x.Centre.device),
        Solver = "mean",
        ResidualSumOfSquares = targetSum,
        TargetSumOfSquares = targetSum,
        Rank = 0,
        DegreesOfFreedom = intercept ? 1 : 0,
    };
}
