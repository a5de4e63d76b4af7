namespace LatentStitching.Numerics;

/// <summary>Ridge regression from moments alone: (G + αI)·W = C with G = UUᵀ [d, d] and C = UYᵀ [d, t], float64. For fits whose rows are too many to keep, such as every place of every image.</summary>
internal static class GramSolver
{
    // Of the scaled Cholesky factor's pivots; below it the squared condition of U has eaten half of float64's digits.
    private const double SingularRatio = 1e-7;

    /// <summary>What came out; its tensor belongs to the dispose scope that was open at the call.</summary>
    internal sealed class Solution
    {
        public required Tensor Weight { get; init; }
        public required string Solver { get; init; }
        public required long Rank { get; init; }
        public required double? ConditionNumber { get; init; }
    }

    /// <summary>Solves; where G is singular and α zero, takes the solution of least norm, eigenvalues up to d·ε·λ₁ counted as zero.</summary>
    public static Solution Solve(Tensor gram, Tensor cross, double alpha)
    {
        long size = gram.size(0);
        Tensor shifted = gram.clone();
        shifted.diagonal().add_(alpha);
        Tensor diagonal = shifted.diagonal();
        if (diagonal.min().ToDouble() > 0)
        {
            Tensor scale = diagonal.rsqrt().unsqueeze(1);
            (Tensor factor, Tensor info) = linalg.cholesky_ex(shifted.mul(scale).mul(scale.t()));
            if (info.ToInt64() == 0 && (alpha > 0 || Ratio(factor.diagonal()) >= SingularRatio))
            {
                return new Solution { Weight = cross.mul(scale).cholesky_solve(factor).mul(scale), Solver = "Cholesky", Rank = size, ConditionNumber = null };
            }
        }
        (Tensor values, Tensor vectors) = linalg.eigh(gram);
        double largest = values[size - 1].ToDouble();
        long rank = largest > 0 ? values.gt(size * Spectrum.Epsilon * largest).sum().ToInt64() : 0;
        if (rank == 0) return new Solution { Weight = zeros_like(cross), Solver = "mean", Rank = 0, ConditionNumber = null };
        (values, vectors) = (values.narrow(0, size - rank, rank), vectors.narrow(1, size - rank, rank));
        return new Solution
        {
            Weight = vectors.mm(vectors.t().mm(cross).div(values.add(alpha).unsqueeze(1))),
            Solver = "eigendecomposition",
            Rank = rank,
            ConditionNumber = Math.Sqrt(largest / values[0].ToDouble()),
        };
    }

    private static double Ratio(Tensor pivots) => pivots.min().ToDouble() / pivots.max().ToDouble();
}
