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
    public static double Cut(Moments moments) => Math.Max(1e-14, 1e-16 * Math.Sqrt(moments.Count));

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

    public static Solution Solve(Moments moments, double alpha, CancellationToken cancellationToken)
    {
        Tensor gram = moments.Gram;
        long d = gram.size(0), varying = gram.diagonal().gt(0).sum().ToInt64();
        double intercept = moments.HasIntercept ? 1 : 0;
        if (varying == 0) return NoInformation(moments);
        if (alpha == 0 && varying > moments.FreeRows) return ByEigenvalues(moments, alpha);

        cancellationToken.ThrowIfCancellationRequested();
        Tensor shifted = gram.clone();
        shifted.diagonal().add_(alpha > 0 ? alpha : shifted.diagonal().eq(0).to_type(ScalarType.Float64));
        Tensor scale = shifted.diagonal().rsqrt().unsqueeze(1);
        (Tensor factor, Tensor info) = linalg.cholesky_ex(shifted.mul_(scale).mul_(scale.t()));
        Tensor pivots = factor.diagonal();
        cancellationToken.ThrowIfCancellationRequested();
        if (info.ToInt64() != 0 || (alpha == 0 && IsSingular(pivots, moments))) return ByEigenvalues(moments, alpha);

        Tensor weight = moments.Cross.mul(scale).cholesky_solve(factor).mul_(scale);
        double[]? spectrum = d <= RidgeSolver.ReportedSpectrumLimit ? linalg.eigvalsh(gram).cpu().data<double>().ToArray() : null;
        double? smallest = spectrum?.FirstOrDefault(value => value > Cut(moments) * spectrum[^1]);
        return new Solution
        {
            Weight = weight,
            Solver = "Cholesky",
            ResidualSumOfSquares = Residual(moments, weight),
            TargetSumOfSquares = moments.TargetSquares.sum().ToDouble(),
            Rank = alpha == 0 ? varying : spectrum?.Count(value => value > Cut(moments) * spectrum[^1]),
            ConditionNumber = spectrum is null ? null : Math.Sqrt(spectrum[^1] / smallest!.Value),
            DegreesOfFreedom = (alpha == 0 ? varying : spectrum?.Where(value => value > 0).Sum(value => value / (value + alpha))) + intercept,
        };
    }

    /// <summary>Places of the eigenvalues, ascending, that do not count as zero: at most as many as there are rows to tell them apart.</summary>
    public static Tensor Kept(Tensor eigenvalues, Moments moments)
    {
        Tensor kept = eigenvalues.gt(Cut(moments) * eigenvalues[-1]).nonzero().squeeze(1);
        long surplus = Math.Max(0, kept.size(0) - moments.FreeRows);
        return kept.narrow(0, surplus, kept.size(0) - surplus);
    }

    private static Solution ByEigenvalues(Moments moments, double alpha)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(moments.Gram);
        double largest = values[-1].ToDouble();
        Tensor kept = Kept(values, moments);
        (values, vectors) = (values.index_select(0, kept), vectors.index_select(1, kept));
        Tensor weight = vectors.mm(vectors.t().mm(moments.Cross).div_(values.add(alpha).unsqueeze(1)));
        return new Solution
        {
            Weight = weight,
            Solver = "eigendecomposition",
            ResidualSumOfSquares = Residual(moments, weight),
            TargetSumOfSquares = moments.TargetSquares.sum().ToDouble(),
            Rank = kept.size(0),
            ConditionNumber = Math.Sqrt(largest / values[0].ToDouble()),
            DegreesOfFreedom = values.div(values.add(alpha)).sum().ToDouble() + (moments.HasIntercept ? 1 : 0),
        };
    }

    // A pivot is the square root of what its column has of its own: of a dependent one only rounding is left. The eigenvalues decide in doubt.
    private static bool IsSingular(Tensor pivots, Moments moments) =>
        pivots.min().ToDouble() < Math.Sqrt(10 * Cut(moments)) * pivots.max().ToDouble();

    // ‖Y − XW‖² = Σy² − 2⟨W, XᵀY⟩ + ⟨W, XᵀX·W⟩: of a nearly exact fit only rounding is left.
    private static double Residual(Moments moments, Tensor weight) => Math.Max(
        0, moments.TargetSquares.sum().ToDouble() + weight.mul(moments.Gram.mm(weight).sub_(moments.Cross.mul(2))).sum().ToDouble());

    private static Solution NoInformation(Moments moments)
    {
        double sum = moments.TargetSquares.sum().ToDouble();
        return new Solution
        {
            Weight = zeros_like(moments.Cross),
            Solver = "mean",
            ResidualSumOfSquares = sum,
            TargetSumOfSquares = sum,
            Rank = 0,
            DegreesOfFreedom = moments.HasIntercept ? 1 : 0,
        };
    }
}
