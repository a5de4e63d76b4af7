using LatentStitching.Numerics.Products;

namespace LatentStitching.Numerics;

/// <summary>Solves min ‖XW − Y‖² + α‖W‖² for centred views of X and Y, α ≥ 0; for α = 0 the solution of least norm.</summary>
/// <remarks>
/// <para>Primal (XᵀX + αI)W = XᵀY or dual W = Xᵀ(XXᵀ + αI)⁻¹Y, whichever costs fewer operations and is not singular by its shape, by Cholesky of the matrix scaled to a unit diagonal.
/// Where that matrix is singular to working precision and α = 0: singular value decomposition of X, cut at max(n, d)·ε·σ₁.</para>
/// <para>In the dual with an intercept and α = 0, XXᵀ is singular along the vector of ones, to which the centred targets are orthogonal: adding c·11ᵀ leaves the answer and cures that.</para>
/// <para>Of fast views the products are float32: the primal sums them in float64 and factors there, the dual factors in float32, as the primal does of many columns where that leaves four digits; where it does not, the dual's
/// solution is corrected by float64 residuals through X, as it is for float64 where that pays: <see cref="CorrectedKernel"/>.</para>
/// </remarks>
internal static class RidgeSolver
{
    /// <summary>Largest side of a Gram matrix whose spectrum is computed only to report it: more would take longer than the fit.</summary>
    private const long ReportedSpectrumLimit = 256;

    // Largest side whose trace of the inverse, or condition, is computed only to report it.
    private const long ReportedTraceLimit = 1024;
    private const double SingularRatio = 1e-7;
    // Of float32: what products of seven digits leave of a Gram matrix.
    private const double FastSingularRatio = 1e-3;
    // Pivot ratios, about 1/cond(X), below which one or two corrections through X are worth their passes over the rows.
    private const double RefineOnce = 1e-2;
    private const double RefineTwice = 1e-4;
    // From which on a float32 factor's solution has four digits, of about 6e-8 of the squared ratio's reciprocal: as many as float32 products and means leave.
    private const double PlainRatio = 3e-2;
    private const long TargetBlock = 512;

    public sealed class Solution
    {
        /// <summary>W, [d, t], float64 or as asked for; null where there are factors.</summary>
        public Tensor? Dense { get; init; }

        /// <summary>Wᵀ = left·right with left [t, n] and right [n, d], float64, where that was asked for and takes fewer numbers.</summary>
        public (Tensor Left, Tensor Right)? Factors { get; init; }

        /// <summary>W of a solution without factors.</summary>
        public Tensor Weight => Dense!;

        public required string Solver { get; init; }
        public required double ResidualSumOfSquares { get; init; }
        public required double TargetSumOfSquares { get; init; }
        public long? Rank { get; init; }
        public double? ConditionNumber { get; init; }
        public double? DegreesOfFreedom { get; init; }
    }

    /// <summary>Solves.</summary>
    /// <param name="x">The source.</param>
    /// <param name="y">The target.</param>
    /// <param name="alpha">The strength.</param>
    /// <param name="intercept">Whether the views are centred.</param>
    /// <param name="factors">Whether a dual solution may come as two factors where they are smaller than W.</param>
    /// <param name="cancellationToken">Cancels between steps.</param>
    /// <param name="store">The dtype that a dual solution's W is kept in; it is computed in float64.</param>
    public static Solution Solve(
        CentredMatrix x, CentredMatrix y, double alpha, bool intercept, CancellationToken cancellationToken, bool factors = false, ScalarType store = ScalarType.Float64)
    {
        if (FullRank(x, intercept) == 0) return NoInformation(x, y, y.SumOfSquares(), intercept);
        // Also for a strength so small that rounding swallows it: the singular values still feel it.
        return ByCholesky(x, y, alpha, intercept, factors, store, cancellationToken) ?? BySingularValues(x, y, alpha, intercept);
    }

    /// <summary>The same by Cholesky alone; null where the matrix is singular to working precision, which of fast views may only be that of float32.</summary>
    public static Solution? ByCholesky(CentredMatrix x, CentredMatrix y, double alpha, bool intercept, bool factors, ScalarType store, CancellationToken cancellationToken)
    {
        long n = x.Rows, d = x.Columns, t = y.Columns, fullRank = FullRank(x, intercept);
        if (fullRank == 0) return null;
        return (alpha == 0 ? d > fullRank : DualIsCheaper(n, d, t))
            ? Dual(x, y, alpha, intercept, factors && n * (d + t) < d * t && !x.IsFast, store, cancellationToken)
            : Primal(x, y, alpha, fullRank, intercept, cancellationToken);
    }

    /// <summary>XXᵀ or XᵀX shifted and factored, the matrix taken over; null where it is singular to working precision.</summary>
    public static RidgeFactor? Factor(Tensor moments, bool dual, double alpha, bool intercept)
    {
        bool fast = moments.dtype == ScalarType.Float32;
        if (alpha > 0) moments.diagonal().add_(alpha);
        else if (dual && intercept) moments.add_(moments.trace().div((double)moments.size(0) * moments.size(0)));
        var factor = RidgeFactor.Of(moments);
        return factor is null || (alpha == 0 && factor.Ratio < (fast ? FastSingularRatio : SingularRatio)) ? null : factor;
    }

    /// <summary>What there is to report of the source's spectrum, cheaply.</summary>
    public static (long? Rank, double? Condition, double? Freedom) Spectral(Spectrum? spectrum, RidgeFactor factor, long size, long fullRank, double alpha)
    {
        if (spectrum is not null) return (alpha == 0 ? fullRank : spectrum.Rank, spectrum.ConditionNumber, alpha == 0 ? fullRank : spectrum.DegreesOfFreedom(alpha));
        if (alpha == 0) return (fullRank, null, fullRank);
        // Σλ/(λ + α) = k − α·tr((M + αI)⁻¹), zero eigenvalues of a kernel adding nothing.
        return (null, null, size <= ReportedTraceLimit ? Math.Max(0, size - (alpha * factor.TraceOfInverse())) : null);
    }

    /// <summary>A factor with its inverse where it is small enough, which solves faster and tells the degrees of freedom.</summary>
    public static RidgeFactor Quick(RidgeFactor factor) => factor.Lower.size(0) <= ReportedTraceLimit ? factor.Inverted() : factor;

    /// <summary>The spectrum of moments that are few enough, before they are shifted: least squares tells the condition of more of them than ridge, which does not depend on it.</summary>
    public static Spectrum? Reported(Tensor moments, CentredMatrix x, bool dual, long fullRank, double alpha) =>
        IsReported(moments.size(0), alpha) ? Spectrum.Of(moments, x, dual, fullRank) : null;

    /// <summary>Whether so many eigenvalues cost little beside the fit.</summary>
    public static bool IsReported(long size, double alpha) => size <= (alpha == 0 ? ReportedTraceLimit : ReportedSpectrumLimit);

    private static Solution? Primal(CentredMatrix x, CentredMatrix y, double alpha, long fullRank, bool intercept, CancellationToken cancellationToken)
    {
        Tensor gram = x.Gram(), cross = x.TransposeTimes(y);
        double targetSum = y.SumOfSquares();
        cancellationToken.ThrowIfCancellationRequested();
        Spectrum? spectrum = Reported(gram, x, dual: false, fullRank, alpha);
        RidgeFactor? factor = x.IsFast && x.Columns > ReportedTraceLimit ? FactorRounded(gram, alpha) : null;
        factor ??= Factor(gram, dual: false, alpha, intercept: false);
        // A float64 sum of float32 products has their digits only.
        if (factor is null || (x.IsFast && alpha == 0 && factor.Ratio < FastSingularRatio)) return null;
        cancellationToken.ThrowIfCancellationRequested();
        factor = Quick(factor);
        (long? rank, double? condition, double? freedom) = Spectral(spectrum, factor, x.Columns, fullRank, alpha);
        return Primal(x, y, cross, targetSum, factor, (rank, condition, freedom + (intercept ? 1 : 0)), alpha, cancellationToken);
    }

    // In float32, where that is good enough: half the time and memory of a large factor. The moments are left.
    private static RidgeFactor? FactorRounded(Tensor moments, double alpha)
    {
        RidgeFactor? factor = Factor(moments.to_type(ScalarType.Float32), dual: false, alpha, intercept: false);
        if (factor is null || factor.Ratio >= PlainRatio) return factor;
        factor.Dispose();
        return null;
    }

    /// <summary>How many corrections through X a factor's solution is worth.</summary>
    public static int Corrections(RidgeFactor factor) => factor.Ratio < RefineTwice ? 2 : factor.Ratio < RefineOnce ? 1 : 0;

    /// <summary>The primal solution from XᵀY, Σy² and the factor of XᵀX + αI.</summary>
    public static Solution Primal(
        CentredMatrix x, CentredMatrix y, Tensor cross, double targetSum, RidgeFactor factor, (long? Rank, double? Condition, double? Freedom) source, double alpha, CancellationToken cancellationToken)
    {
        // Of float32 products no more digits come out than a float32 solution keeps.
        RidgeFactor solver = x.IsFast && factor.IsInverted ? factor.With(part => part.to_type(ScalarType.Float32)) : factor;
        Tensor weight = solver.Solve(cross.to_type(solver.Lower.dtype), out double products);
        // ‖Y − XW‖² where (XᵀX + αI)W = XᵀY, without a pass over the rows; too cancelled for a nearly exact fit.
        double residual = targetSum - products - (alpha * CentredMatrix.SumOfSquares(weight));
        int corrections = x.IsFast ? 0 : Corrections(factor);
        for (int pass = 0; pass < corrections; pass++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Corrected semi-normal equations (Björck 1987): the residual comes from X itself, not from the squared condition of XᵀX.
            (Tensor gradient, residual) = Residual(x, y, weight, alpha);
            weight = weight.add(factor.Solve(gradient));
        }
        if (corrections == 0 && residual < (x.IsFast ? 1e-3 : 1e-6) * targetSum) (_, residual) = Residual(x, y, weight.to_type(x.BlockType), alpha);
        return new Solution
        {
            Dense = weight,
            Solver = x.IsFast ? "primal Cholesky of float32 products" : "primal Cholesky",
            ResidualSumOfSquares = Math.Max(0, residual),
            TargetSumOfSquares = targetSum,
            Rank = source.Rank,
            ConditionNumber = source.Condition,
            DegreesOfFreedom = source.Freedom,
        };
    }

    private static Solution? Dual(CentredMatrix x, CentredMatrix y, double alpha, bool intercept, bool factors, ScalarType store, CancellationToken cancellationToken)
    {
        bool rounded = x.IsFast || (alpha > 0 && !factors && CorrectedKernel.Pays(x.Rows, y.Columns));
        Solution? solution = rounded ? Dual(x, y, alpha, intercept, factors, rounded, store, cancellationToken) : null;
        return solution is null && !x.IsFast ? Dual(x, y, alpha, intercept, factors, rounded: false, store, cancellationToken) : solution;
    }

    private static Solution? Dual(CentredMatrix x, CentredMatrix y, double alpha, bool intercept, bool factors, bool rounded, ScalarType store, CancellationToken cancellationToken)
    {
        using var outer = NewDisposeScope();
        long n = x.Rows, fullRank = FullRank(x, intercept);
        Tensor kernel = (rounded ? x.Rounded() : x).Kernel();
        cancellationToken.ThrowIfCancellationRequested();
        Spectrum? spectrum = Reported(kernel, x, dual: true, fullRank, alpha);
        RidgeFactor? factor = Factor(kernel, dual: true, alpha, intercept);
        if (factor is null) return null;
        cancellationToken.ThrowIfCancellationRequested();
        // Row by row of what a map keeps, so that it needs no copy.
        Tensor? weight = factors ? null : empty(y.Columns, x.Columns, store, x.Centre.device), left = factors ? empty(y.Columns, n, ScalarType.Float64, x.Centre.device).t() : null;
        CentredMatrix exact = x.Exact(), wanted = y.Exact();
        bool plain = x.IsFast && factor.Ratio >= PlainRatio;
        double squares = 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(y.Columns, TargetBlock))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            Tensor targets = wanted.ColumnsOf(start, size);
            Tensor? coefficients = plain ? factor.Solve(targets.to_type(ScalarType.Float32))
                : rounded ? CorrectedKernel.Solve(exact, targets, factor, alpha, x.IsFast ? CorrectedKernel.Fast : CorrectedKernel.Exact, cancellationToken)
                : Corrected(exact, targets, factor, alpha, left?.narrow(1, start, size), cancellationToken);
            if (coefficients is null) return null;
            CentredMatrix rows = plain ? x : exact;
            // Summed where it stays, if that holds the sums.
            if (weight is not null && store == ScalarType.Float64) Product.Set(weight.narrow(0, start, size), coefficients.t(), rows.Operand);
            else weight?.narrow(0, start, size).copy_(rows.TransposeTimes(coefficients).t());
            squares += CentredMatrix.SumOfSquares(coefficients);
        }
        (long? rank, double? condition, double? freedom) = Spectral(spectrum, factor, n, fullRank, alpha);
        (Tensor Left, Tensor Right)? halves = left is null ? null : (left.t(), factor.TakeHalf(x.Whole()));
        halves?.Left.MoveToOuterDisposeScope();
        halves?.Right.MoveToOuterDisposeScope();
        return new Solution
        {
            Dense = weight?.t().MoveToOuterDisposeScope(),
            Factors = halves,
            Solver = plain ? "dual Cholesky in float32" : rounded ? "dual Cholesky in float32, corrected" : factors ? "dual Cholesky, factored" : "dual Cholesky",
            ResidualSumOfSquares = alpha * alpha * squares,
            TargetSumOfSquares = y.SumOfSquares(),
            Rank = rank,
            ConditionNumber = condition,
            DegreesOfFreedom = freedom + (intercept ? 1 : 0),
        };
    }

    // A of (XXᵀ + αI)A = B, which is taken over, corrected by residuals that come from X itself where the kernel's squared condition has cost digits. Its half L⁻¹SB is kept where there is a place for it.
    private static Tensor Corrected(CentredMatrix x, Tensor right, RidgeFactor factor, double alpha, Tensor? keep, CancellationToken cancellationToken)
    {
        int corrections = Corrections(factor);
        Tensor half = corrections == 0 ? factor.TakeHalf(right) : factor.Half(right);
        keep?.copy_(half);
        Tensor solution = factor.OtherHalf(half);
        for (int pass = 0; pass < corrections; pass++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Tensor step = factor.Half(right.sub(x.Times(x.TransposeTimes(solution))).sub_(solution.mul(alpha)));
            keep?.add_(step);
            solution.add_(factor.OtherHalf(step));
        }
        return solution;
    }

    private static long FullRank(CentredMatrix x, bool intercept) => Math.Min(x.Columns, intercept ? x.Rows - 1 : x.Rows);

    // Operation counts of the two forms; the dual's last term forms W.
    private static bool DualIsCheaper(double n, double d, double t) =>
        (n * n * d) + (n * n * n / 3) + (2 * n * n * t) + (2 * n * d * t) < (n * d * d) + (2 * n * d * t) + (d * d * d / 3) + (2 * d * d * t);

    private static (Tensor Gradient, double Residual) Residual(CentredMatrix x, CentredMatrix y, Tensor weight, double alpha)
    {
        Tensor gradient = weight.mul(-alpha);
        double sum = 0;
        foreach ((long start, long size) in CentredMatrix.CommonBlocks(x, y))
        {
            using var scope = NewDisposeScope();
            Operand rows = x.Operand.SomeRows(start, size);
            Tensor error = Product.From(y.Block(start, size), rows, weight);
            sum += CentredMatrix.SumOfSquares(error);
            Product.Add(gradient, rows.T, error);
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
            Dense = weight,
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
        Dense = zeros(x.Columns, y.Columns, ScalarType.Float64, x.Centre.device),
        Solver = "mean",
        ResidualSumOfSquares = targetSum,
        TargetSumOfSquares = targetSum,
        Rank = 0,
        DegreesOfFreedom = intercept ? 1 : 0,
    };
}
