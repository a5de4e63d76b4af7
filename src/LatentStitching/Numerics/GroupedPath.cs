using LatentStitching.Numerics.Products;

namespace LatentStitching.Numerics;

/// <summary>Exact errors of predicting each group of rows by a ridge fit without the whole group, for many strengths from the one decomposition of a <see cref="RidgePath"/>.</summary>
/// <remarks>
/// <para>With the fit's residuals r and hat matrix H = U·diag(λ/(λ+α))·Uᵀ + 11ᵀ/n (the last only with an intercept), the residuals of group B under the fit without it are (I − H_BB)⁻¹·r_B: Allen (1974) for a group of rows.
/// A group of m rows costs a factor of side m and its residuals.</para>
/// <para>A group of more rows than directions costs neither. With V = [U_B, 1/√n], D = diag(√(λ/(λ+α)), 1) and P = VD, H_BB = PPᵀ and (I − PPᵀ)⁻¹ = I + P(I − PᵀP)⁻¹Pᵀ. So with the residuals R of least squares and A = diag(α/(λ+α))·UᵀY, with a row of zeros for the
/// mean, r_B = R_B + VA and the left-out residuals are R_B + V(A + S), S = D(I − D·VᵀV·D)⁻¹D(VᵀR_B + VᵀV·A): their squares follow from VᵀV, VᵀR_B and ‖R_B‖², which all strengths share. The parts are of the size of the errors, for rows
/// that are left out have no smaller ones than least squares leaves, so nothing cancels.</para>
/// <para>No strength takes more than 3n·r² + 6n·r·t operations.</para>
/// <para>Where d ≥ n, I − H = WWᵀ and r = W·diag(√g)·Z with W = (U less its column means)·diag(√g) and g = α/(λ+α), in which nothing cancels as α → 0: the mean takes the direction of ones from U, whose g is 1.</para>
/// <para>The tensors belong to the dispose scope that is open when the path is made.</para>
/// </remarks>
internal sealed class GroupedPath
{
    // In the dual: of a row with less of its own beside the others of its group fewer than six digits are left.
    private const double Judged = 1e-10;
    private readonly RidgePath _path;
    private readonly RowGroups _groups;
    private readonly Tensor _left;    // U, the groups' rows together, [n, r]; in the dual less its column means where there is an intercept
    private readonly CentredMatrix _y; // in the same order
    private readonly Dictionary<long, (Tensor Gram, Tensor Cross, Tensor Squares)> _large = []; // VᵀV, VᵀR [r + 1, t] and ‖R‖² [t] of the groups of more rows than directions, by their first row

    private GroupedPath(RidgePath path, RowGroups groups, Tensor left, CentredMatrix target)
    {
        _path = path;
        _groups = groups;
        _left = left;
        _y = target;
        foreach ((long start, long size, _) in Parts)
        {
            if (size > LargestSmall) _large.Add(start, Moments(start, size));
        }
    }

    /// <summary>Whether some strength left no group that determines a part of the map alone.</summary>
    public bool IsJudged { get; private set; }

    private SourceSpectrum Source => _path.Source;

    private long Directions => _left.size(1);

    // What each row has in the direction of the mean.
    private double Mean => Source.HasIntercept ? 1 / Math.Sqrt(_y.Rows) : 0;

    // Rows of a group from which on a factor of the directions' side is the smaller one.
    private long LargestSmall => _path.IsPrimal ? Directions + 1 : long.MaxValue;

    private IEnumerable<(long Start, long Size, long Groups)> Parts => _groups.Parts(_y.BlockRows, LargestSmall);

    // In the primal of 1, as for one row; in the dual, where all of I − H may be small, of a row's 1 − h.
    private double LeastOwn => _path.IsPrimal ? Source.LeastLeverageLeft : Judged;

    /// <summary>Prepares.</summary>
    /// <param name="path">The path.</param>
    /// <param name="target">The rows that the path's target is a view of.</param>
    /// <param name="groups">The groups of its rows.</param>
    public static GroupedPath Of(RidgePath path, Tensor target, RowGroups groups)
    {
        Tensor left = path.Source.Left;
        CentredMatrix y = path.Target;
        if (!groups.IsOrdered)
        {
            Tensor order = tensor((long[])[.. groups.Order], device: left.device);
            left = left.index_select(0, order);
            y = CentredMatrix.About(target.index_select(0, order), y.Centre);
        }
        if (!path.IsPrimal && path.Source.HasIntercept) left = left.sub(left.mean([0]));
        return new GroupedPath(path, groups, left, y);
    }

    /// <summary>Σ of the squared distances of the target rows from the mean of the other groups' rows, or from zero without an intercept.</summary>
    public double Variation()
    {
        double sum = _path.TargetSumOfSquares;
        if (!Source.HasIntercept) return sum;
        foreach ((long start, long size, long groups) in _groups.Parts(_y.BlockRows))
        {
            using var scope = NewDisposeScope();
            // y_i less the mean of the others is y_i + s/(n − m), s the sum of the group's rows about the mean of all.
            double others = _y.Rows - size, squares = CentredMatrix.SumOfSquares(_y.Block(start, size * groups).reshape(groups, size, -1).sum([1]));
            sum += squares * ((2 / others) + (size / (others * others)));
        }
        return sum;
    }

    /// <summary>Σ of squared left-out residuals, infinite where a group's are not known, and Σ of squared training residuals, each a target, [2, t].</summary>
    public Tensor Errors(double alpha)
    {
        Tensor sums = zeros(2, _y.Columns, ScalarType.Float64, _left.device);
        using var scope = NewDisposeScope();
        Tensor leftOver = Source.LeftOver(alpha), shrunk = _path.Kept(leftOver), root = _path.IsPrimal ? leftOver.neg().add_(1).sqrt_() : leftOver.sqrt();
        Tensor factors = WithMean(root.unsqueeze(1), 1), missed = WithMean(_path.Shares.mul(leftOver.unsqueeze(1)), 0);
        bool judged = true;
        foreach ((long start, long size, long groups) in Parts)
        {
            using var part = NewDisposeScope();
            judged &= size > LargestSmall ? AddLarge(sums, start, factors, missed) : AddSmall(sums, start, size, groups, shrunk, root);
        }
        if (!judged) sums.select(0, 0).fill_(double.PositiveInfinity);
        IsJudged |= judged;
        return sums;
    }

    // Several groups of equally many rows, by a factor each of I − H_BB, [groups, size, size].
    private bool AddSmall(Tensor sums, long start, long size, long groups, Tensor shrunk, Tensor root)
    {
        bool primal = _path.IsPrimal;
        Tensor basis = _left.narrow(0, start, size * groups), residuals = Residuals(start, size * groups, shrunk);
        sums.select(0, 1).add_(residuals.square().sum([0]));
        Tensor rows = basis.mul(root).reshape(groups, size, -1), left = rows.matmul(rows.transpose(1, 2));
        if (primal)
        {
            if (Source.HasIntercept) left.add_(Mean * Mean);
            left.neg_().diagonal(0, 1, 2).add_(1);
        }
        (Tensor lower, Tensor info) = linalg.cholesky_ex(left);
        sums.select(0, 0).add_(Solve(lower, residuals.reshape(groups, size, -1)).Squared().sum([0, 1]));
        return IsSound(lower, info, primal ? null : left.diagonal(0, 1, 2));
    }

    // One group of more rows than directions, by a factor of I − D·VᵀV·D, [r + 1, r + 1] with an intercept.
    private bool AddLarge(Tensor sums, long start, Tensor factors, Tensor missed)
    {
        (Tensor gram, Tensor cross, Tensor squares) = _large[start];
        Tensor left = gram.mul(factors).mul_(factors.t()).neg_(), image = Product.Of(gram, missed);
        left.diagonal().add_(1);
        sums.select(0, 1).add_(squares).add_(cross.mul(2).add_(image).mul_(missed).sum([0]));
        (Tensor lower, Tensor info) = linalg.cholesky_ex(left);
        Tensor change = Solve(lower, cross.add(image).mul_(factors)).mul_(factors);
        Product.Add(image, gram, change);
        sums.select(0, 0).add_(squares).add_(image.add_(cross, alpha: 2).mul_(change.add_(missed)).sum([0]));
        return IsSound(lower, info, null);
    }

    // Y − U·B in the primal, U·B in the dual.
    private Tensor Residuals(long start, long rows, Tensor coefficients)
    {
        Tensor basis = _left.narrow(0, start, rows);
        return _path.IsPrimal ? Product.From(_y.Block(start, rows), basis, coefficients) : Product.Of(basis, coefficients);
    }

    // What all strengths need of a group of more rows than directions, in one pass over its rows.
    private (Tensor Gram, Tensor Cross, Tensor Squares) Moments(long start, long size)
    {
        using var scope = NewDisposeScope();
        long width = Directions + (Source.HasIntercept ? 1 : 0);
        Tensor gram = zeros(width, width, ScalarType.Float64, _left.device), cross = zeros(width, _y.Columns, ScalarType.Float64, _left.device), squares = zeros_like(cross[0]);
        foreach ((long first, long count) in CentredMatrix.Blocks(size, _y.BlockRows))
        {
            using var block = NewDisposeScope();
            Tensor rows = _left.narrow(0, start + first, count), residuals = Residuals(start + first, count, _path.Shares);
            rows = Source.HasIntercept ? cat([rows, full(count, 1, Mean, ScalarType.Float64, device: rows.device)], 1) : rows;
            Product.AddLower(gram, rows.t(), rows);
            Product.Add(cross, rows.t(), residuals);
            squares.add_(residuals.Squared().sum([0]));
        }
        CentredMatrix.Mirror(gram);
        return (gram.MoveToOuterDisposeScope(), cross.MoveToOuterDisposeScope(), squares.MoveToOuterDisposeScope());
    }

    // A matrix [r, k] with a row for the mean, where that is taken.
    private Tensor WithMean(Tensor matrix, double value) =>
        Source.HasIntercept ? cat([matrix, full(1, matrix.size(1), value, ScalarType.Float64, device: matrix.device)]) : matrix;

    // 1/(M⁻¹)ⱼⱼ is what row j of M = LLᵀ has that no other row of the group has, and its least is within the group's size of the least eigenvalue; a pivot alone depends on the order.
    private bool IsSound(Tensor lower, Tensor info, Tensor? whole)
    {
        if (info.count_nonzero().ToInt64() > 0) return false;
        Tensor inverse = linalg.solve_triangular(lower, eye(lower.size(-1), dtype: ScalarType.Float64, device: lower.device).expand_as(lower), upper: false), own = inverse.Squared().sum([-2]).reciprocal_();
        return (whole is null ? own : own.div_(whole)).min().ToDouble() > LeastOwn;
    }

    private static Tensor Solve(Tensor lower, Tensor sides) => linalg.solve_triangular(lower.transpose(-2, -1), linalg.solve_triangular(lower, sides, upper: false), upper: true);
}
