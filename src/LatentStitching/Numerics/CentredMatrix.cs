using LatentStitching.Numerics.Products;

namespace LatentStitching.Numerics;

/// <summary>A matrix [n, d] of any floating dtype seen as its float64 copy with the column means taken off. Products read it where it is; what needs the copy has it block by block, never as a whole.</summary>
/// <remarks>All results belong to the dispose scope that is open at the call. A fast view has float32 blocks instead and products in float32, of which XᵀX and XᵀY are summed in float64.</remarks>
internal sealed class CentredMatrix
{
    private const long RowBlock = 2048;
    private const long PanelRows = 384;
    private const long BufferEntries = 1 << 23; // 64 MiB of float64
    private const long NarrowColumns = 1024;
    private const long NarrowEntries = 1 << 19; // of a narrow matrix: a block that the next operation finds in a cache
    private const long CachedEntries = 1 << 17; // a block that stays in a core's cache while it is read again
    private readonly Tensor _values;
    private readonly Tensor _centre; // [1, d], float64
    private readonly Tensor _offset; // the same in the blocks' dtype
    private readonly Tensor _buffer; // [block, d], in the blocks' dtype: fresh memory a block costs more than the arithmetic on it

    private double? _squares;         // Σx², where it is known

    private CentredMatrix(Tensor values, Tensor centre, bool fast = false, Tensor? buffer = null)
    {
        _values = values;
        _centre = centre;
        _offset = fast ? centre.to_type(ScalarType.Float32) : centre;
        _buffer = buffer ?? empty(Math.Min(values.size(0), BufferRows(values.size(1))), values.size(1), _offset.dtype, values.device);
    }

    /// <summary>Whether blocks are float32.</summary>
    public bool IsFast => BlockType == ScalarType.Float32;

    /// <summary>float64, or float32 for a fast view.</summary>
    public ScalarType BlockType => _buffer.dtype;

    /// <summary>The most rows that <see cref="Block"/> gives without fresh memory.</summary>
    public long BlockRows => _buffer.size(0);

    public long Rows => _values.size(0);

    public long Columns => _values.size(1);

    /// <summary>What was taken off each column: its mean, or zero where the caller wants no intercept. [d], float64.</summary>
    public Tensor Centre => _centre.squeeze(0);

    /// <summary>A view about the column means, or about zero; a fast one has float32 blocks: half the time and memory, for those who can do with its seven digits.</summary>
    public static CentredMatrix Of(Tensor values, bool centre, bool fast = false)
    {
        if (centre && ColumnMoments.Serves(values))
        {
            (Tensor mean, double squares) = ColumnMoments.Of(values);
            return new CentredMatrix(values, mean.unsqueeze(0), fast) { _squares = squares };
        }
        Tensor first = values.narrow(0, 0, 1).to_type(ScalarType.Float64);
        if (!centre) return new CentredMatrix(values, zeros_like(first), fast);

        // The mean of the differences to the first row: exact for a constant column, and not cancelled by a large offset.
        CentredMatrix differences = new(values, first);
        Tensor sum = zeros_like(first);
        foreach ((long start, long size) in Blocks(values.size(0), Math.Min(differences.BlockRows, Math.Max(16, CachedEntries / values.size(1)))))
        {
            using var scope = NewDisposeScope();
            sum.add_(differences.Block(start, size).sum([0], keepdim: true));
        }
        return new CentredMatrix(values, first.add(sum.div(values.size(0))), fast, fast ? null : differences._buffer);
    }

    /// <summary>The same matrix, about the same centre, in float64 blocks.</summary>
    public CentredMatrix Exact() => IsFast ? new(_values, _centre) { _squares = _squares } : this;

    /// <summary>The same matrix, about the same centre, in float32 blocks.</summary>
    public CentredMatrix Rounded() => IsFast ? this : new(_values, _centre, fast: true) { _squares = _squares };

    /// <summary>A view about a centre [d], float64, that is known.</summary>
    public static CentredMatrix About(Tensor values, Tensor centre) => new(values, centre.unsqueeze(0));

    /// <summary>The matrix as a product takes it.</summary>
    public Operand Operand => Operand.Centred(_values, _offset);

    /// <summary>XᵀX, [d, d].</summary>
    public Tensor Gram()
    {
        Tensor gram = zeros(Columns, Columns, ScalarType.Float64, _values.device);
        Product.AddLower(gram, Operand.T, Operand);
        Mirror(gram);
        return gram;
    }

    /// <summary>XXᵀ, [n, n].</summary>
    public Tensor Kernel()
    {
        // Fast in float32 all through: n² numbers are what memory goes to.
        Tensor kernel = zeros(Rows, Rows, BlockType, _values.device);
        Product.AddLower(kernel, Operand, Operand.T);
        Mirror(kernel);
        return kernel;
    }

    /// <summary>XᵀY, [d, t].</summary>
    public Tensor TransposeTimes(CentredMatrix other)
    {
        Tensor cross = zeros(Columns, other.Columns, ScalarType.Float64, _values.device);
        Product.Add(cross, Operand.T, other.Operand);
        return cross;
    }

    /// <summary>XᵀA for a matrix A [n, t] of the blocks' dtype. The columns of the result are contiguous, as a map keeps them.</summary>
    public Tensor TransposeTimes(Tensor matrix)
    {
        Tensor product = zeros(matrix.size(1), Columns, matrix.dtype, _values.device);
        Product.Add(product, matrix.t(), Operand);
        return product.t();
    }

    /// <summary>XB for a matrix B [d, t] of the blocks' dtype.</summary>
    public Tensor Times(Tensor matrix)
    {
        Tensor product = zeros(Rows, matrix.size(1), matrix.dtype, _values.device);
        Product.Add(product, Operand, matrix);
        return product;
    }

    /// <summary>The whole matrix, [n, d], in fresh memory.</summary>
    public Tensor Whole() => Operand.Made();

    /// <summary>Some rows, [size, d]. Up to <see cref="BlockRows"/> of them stand in a buffer: read them before the next call.</summary>
    public Tensor Block(long start, long size)
    {
        Tensor block = size <= BlockRows ? _buffer.narrow(0, 0, size) : empty(size, Columns, _buffer.dtype, _values.device);
        block.copy_(_values.narrow(0, start, size));
        block.sub_(_offset);
        return block;
    }

    /// <summary>Σx² over all entries.</summary>
    public double SumOfSquares()
    {
        if (_squares is { } known) return known;
        double sum = 0;
        foreach ((long start, long size) in Blocks(Rows, BlockRows))
        {
            using var scope = NewDisposeScope();
            sum += SumOfSquares(Block(start, size));
        }
        _squares = sum;
        return sum;
    }

    /// <summary>Σx² over all entries, in one pass and without a copy.</summary>
    public static double SumOfSquares(Tensor values)
    {
        using var scope = NewDisposeScope();
        // One sum of a million float32 squares keeps four digits; those of rows, added in float64, keep six.
        Tensor norm = values.dtype == ScalarType.Float32 && values.dim() == 2 ? values.norm(1, keepdim: false).to_type(ScalarType.Float64).norm() : values.norm();
        return Math.Pow(norm.ToDouble(), 2);
    }

    /// <summary>Cuts the rows of two matrices into runs that both take as a block.</summary>
    public static IEnumerable<(long Start, long Size)> CommonBlocks(CentredMatrix a, CentredMatrix b) => Blocks(a.Rows, Math.Min(a.BlockRows, b.BlockRows));

    /// <summary>Cuts 0..count into runs.</summary>
    public static IEnumerable<(long Start, long Size)> Blocks(long count, long block = RowBlock)
    {
        for (long start = 0; start < count; start += block) yield return (start, Math.Min(block, count - start));
    }

    /// <summary>Some columns, [n, size], in fresh memory.</summary>
    public Tensor ColumnsOf(long start, long size) => Operand.SomeColumns(start, size).Made();

    /// <summary>A copy of a matrix whose lower triangle was summed, with the upper one filled in.</summary>
    public static Tensor Mirrored(Tensor lower)
    {
        Tensor whole = lower.clone();
        Mirror(whole);
        return whole;
    }

    /// <summary>Fills the upper triangle in from the lower one.</summary>
    public static void Mirror(Tensor lower)
    {
        foreach ((long start, long size) in Blocks(lower.size(0), PanelRows))
        {
            using var scope = NewDisposeScope();
            Tensor rows = lower.narrow(0, start, size), corner = rows.narrow(1, start, size), triangle = corner.tril();
            corner.copy_(triangle.add(triangle.tril(-1).t()));
            if (start > 0) lower.narrow(0, 0, start).narrow(1, start, size).copy_(rows.narrow(1, 0, start).t());
        }
    }

    private static long BufferRows(long columns) => Math.Clamp((columns <= NarrowColumns ? NarrowEntries : BufferEntries) / columns, 256, RowBlock);
}
