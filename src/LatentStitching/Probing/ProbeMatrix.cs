using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Latents with their column means taken off, multiplied by a few columns at a time: what the iterative trainers do all day.</summary>
/// <remarks>
/// Directions are found with products in the latents' own precision; what decides that a solver is finished is asked for as exact, which is float64 from the latents themselves.
/// Totals over rows are float64 in both. Results belong to the dispose scope that is open at the call.
/// </remarks>
internal sealed class ProbeMatrix
{
    private const long CacheEntries = 1 << 20;
    private readonly CentredMatrix _exact;
    private readonly Tensor _work; // [n, d], centred, float32 or float64

    public ProbeMatrix(Tensor latents)
    {
        _exact = CentredMatrix.Of(latents, centre: true);
        ScalarType type = latents.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        _work = empty(latents.size(0), latents.size(1), type, latents.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(Rows, _exact.BlockRows))
        {
            using var block = NewDisposeScope();
            _work.narrow(0, start, size).copy_(_exact.Block(start, size));
        }
    }

    public long Rows => _exact.Rows;

    public long Columns => _exact.Columns;

    /// <summary>Whether every product is exact.</summary>
    public bool IsWide => _work.dtype == ScalarType.Float64;

    /// <summary>The column means, [d], float64.</summary>
    public Tensor Centre => _exact.Centre;

    public Device Device => _work.device;

    private long RunLength => Math.Clamp(CacheEntries / Columns, 64, 2048);

    // Products are made from the left, WᵀXᵀ and RᵀX: with few columns the other way round takes up to ten times as long.

    /// <summary>XW, [n, q], float64.</summary>
    public Tensor Times(Tensor weight, bool exact)
    {
        bool wide = exact && !IsWide;
        Tensor product = empty(weight.size(1), Rows, ScalarType.Float64, Device);
        using var scope = NewDisposeScope();
        Tensor left = weight.t().to_type(wide ? ScalarType.Float64 : _work.dtype).contiguous();
        foreach ((long start, long size) in CentredMatrix.Blocks(Rows, wide ? _exact.BlockRows : RunLength))
        {
            using var block = NewDisposeScope();
            Tensor part = wide ? _exact.Block(start, size) : _work.narrow(0, start, size);
            product.narrow(1, start, size).copy_(left.mm(part.t()));
        }
        return product.t().MoveToOuterDisposeScope();
    }

    /// <summary>XᵀR, [d, q], float64.</summary>
    public Tensor TransposeTimes(Tensor rows, bool exact)
    {
        bool wide = exact && !IsWide;
        Tensor sum = zeros(rows.size(1), Columns, ScalarType.Float64, Device);
        using var scope = NewDisposeScope();
        Tensor left = rows.t().to_type(wide ? ScalarType.Float64 : _work.dtype).contiguous();
        foreach ((long start, long size) in CentredMatrix.Blocks(Rows, wide ? _exact.BlockRows : 2048))
        {
            using var block = NewDisposeScope();
            Tensor part = wide ? _exact.Block(start, size) : _work.narrow(0, start, size);
            sum.add_(left.narrow(1, start, size).mm(part));
        }
        return sum.t().MoveToOuterDisposeScope();
    }

    /// <summary>Xᵀf(XV) and XV in one pass over the rows, a run of rows that stays in the cache at a time; without f, XᵀXV.</summary>
    /// <param name="columns">V, [d, q].</param>
    /// <param name="between">f of some columns of (XV)ᵀ, [q, rows], told the first row and their number; any of them must depend on its own alone.</param>
    public (Tensor Back, Tensor There) ThereAndBack(Tensor columns, Func<Tensor, long, long, Tensor>? between)
    {
        long q = columns.size(1);
        Tensor back = zeros(q, Columns, ScalarType.Float64, Device), there = empty(q, Rows, ScalarType.Float64, Device);
        using var scope = NewDisposeScope();
        Tensor left = columns.t().to_type(_work.dtype).contiguous(), sum = zeros(q, Columns, _work.dtype, Device);
        long held = 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(Rows, RunLength))
        {
            using var block = NewDisposeScope();
            Tensor part = _work.narrow(0, start, size), product = left.mm(part.t());
            there.narrow(1, start, size).copy_(product);
            if (between is not null) product = between(product, start, size).to_type(_work.dtype);
            sum.addmm_(product, part);
            held += size;
            if (held < 2048 && start + size < Rows) continue;
            back.add_(sum);
            sum.zero_().Dispose();
            held = 0;
        }
        return (back.t().MoveToOuterDisposeScope(), there.t().MoveToOuterDisposeScope());
    }

    /// <summary>Some columns of some rows, [rows, columns], float64, exact.</summary>
    public Tensor Part(Tensor latents, Tensor rows, Tensor columns) =>
        latents.index_select(1, columns).index_select(0, rows).to_type(ScalarType.Float64).sub(Centre.index_select(0, columns));

    /// <summary>Σx².</summary>
    public double SumOfSquares() => CentredMatrix.SumOfSquares(_work);
}
