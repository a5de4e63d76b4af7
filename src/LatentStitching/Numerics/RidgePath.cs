using LatentStitching.Numerics.Products;

namespace LatentStitching.Numerics;

/// <summary>Ridge regression for many strengths from one decomposition of the source, with exact leave-one-out errors.</summary>
/// <remarks>
/// <para>With X = U·diag(√λ)·Vᵀ centred, fitted values are U·diag(λ/(λ+α))·UᵀY and the leverage of row i is hᵢ = 1/n + Σⱼ Uᵢⱼ²·λⱼ/(λⱼ+α) (the 1/n only with an intercept); the
/// residual of row i under the fit without it is eᵢ/(1 − hᵢ): Allen (1974), PRESS; Rifkin and Lippert, MIT-CSAIL-TR-2007-025. Where d ≥ n, e = α(XXᵀ+αI)⁻¹Y and
/// 1 − hᵢ = α[(XXᵀ+αI)⁻¹]ᵢᵢ − 1/n, in which nothing cancels as α → 0.</para>
/// <para>Summed over all targets, the errors need no residual: with Z = UᵀY, R = Y − UZ and g = α/(λ+α), Σ wᵢ‖eᵢ‖² = Σ wᵢ‖rᵢ‖² + 2 Σⱼ gⱼ Σᵢ wᵢ Uᵢⱼ(RZᵀ)ᵢⱼ + Σⱼₗ gⱼgₗ(ZZᵀ)ⱼₗ(Uᵀdiag(w)U)ⱼₗ: one weighted Gram
/// matrix a strength, n·r² operations however many targets there are, instead of 2n·r·t. The parts are of the size of the errors, so nothing cancels. Taken where it is the cheaper.</para>
/// </remarks>
internal sealed class RidgePath
{
    // Of ‖y‖², above which ‖y − u‖² = ‖y‖² − 2y·u + ‖u‖² keeps ten digits.
    private const double SmallShare = 1e-5;
    private const long TargetBlock = 1024;
    private readonly SourceSpectrum _source;
    private readonly CentredMatrix _y;
    private readonly Tensor _shares; // Z = UᵀY, [r, t]
    private Wide? _wide;

    private RidgePath(SourceSpectrum source, CentredMatrix y, Tensor shares, double targetSum)
    {
        _source = source;
        _y = y;
        _shares = shares;
        TargetSumOfSquares = targetSum;
    }

    public SourceSpectrum Source => _source;

    public CentredMatrix Target => _y;

    /// <summary>Z = UᵀY, [r, t].</summary>
    public Tensor Shares => _shares;

    /// <summary>Σy² over all entries.</summary>
    public double TargetSumOfSquares { get; }

    /// <summary>What the sums over all targets need: ZZᵀ [r, r], UᵀU [r, r] where asked for, ‖rᵢ‖² [n] and U∘(RZᵀ) [n, r]; without the last two where R = 0.</summary>
    public sealed class Wide(Tensor shareGram, Tensor? basis, Tensor? squares, Tensor? cross)
    {
        public Tensor ShareGram => shareGram;

        public Tensor? Basis => basis;

        public Tensor? Squares => squares;

        public Tensor? Cross => cross;
    }

    public bool IsPrimal => _source.IsPrimal;

    /// <summary>The mean eigenvalue of XᵀX, tr(XᵀX)/d: the unit in which strengths are chosen.</summary>
    public double MeanEigenvalue => _source.MeanEigenvalue;

    public long Rank => _source.Rank;

    public double ConditionNumber => _source.ConditionNumber;

    /// <summary>True where X determines the map and rows are left over, so that α = 0 can be judged: by leave-one-out only where <see cref="IsJudged"/>.</summary>
    public bool IsDetermined => IsPrimal && Rank == _source.Source.Columns && _source.Source.Rows > Rank + (_source.HasIntercept ? 1 : 0);

    public static RidgePath Of(CentredMatrix x, CentredMatrix y, bool intercept, CancellationToken cancellationToken) =>
        Of(SourceSpectrum.Of(x, intercept, moments: null, cancellationToken), y);

    public static RidgePath Of(SourceSpectrum source, CentredMatrix y)
    {
        Tensor shares = zeros(source.Eigenvalues.size(0), y.Columns, ScalarType.Float64, source.Left.device);
        Product.Add(shares, source.Left.t(), y.Operand);
        return new RidgePath(source, y, shares, y.SumOfSquares());
    }

    /// <summary>Trace of the hat matrix, the intercept included.</summary>
    public double DegreesOfFreedom(double alpha)
    {
        using var scope = NewDisposeScope();
        Tensor values = _source.Eigenvalues;
        return (alpha == 0 ? Rank : values.div(values.add(alpha)).sum().ToDouble()) + (_source.HasIntercept ? 1 : 0);
    }

    /// <summary>n less <see cref="DegreesOfFreedom"/>, summed so that nothing cancels where they are nearly n.</summary>
    public double DegreesLeft(double alpha)
    {
        using var scope = NewDisposeScope();
        long rows = _source.Source.Rows, free = _source.HasIntercept ? rows - 1 : rows;
        // The dual's least eigenvalue is that of the vector of ones, which the mean takes.
        Tensor left = _source.LeftOver(alpha), own = IsPrimal ? left : left.narrow(0, rows - free, free);
        return free - own.size(0) + own.sum().ToDouble();
    }

    /// <summary>Whether <see cref="Totals"/> costs fewer operations than <see cref="Errors"/> over so many strengths.</summary>
    public bool TotalsAreCheaper(int strengths)
    {
        double n = _source.Source.Rows, r = _source.Eigenvalues.size(0), t = _y.Columns;
        return ((IsPrimal ? 4 * n * r * t : 0) + (2 * r * r * t) + ((strengths + 1) * 1.2 * n * r * r)) < strengths * 2 * n * r * t;
    }

    /// <summary>Whether leverages tell every row's left-out error. A row of leverage one, such as the only one that a column varies in, has eᵢ = 1 − hᵢ = 0.</summary>
    public bool IsJudged(Tensor leverageLeft) => leverageLeft.min().ToDouble() > _source.LeastLeverageLeft;

    /// <summary>Σᵢ of squared leave-one-out residuals, infinite where a row's is not known, and Σᵢ of squared training residuals, each a target, [2, t].</summary>
    public Tensor Errors(double alpha)
    {
        Tensor sums = zeros(2, _y.Columns, ScalarType.Float64, _shares.device);
        using var scope = NewDisposeScope();
        Tensor leftOver = _source.LeftOver(alpha), left = _source.LeverageLeft(alpha);
        bool judged = IsJudged(left);
        left = left.Squared();
        Tensor shrunk = Kept(leftOver);
        foreach ((long start, long size) in CentredMatrix.Blocks(_y.Rows, _y.BlockRows))
        {
            using var block = NewDisposeScope();
            Tensor rows = _source.Left.narrow(0, start, size);
            Tensor squares = (IsPrimal ? Product.From(_y.Block(start, size), rows, shrunk) : Product.Of(rows, shrunk)).Squared();
            sums.select(0, 1).add_(squares.sum([0]));
            sums.select(0, 0).add_(squares.div_(left.narrow(0, start, size).unsqueeze(1)).sum([0]));
        }
        if (!judged) sums.select(0, 0).fill_(double.PositiveInfinity);
        return sums;
    }

    /// <summary>What a strength leaves [r] or, in the primal, takes of Z, [r, t]: the part whose image is the residual, or is taken off the targets.</summary>
    public Tensor Kept(Tensor leftOver) => _shares.mul((IsPrimal ? leftOver.neg().add_(1) : leftOver).unsqueeze(1));

    /// <summary>The same summed over all targets, [2, 1]. What the strengths share belongs to the dispose scope that is open at the first call.</summary>
    public Tensor Totals(double alpha)
    {
        Wide wide = _wide ??= Prepare(withBasis: true, 0);
        using var scope = NewDisposeScope();
        Tensor leftOver = _source.LeftOver(alpha), left = _source.LeverageLeft(alpha);
        bool judged = IsJudged(left);
        Tensor weights = left.Squared().reciprocal_();
        Tensor shared = wide.ShareGram.mul(leftOver.unsqueeze(1)).mul_(leftOver);
        double leftOut = shared.mul(Weighted(weights)).sum().ToDouble(), training = shared.mul_(wide.Basis!).sum().ToDouble();
        if (wide is { Squares: { } squares, Cross: { } cross })
        {
            leftOut += squares.dot(weights).ToDouble() + (2 * cross.t().mv(weights).dot(leftOver).ToDouble());
            training += squares.sum().ToDouble() + (2 * cross.sum([0]).dot(leftOver).ToDouble());
        }
        if (!judged) leftOut = double.PositiveInfinity;
        return tensor((double[])[leftOut, training], device: _shares.device).unsqueeze(1).MoveToOuterDisposeScope();
    }

    /// <summary>Coefficients [d, t] for one strength a target, all positive. <paramref name="alphas"/> is [t] or [1].</summary>
    public Tensor Weights(Tensor alphas)
    {
        using var scope = NewDisposeScope();
        long targets = _shares.size(1);
        // Row by row of what a map keeps, so that it needs no copy; some targets at a time, for the dual's coefficients may be as many numbers as the targets are.
        Tensor weights = empty(targets, _source.Source.Columns, ScalarType.Float64, _shares.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(targets, TargetBlock))
        {
            using var block = NewDisposeScope();
            Tensor own = alphas.size(0) == 1 ? alphas : alphas.narrow(0, start, size), inverse = _source.Eigenvalues.unsqueeze(1).add(own.unsqueeze(0)).reciprocal_();
            Tensor shares = _shares.narrow(1, start, size), part = weights.narrow(0, start, size);
            // Primal: V·(√λ/(λ+α))·UᵀY. Dual: Xᵀ·U·(1/(λ+α))·UᵀY.
            if (_source.Right is null) Product.Set(part, Product.Of(_source.Left, shares.mul(inverse)).t(), _source.Source.Operand);
            else Product.Set(part, shares.mul(inverse.mul_(_source.Eigenvalues.sqrt().unsqueeze(1))).t(), _source.Right.t());
        }
        return weights.t().MoveToOuterDisposeScope();
    }

    /// <summary>Prepares the sums over all targets.</summary>
    /// <param name="withBasis">Whether UᵀU is wanted.</param>
    /// <param name="rest">‖Y − UZ‖² where it is known. Where it is not too small a share of Y, half the products are spared.</param>
    public Wide Prepare(bool withBasis, double rest)
    {
        Tensor left = _source.Left, gram = Product.Of(_shares, _shares.t());
        Tensor? basis = withBasis ? Weighted(null) : null;
        // In the dual all directions are there: nothing is left of the targets.
        if (!IsPrimal) return new Wide(gram, basis, null, null);
        bool expand = rest > SmallShare * TargetSumOfSquares;
        Tensor squares = empty(_y.Rows, ScalarType.Float64, left.device), cross = empty_like(left);
        foreach ((long start, long size) in CentredMatrix.Blocks(_y.Rows, _y.BlockRows))
        {
            using var scope = NewDisposeScope();
            Tensor rows = left.narrow(0, start, size), residuals = _y.Block(start, size), own = cross.narrow(0, start, size);
            if (!expand) Product.Subtract(residuals, rows, _shares);
            Product.Set(own, residuals, _shares.t());
            squares.narrow(0, start, size).copy_(residuals.Squared().sum([1]));
            own.mul_(rows);
            if (!expand) continue;
            // ‖y‖² − 2u·Zy + u·ZZᵀu, and RZᵀ = YZᵀ − U·ZZᵀ.
            Tensor image = Product.Of(rows, gram).mul_(rows);
            squares.narrow(0, start, size).add_(image.sub(own).sub_(own).sum([1]));
            own.sub_(image);
        }
        return new Wide(gram, basis, squares, cross);
    }

    // Uᵀdiag(w)U, [r, r].
    private Tensor Weighted(Tensor? weights)
    {
        Tensor left = _source.Left, gram = zeros(left.size(1), left.size(1), ScalarType.Float64, left.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(left.size(0)))
        {
            using var scope = NewDisposeScope();
            Tensor rows = left.narrow(0, start, size);
            Product.AddLower(gram, (weights is null ? rows : rows.mul(weights.narrow(0, start, size).unsqueeze(1))).t(), rows);
        }
        CentredMatrix.Mirror(gram);
        return gram;
    }
}
