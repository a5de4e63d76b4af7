namespace LatentStitching.Numerics.Products;

/// <summary>The memory of a matrix on the processor. Whoever uses it keeps the tensor alive.</summary>
/// <typeparam name="T">Its numbers.</typeparam>
internal readonly unsafe struct Strided<T>
    where T : unmanaged
{
    private readonly T* _start;

    public Strided(Tensor matrix)
    {
        Rows = matrix.size(0);
        Columns = matrix.size(1);
        RowStride = matrix.stride(0);
        ColumnStride = matrix.stride(1);
        // A view of one number is contiguous whatever the strides, and so it tells its address.
        using Tensor row = matrix.narrow(0, 0, 1), first = row.narrow(1, 0, 1);
        fixed (byte* address = first.bytes) _start = (T*)address;
    }

    private Strided(T* start, long rows, long columns, long rowStride, long columnStride)
    {
        _start = start;
        Rows = rows;
        Columns = columns;
        RowStride = rowStride;
        ColumnStride = columnStride;
    }

    public long Rows { get; }

    public long Columns { get; }

    public long RowStride { get; }

    public long ColumnStride { get; }

    public Strided<T> Transposed => new(_start, Columns, Rows, ColumnStride, RowStride);

    public T* At(long row, long column) => _start + (row * RowStride) + (column * ColumnStride);
}
