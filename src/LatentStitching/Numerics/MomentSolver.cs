namespace LatentStitching.Numerics;

/// <summary>Solves min ‖XW − Y‖² + α‖W‖² from XᵀX, XᵀY and Σy² alone, α ≥ 0; for α = 0 the solution of least norm.</summary>
/// <remarks>
/// <para>Cholesky of XᵀX + αI scaled to a unit diagonal. A column without variance has a row and column of zeros there and gets the coefficient 0, which is the least. Where fewer rows than
/// varying columns were added, or the scaled matrix is singular to working precision: eigendecomposition of XᵀX, cut at <see cref="Cut"/>.</para>
/// <para>The singular values of X below √cut·σ₁ are beyond what XᵀX can hold; a fit from the rows can still use them.</para>
/// </remarks>
internal static class MomentSolver
{
    /// <summary>Eigenvalues of XᵀX up to this share of the largest count as zero: 10⁻¹⁴, and 10⁻¹⁶·√n from 10,000 rows on.</summary>
    /// <remarks>
    /// What rounding leaves of a zero eigenvalue was measured as at most 1.8·10⁻¹⁵ of the largest for 20 to 1,024 columns and 10,000 rows, 4.8·10⁻¹⁵ for 100,000 and 1.5·10⁻¹⁴ for a
    /// million: the errors of the sums add up as √n. A cut that grows with n itself, as one of singular values does, drops real directions.
    /// </remarks>
    public static double Cut(long rows) => Math.Max(1e-14, 1e-16 * Math.Sqrt(rows));

    /// <summary>What came out; its tensor belongs to the dispose scope that was open at the call.</summary>
    public sealed class Solution
    {
        public required Tensor Weight { get; init; } // [d, t], float64
        public required string Solver { get; init; }
        public double ResidualSumOfSquares { get; init; }
        public double TargetSumOfSquares { get; init; }
        public long? Rank { get; init; }
        public double? ConditionNumber { get; init; }
        public double? DegreesOfFreedom { get; init; }
    }

    /// <summary>Solves, with all that there is to report.</summary>
    public static Solution Solve(Moments moments, double alpha, CancellationToken cancellationToken)
    {
        double cut = Cut(moments.Count), intercept = moments.HasIntercept ? 1 : 0;
        (Solution solution, RidgeFactor? factor) = Solve(moments.Gram, moments.Cross, moments.FreeRows, alpha, cut, cancellationToken);
        (long? rank, double? condition, double? freedom) = (solution.Rank, solution.ConditionNumber, solution.DegreesOfFreedom);
        long d = moments.Gram.size(0);
        if (factor is not null && RidgeSolver.IsReported(d, alpha))
        {
            double[] spectrum = linalg.eigvalsh(moments.Gram).cpu().data<double>().ToArray();
            condition = Math.Sqrt(spectrum[^1] / spectrum.First(value => value > cut * spectrum[^1]));
            if (alpha > 0) (rank, freedom) = (spectrum.Count(value => value > cut * spectrum[^1]), spectrum.Where(value => value > 0).Sum(value => value / (value + alpha)));
        }
        else if (factor is not null && (alpha > 0 || rank == d))
        {
            (_, condition, freedom) = RidgeSolver.Spectral(null, factor, d, d, alpha);
        }
        return new Solution
        {
            Weight = solution.Weight,
            Solver = solution.Solver,
            ResidualSumOfSquares = Residual(moments, solution.Weight),
            TargetSumOfSquares = moments.TargetSquares.sum().ToDouble(),
            Rank = rank,
            ConditionNumber = condition,
            DegreesOfFreedom = freedom + intercept,
        };
    }

    /// <summary>Solves (G + αI)·W = C with G = XᵀX [d, d] and C = XᵀY [d, t] of so many rows, for fits whose rows are too many to keep, such as every place of every image. Rank and condition are told where they cost nothing.</summary>
    public static Solution Solve(Tensor gram, Tensor cross, long rows, double alpha, CancellationToken cancellationToken) =>
        Solve(gram, cross, rows, alpha, Cut(rows), cancellationToken).Solution;

    /// <summary>Places of the eigenvalues, ascending, that do not count as zero: at most as many as there are rows to tell them apart.</summary>
    public static Tensor Kept(Tensor eigenvalues, long freeRows, double cut)
    {
        Tensor kept = eigenvalues.gt(cut * eigenvalues[-1]).nonzero().squeeze(1);
        long surplus = Math.Max(0, kept.size(0) - freeRows);
        return kept.narrow(0, surplus, kept.size(0) - surplus);
    }

    private static (Solution Solution, RidgeFactor? Factor) Solve(Tensor gram, Tensor cross, long freeRows, double alpha, double cut, CancellationToken cancellationToken)
    {
        long varying = gram.diagonal().gt(0).sum().ToInt64();
        if (varying == 0) return (new Solution { Weight = zeros_like(cross), Solver = "mean", Rank = 0, DegreesOfFreedom = 0 }, null);
        cancellationToken.ThrowIfCancellationRequested();
        if (alpha == 0 && varying > freeRows) return (ByEigenvalues(gram, cross, freeRows, alpha, cut), null);
        Tensor shifted = gram.clone();
        shifted.diagonal().add_(alpha > 0 ? alpha : shifted.diagonal().eq(0).to_type(ScalarType.Float64));
        var factor = RidgeFactor.Of(shifted);
        cancellationToken.ThrowIfCancellationRequested();
        // A pivot is the square root of what its column has of its own: of a dependent one only rounding is left. The eigenvalues decide in doubt.
        if (factor is null || (alpha == 0 && factor.Ratio < Math.Sqrt(10 * cut))) return (ByEigenvalues(gram, cross, freeRows, alpha, cut), null);
        long? rank = alpha == 0 ? varying : null;
        return (new Solution { Weight = factor.Solve(cross), Solver = "Cholesky", Rank = rank, DegreesOfFreedom = rank }, factor);
    }

    private static Solution ByEigenvalues(Tensor gram, Tensor cross, long freeRows, double alpha, double cut)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(gram);
        double largest = values[-1].ToDouble();
        Tensor kept = Kept(values, freeRows, cut);
        (values, vectors) = (values.index_select(0, kept), vectors.index_select(1, kept));
        return new Solution
        {
            Weight = vectors.mm(vectors.t().mm(cross).div_(values.add(alpha).unsqueeze(1))),
            Solver = "eigendecomposition",
            Rank = kept.size(0),
            ConditionNumber = Math.Sqrt(largest / values[0].ToDouble()),
            DegreesOfFreedom = values.div(values.add(alpha)).sum().ToDouble(),
        };
    }

    // ‖Y − XW‖² = Σy² − 2⟨W, XᵀY⟩ + ⟨W, XᵀX·W⟩: of a nearly exact fit only rounding is left.
    private static double Residual(Moments moments, Tensor weight) => Math.Max(
        0, moments.TargetSquares.sum().ToDouble() + weight.mul(moments.Gram.mm(weight).sub_(moments.Cross.mul(2))).sum().ToDouble());
}
