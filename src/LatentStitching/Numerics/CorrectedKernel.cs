namespace LatentStitching.Numerics;

/// <summary>Solves (XXᵀ + αI)A = B with a float32 kernel and factor, and corrects A by float64 residuals through X until it has float64's digits: n²·d of the operations cost half, 4n·d a right side and correction are added.</summary>
/// <remarks>Iterative refinement: Wilkinson, "Rounding Errors in Algebraic Processes" (1963); with a factor of half the digits, Buttari et al., "Mixed Precision Iterative Refinement Techniques for the Solution of Dense Linear Systems" (2007).</remarks>
internal static class CorrectedKernel
{
    /// <summary>What is left of A's error, as a share, that no further correction is made for: two digits more than a fit promises.</summary>
    public const double Exact = 1e-10;

    /// <summary>The same where float32's digits will do.</summary>
    public const double Fast = 1e-6;

    private const int MaxCorrections = 4;
    private const long FewRows = 2048; // up to which a float64 kernel is quick
    private const long RowsPerColumn = 16;

    /// <summary>Whether so many right sides cost less than the float32 kernel saves.</summary>
    public static bool Pays(long rows, long rightSides) => rows > FewRows && rightSides * RowsPerColumn <= rows;

    /// <summary>A [n, m], float64; null where corrections shrink too slowly: the matrix is too near to singular for float32.</summary>
    /// <param name="x">X in float64 blocks.</param>
    /// <param name="right">B, [n, m], float64.</param>
    /// <param name="factor">That of the float32 XXᵀ + αI.</param>
    /// <param name="alpha">α, zero or more.</param>
    /// <param name="remaining">The share of error that may remain.</param>
    /// <param name="cancellationToken">Cancels between corrections.</param>
    public static Tensor? Solve(CentredMatrix x, Tensor right, RidgeFactor factor, double alpha, double remaining, CancellationToken cancellationToken)
    {
        Tensor solution = factor.Solve(right.to_type(ScalarType.Float32)).to_type(ScalarType.Float64);
        double last = 1;
        for (int correction = 0; correction < MaxCorrections; correction++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Tensor residual = x.Times(x.TransposeTimes(solution)).neg_().add_(right).sub_(solution.mul(alpha));
            Tensor step = factor.Solve(residual.to_type(ScalarType.Float32)).to_type(ScalarType.Float64);
            double whole = Math.Sqrt(CentredMatrix.SumOfSquares(solution)), share = whole > 0 ? Math.Sqrt(CentredMatrix.SumOfSquares(step)) / whole : 0, rate = share / last;
            solution.add_(step);
            // Each correction is smaller than the one before by about the same rate, and the next one is the error that is left.
            if (share * rate <= remaining) return solution;
            if (!(share * Math.Pow(rate, MaxCorrections - correction) <= remaining)) return null;
            last = share;
        }
        return null;
    }
}
