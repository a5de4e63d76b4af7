using LatentStitching.Numerics.Products;

namespace LatentStitching.Numerics;

/// <summary>The Cholesky factor of a shifted Gram matrix or kernel M, scaled to a unit diagonal: S·M·S = L·Lᵀ.</summary>
/// <remarks>Scaling loses no digits to columns of other units. The tensors belong to the dispose scope that is open at the call.</remarks>
internal sealed class RidgeFactor : IDisposable
{
    private const long InvertedWhole = 128;
    private const long Panel = 192;
    private const long WidePanel = 4 * Panel;
    private const long FewSides = 16;
    private const long ColumnBlock = 1024;
    private readonly Tensor _lower; // L, [k, k]
    private readonly Tensor _scale; // diagonal of S, [k, 1]
    private readonly Tensor? _inverse; // L⁻¹S, [k, k]

    public RidgeFactor(Tensor lower, Tensor scale)
    {
        _lower = lower;
        _scale = scale;
        Tensor pivots = lower.diagonal();
        Ratio = pivots.min().ToDouble() / pivots.max().ToDouble();
    }

    private RidgeFactor(Tensor lower, Tensor scale, Tensor? inverse, double ratio)
    {
        _lower = lower;
        _scale = scale;
        _inverse = inverse;
        Ratio = ratio;
    }

    /// <summary>L, [k, k].</summary>
    public Tensor Lower => _lower;

    /// <summary>The diagonal of S, [k, 1].</summary>
    public Tensor Scale => _scale;

    /// <summary>The least of L's diagonal over the largest, about 1/cond(X): a pivot is the square root of what its column has of its own.</summary>
    public double Ratio { get; }

    /// <summary>Factors a matrix, which it takes over, since with 9,000 rows each copy of one would be 650 MB; null where it is not positive definite to working precision.</summary>
    public static RidgeFactor? Of(Tensor matrix)
    {
        using (matrix)
        {
            Tensor diagonal = matrix.diagonal().clone();
            if (!(diagonal.min().ToDouble() > 0)) return null;
            Tensor scale = diagonal.rsqrt_().unsqueeze(1);
            matrix.mul_(scale);
            matrix.mul_(scale.t());
            return FactorInPlace(matrix, WidePanel, Panel) ? new RidgeFactor(matrix.alias(), scale) : null;
        }
    }

    /// <summary>Turns a symmetric matrix, of which the lower triangle is read, into its Cholesky factor, panel by panel: libtorch's own takes three of its size for it. False where it is not positive definite to working precision, and it is then spoilt.</summary>
    /// <param name="matrix">The matrix [k, k].</param>
    /// <param name="panels">Columns a panel, and those of the panels within it: what lies to the right of a panel is read and written once for each.</param>
    public static bool FactorInPlace(Tensor matrix, params ReadOnlySpan<long> panels)
    {
        if (!FactorColumns(matrix, panels)) return false;
        using Tensor factor = matrix.tril_();
        return true;
    }

    // The first columns of a symmetric matrix from the diagonal down, [rows, columns].
    private static bool FactorColumns(Tensor tall, ReadOnlySpan<long> panels)
    {
        long rows = tall.size(0), columns = tall.size(1);
        foreach ((long start, long width) in CentredMatrix.Blocks(columns, panels[0]))
        {
            using var scope = NewDisposeScope();
            Tensor own = tall.narrow(0, start, rows - start).narrow(1, start, width);
            if (!(panels.Length > 1 ? FactorColumns(own, panels[1..]) : FactorPanel(own))) return false;
            long next = start + width, right = columns - next;
            if (right == 0) break;
            Tensor below = own.narrow(0, width, rows - next), beside = below.narrow(0, 0, right).t(), trailing = tall.narrow(0, next, rows - next).narrow(1, next, right);
            if (rows == columns) Product.SubtractLower(trailing, below, beside);
            else Product.Subtract(trailing, below, beside);
        }
        return true;
    }

    private static bool FactorPanel(Tensor panel)
    {
        long width = panel.size(1), below = panel.size(0) - width;
        Tensor corner = panel.narrow(0, 0, width);
        (Tensor factor, Tensor info) = linalg.cholesky_ex(corner);
        if (info.ToInt64() != 0) return false;
        corner.copy_(factor);
        if (below == 0) return true;
        Tensor rest = panel.narrow(0, width, below);
        rest.copy_(linalg.solve_triangular(factor.t(), rest, upper: true, left: false));
        return true;
    }

    /// <summary>The same over changed handles.</summary>
    public RidgeFactor With(Func<Tensor, Tensor> change) => new(change(_lower), change(_scale), _inverse is null ? null : change(_inverse), Ratio);

    /// <summary>The same over handles that no dispose scope frees.</summary>
    public RidgeFactor Kept() => With(part => part.alias().DetachFromDisposeScope());

    /// <summary>Frees the handles.</summary>
    public void Dispose()
    {
        _lower.Dispose();
        _scale.Dispose();
        _inverse?.Dispose();
    }

    /// <summary>M⁻¹B.</summary>
    public Tensor Solve(Tensor right) => _inverse is null ? OtherHalf(Half(right)) : Solve(right, out _);

    /// <summary>L⁻¹SB, half of <see cref="Solve(Tensor)"/>: M⁻¹ = (L⁻¹S)ᵀ(L⁻¹S).</summary>
    public Tensor Half(Tensor right) => Forward(right.mul(_scale));

    /// <summary>The same in the place of B.</summary>
    public Tensor TakeHalf(Tensor right) => Forward(right.mul_(_scale));

    private Tensor Forward(Tensor half)
    {
        long size = _lower.size(0);
        if (IsPlain(half)) return linalg.solve_triangular(_lower, half, upper: false);
        foreach ((long start, long width) in CentredMatrix.Blocks(size, Panel))
        {
            using var scope = NewDisposeScope();
            long next = start + width;
            Tensor own = half.narrow(0, start, width), columns = _lower.narrow(1, start, width);
            own.copy_(linalg.solve_triangular(columns.narrow(0, start, width), own, upper: false));
            if (next < size) Product.Subtract(half.narrow(0, next, size - next), columns.narrow(0, next, size - next), own);
        }
        return half;
    }

    /// <summary>(L⁻¹S)ᵀB, the other half, in the place of B.</summary>
    public Tensor OtherHalf(Tensor half)
    {
        if (IsPlain(half)) return linalg.solve_triangular(_lower.t(), half, upper: true).mul(_scale);
        foreach ((long start, long width) in CentredMatrix.Blocks(_lower.size(0), Panel).Reverse())
        {
            using var scope = NewDisposeScope();
            Tensor own = half.narrow(0, start, width), rows = _lower.narrow(0, start, width);
            own.copy_(linalg.solve_triangular(rows.narrow(1, start, width).t(), own, upper: true));
            if (start > 0) Product.Subtract(half.narrow(0, 0, start), rows.narrow(1, 0, start).t(), own);
        }
        return half.mul_(_scale);
    }

    // In one piece: few right sides, and those whose gradient may be asked for.
    private bool IsPlain(Tensor right) => _lower.size(0) <= Panel || right.size(1) < FewSides || right.requires_grad;

    /// <summary>Whether L⁻¹S is at hand.</summary>
    public bool IsInverted => _inverse is not null;

    /// <summary>The same with L⁻¹S at hand, for k³/3 operations: many right sides are then products, which are twice as fast as substitutions.</summary>
    public RidgeFactor Inverted() => new(_lower, _scale, _inverse ?? Inverse(), Ratio);

    /// <summary>M⁻¹B for B [k, t], and Σ over all entries of B∘M⁻¹B. The columns of the result are contiguous, as a map keeps them.</summary>
    public Tensor Solve(Tensor right, out double products)
    {
        products = 0;
        if (_inverse is null)
        {
            Tensor half = Half(right);
            products = CentredMatrix.SumOfSquares(half);
            return OtherHalf(half);
        }
        long size = _lower.size(0);
        Tensor solution = zeros(right.size(1), size, right.dtype, right.device);
        foreach ((long start, long count) in CentredMatrix.Blocks(right.size(1), ColumnBlock))
        {
            using var scope = NewDisposeScope();
            Tensor block = right.narrow(1, start, count), half = zeros(size, count, right.dtype, right.device), whole = solution.narrow(0, start, count);
            // L⁻¹ has nothing above its diagonal.
            foreach ((long first, long width) in CentredMatrix.Blocks(size, Panel))
            {
                using var panel = NewDisposeScope();
                Product.Add(half.narrow(0, first, width), _inverse.narrow(0, first, width).narrow(1, 0, first + width), block.narrow(0, 0, first + width));
            }
            foreach ((long first, long width) in CentredMatrix.Blocks(size, Panel))
            {
                using var panel = NewDisposeScope();
                Product.Add(whole.narrow(1, first, width), half.narrow(0, first, size - first).t(), _inverse.narrow(0, first, size - first).narrow(1, first, width));
            }
            products += CentredMatrix.SumOfSquares(half);
        }
        return solution.t();
    }

    /// <summary>tr(M⁻¹), for k³/3 operations.</summary>
    public double TraceOfInverse()
    {
        using var scope = NewDisposeScope();
        return CentredMatrix.SumOfSquares(_inverse ?? Inverse());
    }

    private Tensor Inverse()
    {
        Tensor inverse = zeros_like(_lower);
        using var scope = NewDisposeScope();
        Invert(_lower, _scale.squeeze(1), inverse);
        return inverse;
    }

    // By halves, so that the zeros of L are not multiplied: L⁻¹ = [A⁻¹, 0; −C⁻¹BA⁻¹, C⁻¹] for L = [A, 0; B, C].
    private static void Invert(Tensor lower, Tensor scale, Tensor inverse)
    {
        long size = lower.size(0), half = size / 2, rest = size - half;
        if (size <= InvertedWhole)
        {
            inverse.copy_(linalg.solve_triangular(lower, scale.diag(), upper: false));
            return;
        }
        Tensor upper = inverse.narrow(0, 0, half).narrow(1, 0, half), last = lower.narrow(0, half, rest), corner = last.narrow(1, half, rest), below = inverse.narrow(0, half, rest);
        Invert(lower.narrow(0, 0, half).narrow(1, 0, half), scale.narrow(0, 0, half), upper);
        Invert(corner, scale.narrow(0, half, rest), below.narrow(1, half, rest));
        // C⁻¹ is at hand, scaled.
        Product.Subtract(below.narrow(1, 0, half), below.narrow(1, half, rest), Product.Of(last.narrow(1, 0, half), upper).div_(scale.narrow(0, half, rest).unsqueeze(1)));
    }
}
