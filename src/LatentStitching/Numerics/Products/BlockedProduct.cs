using System.Buffers;
using System.Runtime.CompilerServices;

namespace LatentStitching.Numerics.Products;

/// <summary>C += A·B over strided memory, by blocks that stay in the caches: Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3), 2008.</summary>
/// <remarks>
/// <para>B is packed block by block into panels three registers wide, A into panels four rows high; the kernel multiplies one of each, twelve registers of sums at a time. Every sum is added up in the same order whatever the number of threads.</para>
/// <para>Sums may be kept in float64 for float32 numbers: each run of <see cref="Depth"/> products is summed in float32, the runs in float64.</para>
/// </remarks>
/// <typeparam name="TLanes">The registers.</typeparam>
/// <typeparam name="TVector">A register.</typeparam>
/// <typeparam name="TNumber">Numbers of A and B.</typeparam>
/// <typeparam name="TSum">Numbers of C.</typeparam>
internal sealed unsafe class BlockedProduct<TLanes, TVector, TNumber, TSum>
    where TLanes : struct, ILanes<TVector, TNumber>
    where TNumber : unmanaged, System.Numerics.INumber<TNumber>
    where TSum : unmanaged, System.Numerics.INumber<TSum>
{
    private const int Height = 4;       // rows of a tile
    private const int Depth = 256;      // products a run: a panel of B fills most of the first-level cache
    private const int RowBlock = 192;   // rows of A that are packed at a time: half of the second-level cache
    private const int Block = 1024;     // rows and columns of C that one thread takes at a time
    private const int LeastRows = 96;
    private const int Alignment = 64;

    private static readonly int Width = 3 * TLanes.Count;

    private readonly Strided<TSum> _sum;
    private readonly Panels<TNumber> _left;
    private readonly Panels<TNumber> _right;
    private readonly bool _lower;

    /// <summary>Describes a product.</summary>
    /// <param name="sum">C, its columns next to each other.</param>
    /// <param name="left">The rows of A.</param>
    /// <param name="right">The columns of B.</param>
    /// <param name="lower">Whether only numbers on and below the diagonal of C are wanted; some above it are changed too.</param>
    public BlockedProduct(Strided<TSum> sum, Panels<TNumber> left, Panels<TNumber> right, bool lower)
    {
        _sum = sum;
        _left = left;
        _right = right;
        _lower = lower;
    }

    /// <summary>Adds it.</summary>
    /// <param name="threads">The most threads to use.</param>
    public void Run(int threads)
    {
        // As few parts as there are threads, for each packs B anew; of half a matrix twice as many, because they differ in work.
        int shares = _lower ? 2 * threads : threads;
        long rows = threads == 1 ? Block : Math.Clamp(Up((_sum.Rows + shares - 1) / shares, Height), LeastRows, Block);
        List<(long Row, long Column, long Rows, long Columns)> parts = [];
        // The longest parts first.
        for (long row = (_sum.Rows - 1) / rows * rows; row >= 0; row -= rows)
        {
            for (long column = 0; column < _sum.Columns; column += Block)
            {
                if (!_lower || column < row + rows) parts.Add((row, column, Math.Min(rows, _sum.Rows - row), Math.Min(Block, _sum.Columns - column)));
            }
        }
        if (threads == 1 || parts.Count == 1) parts.ForEach(part => AddPart(part.Row, part.Column, part.Rows, part.Columns));
        else Parallel.ForEach(parts, new ParallelOptions { MaxDegreeOfParallelism = threads }, part => AddPart(part.Row, part.Column, part.Rows, part.Columns));
    }

    private void AddPart(long row, long column, long rows, long columns)
    {
        int depth = (int)Math.Min(Depth, _left.Length), high = (int)Math.Min(RowBlock, Up(rows, Height)), wide = (int)Up(columns, Width);
        int bytes = ((high + wide) * depth * sizeof(TNumber)) + (Height * Width * sizeof(TSum)) + (3 * Alignment);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(bytes);
        fixed (byte* start = buffer)
        {
            TNumber* right = (TNumber*)Aligned(start), left = (TNumber*)Aligned((byte*)(right + (wide * depth)));
            TSum* spare = (TSum*)Aligned((byte*)(left + (high * depth)));
            for (long k = 0; k < _left.Length; k += depth)
            {
                int run = (int)Math.Min(depth, _left.Length - k);
                _right.Pack(column, k, (int)columns, run, Width, right);
                for (long first = row; first < row + rows; first += RowBlock)
                {
                    int count = (int)Math.Min(RowBlock, row + rows - first);
                    _left.Pack(first, k, count, run, Height, left);
                    AddTiles(left, right, spare, first, count, column, (int)columns, run);
                }
            }
        }
        ArrayPool<byte>.Shared.Return(buffer);
    }

    private void AddTiles(TNumber* left, TNumber* right, TSum* spare, long row, int rows, long column, int columns, int run)
    {
        for (int j = 0; j < columns; j += Width)
        {
            int wide = Math.Min(Width, columns - j), i = 0;
            // Tiles that lie above the diagonal as a whole are left out.
            if (_lower) i = (int)Math.Clamp((column + j - row) / Height * Height, 0, rows);
            for (; i < rows; i += Height)
            {
                int high = Math.Min(Height, rows - i);
                TSum* sums = _sum.At(row + i, column + j);
                if (high == Height && wide == Width)
                {
                    AddTile(left + (i * run), right + (j * run), sums, (nint)_sum.RowStride, run);
                    continue;
                }
                new Span<TSum>(spare, Height * Width).Clear();
                AddTile(left + (i * run), right + (j * run), spare, Width, run);
                for (int r = 0; r < high; r++)
                {
                    TSum* from = spare + (r * Width), to = sums + (r * _sum.RowStride);
                    for (int c = 0; c < wide; c++) to[c] += from[c];
                }
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void AddTile(TNumber* a, TNumber* b, TSum* sums, nint stride, nint run)
    {
        TVector s00 = TLanes.Zero, s01 = s00, s02 = s00, s10 = s00, s11 = s00, s12 = s00, s20 = s00, s21 = s00, s22 = s00, s30 = s00, s31 = s00, s32 = s00;
        nint width = TLanes.Count;
        for (nint k = 0; k < run; k++)
        {
            TVector b0 = TLanes.Load(b), b1 = TLanes.Load(b + width), b2 = TLanes.Load(b + (2 * width)), x = TLanes.Repeat(a);
            s00 = TLanes.MultiplyAdd(x, b0, s00);
            s01 = TLanes.MultiplyAdd(x, b1, s01);
            s02 = TLanes.MultiplyAdd(x, b2, s02);
            x = TLanes.Repeat(a + 1);
            s10 = TLanes.MultiplyAdd(x, b0, s10);
            s11 = TLanes.MultiplyAdd(x, b1, s11);
            s12 = TLanes.MultiplyAdd(x, b2, s12);
            x = TLanes.Repeat(a + 2);
            s20 = TLanes.MultiplyAdd(x, b0, s20);
            s21 = TLanes.MultiplyAdd(x, b1, s21);
            s22 = TLanes.MultiplyAdd(x, b2, s22);
            x = TLanes.Repeat(a + 3);
            s30 = TLanes.MultiplyAdd(x, b0, s30);
            s31 = TLanes.MultiplyAdd(x, b1, s31);
            s32 = TLanes.MultiplyAdd(x, b2, s32);
            a += Height;
            b += 3 * width;
        }
        AddRow(sums, width, s00, s01, s02);
        AddRow(sums + stride, width, s10, s11, s12);
        AddRow(sums + (2 * stride), width, s20, s21, s22);
        AddRow(sums + (3 * stride), width, s30, s31, s32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void AddRow(TSum* sums, nint width, TVector first, TVector second, TVector third)
    {
        TLanes.AddTo(sums, first);
        TLanes.AddTo(sums + width, second);
        TLanes.AddTo(sums + (2 * width), third);
    }

    private static byte* Aligned(byte* address) => (byte*)(((nint)address + Alignment - 1) & -Alignment);

    private static long Up(long count, int unit) => (count + unit - 1) / unit * unit;
}
