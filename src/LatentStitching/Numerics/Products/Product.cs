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

    private static readonly bool HasLanes512 = Vector512.IsHardwareAccelerated && Avx512F.IsSupported;
    // Where the runtime thinks 512-bit registers slow, MKL knows better.
    private static readonly bool HasLanes256 = !HasLanes512 && Avx2.IsSupported && Fma.IsSupported && !Avx512F.IsSupported;

    /// <summary>sum += left·right.</summary>
    /// <param name="sum">[m, n], float64, or of the operands' dtype. Numbers next to each other along one side.</param>
    /// <param name="left">[m, k], float32 or float64, any strides.</param>
    /// <param name="right">[k, n], of the same dtype and device.</param>
    public static void Add(Tensor sum, Tensor left, Tensor right) => Add(sum, left, right, negative: false, lower: false);

    /// <summary>sum −= left·right.</summary>
    public static void Subtract(Tensor sum, Tensor left, Tensor right) => Add(sum, left, right, negative: true, lower: false);

    /// <summary>The same on and below the diagonal only, for a symmetric product: half of the work. What stands above the diagonal is spoilt.</summary>
    public static void AddLower(Tensor sum, Tensor left, Tensor right) => Add(sum, left, right, negative: false, lower: true);

    /// <summary>sum −= left·right on and below the diagonal.</summary>
    public static void SubtractLower(Tensor sum, Tensor left, Tensor right) => Add(sum, left, right, negative: true, lower: true);

    /// <summary>left·right, [m, n], fresh, in the operands' dtype.</summary>
    public static Tensor Of(Tensor left, Tensor right)
    {
        Tensor product = zeros(left.size(0), right.size(1), left.dtype, left.device);
        Add(product, left, right);
        return product;
    }

    /// <summary>Turns a matrix [m, n] into left·right.</summary>
    public static void Set(Tensor matrix, Tensor left, Tensor right)
    {
        using Tensor zeroed = matrix.zero_();
        Add(matrix, left, right);
    }

    /// <summary>Turns a matrix [m, n] into itself less left·right, and gives it back.</summary>
    public static Tensor From(Tensor matrix, Tensor left, Tensor right)
    {
        Subtract(matrix, left, right);
        return matrix;
    }

    private static void Add(Tensor sum, Tensor left, Tensor right, bool negative, bool lower)
    {
        if ((HasLanes512 || HasLanes256) && Pays(sum, left, right)) AddBlocked(sum, left, right, negative, lower);
        else if (!lower) AddWhole(sum, left, right, negative);
        else AddPanels(sum, left, right, negative);
    }

    private static bool Pays(Tensor sum, Tensor left, Tensor right)
    {
        long rows = sum.size(0), columns = sum.size(1), depth = left.size(1);
        return sum.device_type == DeviceType.CPU && Math.Min(rows, columns) >= LeastWidth && rows * columns * depth >= LeastOperations
            && (sum.stride(0) == 1 || sum.stride(1) == 1)
            && left.dtype is ScalarType.Float32 or ScalarType.Float64
            // Gradients are libtorch's to keep account of.
            && !(is_grad_enabled() && (left.requires_grad || right.requires_grad || sum.requires_grad));
    }

    private static void AddBlocked(Tensor sum, Tensor left, Tensor right, bool negative, bool lower)
    {
        int threads = get_num_threads();
        if (left.dtype == ScalarType.Float64)
        {
            if (HasLanes512) Run<DoubleLanes512, Vector512<double>, double, double>(sum, left, right, negative, lower, threads);
            else Run<DoubleLanes256, Vector256<double>, double, double>(sum, left, right, negative, lower, threads);
        }
        else if (sum.dtype == ScalarType.Float64)
        {
            if (HasLanes512) Run<SingleLanes512, Vector512<float>, float, double>(sum, left, right, negative, lower, threads);
            else Run<SingleLanes256, Vector256<float>, float, double>(sum, left, right, negative, lower, threads);
        }
        else
        {
            if (HasLanes512) Run<SingleLanes512, Vector512<float>, float, float>(sum, left, right, negative, lower, threads);
            else Run<SingleLanes256, Vector256<float>, float, float>(sum, left, right, negative, lower, threads);
        }
    }

    /// <summary>The same with given registers.</summary>
    internal static void Run<TLanes, TVector, TNumber, TSum>(Tensor sum, Tensor left, Tensor right, bool negative, bool lower, int threads)
        where TLanes : struct, ILanes<TVector, TNumber>
        where TNumber : unmanaged, System.Numerics.INumber<TNumber>
        where TSum : unmanaged, System.Numerics.INumber<TSum>
    {
        Strided<TSum> sums = new(sum);
        Strided<TNumber> a = new(left), b = new(right);
        // Rows of C have to lie in one piece: else the transposed product is made, unless half of it would be the wrong one.
        BlockedProduct<TLanes, TVector, TNumber, TSum> product = sums.ColumnStride == 1 ? new(sums, a, b, negative, lower) : new(sums.Transposed, b.Transposed, a.Transposed, negative, lower: false);
        product.Run(threads);
        GC.KeepAlive(sum);
        GC.KeepAlive(left);
        GC.KeepAlive(right);
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
