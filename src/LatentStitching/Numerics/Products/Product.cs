using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace LatentStitching.Numerics.Products;

/// <summary>Sums of matrix products, in place: what the closed forms of linear maps spend their time on.</summary>
/// <remarks>
/// On x64 processors by <see cref="BlockedProduct{TLanes, TVector, TNumber, TSum}"/>: libtorch's own products leave half of the processor idle where its MKL takes no AVX-512 instructions, as on AMD's, it has none that spares half of a symmetric
/// result, and none that sums float32 products in float64. Elsewhere by libtorch.
/// </remarks>
internal static class Product
{
    private const long LeastOperations = 1 << 21; // below which a call of libtorch costs less than a thought about it
    private const long LeastWidth = 48; // of a product: narrower ones waste registers
    private const long LeastPanel = 96;
    private const long PanelRows = 384;
    private const long RunEntries = 1 << 21;
    private const long LeastRun = 256;
    private const long MostRun = 2048;

    private static readonly bool HasLanes512 = Vector512.IsHardwareAccelerated && Avx512F.IsSupported;
    // Where the runtime thinks 512-bit registers slow, MKL knows better.
    private static readonly bool HasLanes256 = !HasLanes512 && Avx2.IsSupported && Fma.IsSupported && !Avx512F.IsSupported;

    /// <summary>sum += left·right.</summary>
    /// <param name="sum">[m, n], float64, or of the operands' type. Numbers next to each other along one side.</param>
    /// <param name="left">[m, k], float32 or float64, any strides.</param>
    /// <param name="right">[k, n], of the same type and device.</param>
    public static void Add(Tensor sum, Operand left, Operand right) => Add(sum, left, right, negative: false, lower: false);

    /// <summary>sum −= left·right.</summary>
    public static void Subtract(Tensor sum, Operand left, Operand right) => Add(sum, left, right, negative: true, lower: false);

    /// <summary>The same on and below the diagonal only, for a symmetric product: half of the work. What stands above the diagonal is spoilt.</summary>
    public static void AddLower(Tensor sum, Operand left, Operand right) => Add(sum, left, right, negative: false, lower: true);

    /// <summary>sum −= left·right on and below the diagonal.</summary>
    public static void SubtractLower(Tensor sum, Operand left, Operand right) => Add(sum, left, right, negative: true, lower: true);

    /// <summary>left·right, [m, n], fresh, in the operands' type.</summary>
    public static Tensor Of(Tensor left, Operand right)
    {
        if (right.IsPlain && !Pays(left, right)) return left.mm(right.Made());
        Tensor product = zeros(left.size(0), right.Columns, left.dtype, left.device);
        Add(product, left, right);
        return product;
    }

    /// <summary>Turns a matrix [m, n] into left·right.</summary>
    public static void Set(Tensor matrix, Operand left, Operand right)
    {
        using Tensor zeroed = matrix.zero_();
        Add(matrix, left, right);
    }

    /// <summary>Turns a matrix [m, n] into itself less left·right, and gives it back.</summary>
    public static Tensor From(Tensor matrix, Operand left, Operand right)
    {
        Subtract(matrix, left, right);
        return matrix;
    }

    private static void Add(Tensor sum, Operand left, Operand right, bool negative, bool lower)
    {
        if (Pays(left, right) && Takes(sum, left.Type)) AddBlocked(sum, left, right, negative, lower);
        else if (left.IsPlain && right.IsPlain) AddMade(sum, left.Made(), right.Made(), negative, lower);
        else AddRuns(sum, left, right, negative, lower);
    }

    private static bool Pays(Operand left, Operand right)
    {
        long rows = left.Rows, columns = right.Columns;
        return (HasLanes512 || HasLanes256) && Math.Min(rows, columns) >= LeastWidth && rows * columns * left.Columns >= LeastOperations
            && left.Type is ScalarType.Float32 or ScalarType.Float64 && right.Type == left.Type && left.IsReadable && right.IsReadable
            // Gradients are libtorch's to keep account of.
            && !(is_grad_enabled() && (left.RequiresGrad || right.RequiresGrad));
    }

    private static bool Takes(Tensor sum, ScalarType numbers) =>
        sum.device_type == DeviceType.CPU && (sum.dtype == numbers || sum.dtype == ScalarType.Float64) && (sum.stride(0) == 1 || sum.stride(1) == 1) && !(is_grad_enabled() && sum.requires_grad);

    private static void AddBlocked(Tensor sum, Operand left, Operand right, bool negative, bool lower)
    {
        int threads = get_num_threads();
        // Rows of C have to lie in one piece: else the transposed product is made, unless half of it would be the wrong one.
        bool turned = sum.stride(1) != 1;
        if (turned) (left, right, lower) = (right, left, false);
        if (left.Type == ScalarType.Float64)
        {
            Panels<double> rows = left.DoubleLines(columns: turned, negative), columns = right.DoubleLines(columns: !turned, negative: false);
            if (HasLanes512) Run<DoubleLanes512, Vector512<double>, double, double>(sum, rows, columns, lower, threads);
            else Run<DoubleLanes256, Vector256<double>, double, double>(sum, rows, columns, lower, threads);
        }
        else
        {
            Panels<float> rows = left.SingleLines(columns: turned, negative), columns = right.SingleLines(columns: !turned, negative: false);
            if (sum.dtype == ScalarType.Float64)
            {
                if (HasLanes512) Run<SingleLanes512, Vector512<float>, float, double>(sum, rows, columns, lower, threads);
                else Run<SingleLanes256, Vector256<float>, float, double>(sum, rows, columns, lower, threads);
            }
            else
            {
                if (HasLanes512) Run<SingleLanes512, Vector512<float>, float, float>(sum, rows, columns, lower, threads);
                else Run<SingleLanes256, Vector256<float>, float, float>(sum, rows, columns, lower, threads);
            }
        }
        left.KeepAlive();
        right.KeepAlive();
    }

    /// <summary>The same with given registers. Rows of the sum lie in one piece where <paramref name="sum"/>'s do, else its columns, of which <paramref name="left"/> then has one a line.</summary>
    internal static void Run<TLanes, TVector, TNumber, TSum>(Tensor sum, Panels<TNumber> left, Panels<TNumber> right, bool lower, int threads)
        where TLanes : struct, ILanes<TVector, TNumber>
        where TNumber : unmanaged, System.Numerics.INumber<TNumber>
        where TSum : unmanaged, System.Numerics.INumber<TSum>
    {
        Strided<TSum> sums = new(sum);
        new BlockedProduct<TLanes, TVector, TNumber, TSum>(sums.ColumnStride == 1 ? sums : sums.Transposed, left, right, lower).Run(threads);
        GC.KeepAlive(sum);
    }

    private static void AddMade(Tensor sum, Tensor left, Tensor right, bool negative, bool lower)
    {
        if (!lower) AddWhole(sum, left, right, negative);
        else AddPanels(sum, left, right, negative);
    }

    // What is taken off is taken off some rows at a time, so that no whole copy stands in memory: rows of the result, else of what is summed over.
    private static void AddRuns(Tensor sum, Operand left, Operand right, bool negative, bool lower)
    {
        bool byRows = !lower && right.IsPlain && !left.IsTransposed;
        long count = byRows ? left.Rows : left.Columns, other = byRows ? left.Columns : Math.Max(left.Rows, right.Columns);
        foreach ((long start, long size) in CentredMatrix.Blocks(count, Math.Clamp(RunEntries / other, LeastRun, MostRun)))
        {
            using var scope = NewDisposeScope();
            Tensor part = byRows ? left.SomeRows(start, size).Made() : left.SomeColumns(start, size).Made();
            if (byRows) AddMade(sum.narrow(0, start, size), part, right.Made(), negative, lower);
            else AddMade(sum, part, right.IsTransposeOf(left) ? part.t() : right.SomeRows(start, size).Made(), negative, lower);
        }
    }

    private static void AddWhole(Tensor sum, Tensor left, Tensor right, bool negative)
    {
        if (left.dtype == sum.dtype) sum.addmm_(left, right, beta: 1, alpha: negative ? -1 : 1);
        else if (negative) sum.sub_(left.mm(right));
        else sum.add_(left.mm(right));
    }

    private static void AddPanels(Tensor sum, Tensor left, Tensor right, bool negative)
    {
        long width = sum.size(0);
        foreach ((long start, long size) in CentredMatrix.Blocks(width, Math.Clamp(width / 8, LeastPanel, PanelRows)))
        {
            using var scope = NewDisposeScope();
            AddWhole(sum.narrow(0, start, size).narrow(1, 0, start + size), left.narrow(0, start, size), right.narrow(1, 0, start + size), negative);
        }
    }
}
