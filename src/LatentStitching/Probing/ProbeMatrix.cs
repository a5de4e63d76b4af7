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

    /// <summary>XW, [n, q], float64.</summary>
    public Tensor Times(Tensor weight, bool exact)
    {
        if (IsWide || !exact) return _work.mm(weight.to_type(_work.dtype)).to_type(ScalarType.Float64);
        Tensor product = empty(Rows, weight.size(1), ScalarType.Float64, Device);
        foreach ((long start, long size) in CentredMatrix.Blocks(Rows, _exact.BlockRows))
        {
            using var block = NewDisposeScope();
            product.narrow(0, start, size).copy_(_exact.Block(start, size).mm(weight));
        }
        return product;
    }

    /// <summary>XᵀR, [d, q], float64.</summary>
    public Tensor TransposeTimes(Tensor rows, bool exact)
    {
        Tensor sum = zeros(Columns, rows.size(1), ScalarType.Float64, Device);
        bool wide = exact && !IsWide;
        foreach ((long start, long size) in CentredMatrix.Blocks(Rows, wide ? _exact.BlockRows : 2048))
        {
            using var block = NewDisposeScope();
            Tensor part = wide ? _exact.Block(start, size) : _work.narrow(0, start, size);
            sum.add_(part.t().mm(rows.narrow(0, start, size).to_type(part.dtype)).to_type(ScalarType.Float64));
        }
        return sum;
    }

    /// <summary>Xᵀ(D∘XV) and XV in one pass over the rows, a run of rows that stays in the cache at a time; without D, XᵀXV.</summary>
    public (Tensor Back, Tensor There) ThereAndBack(Tensor columns, Tensor? weights)
    {
        long q = columns.size(1);
        Tensor back = zeros(Columns, q, ScalarType.Float64, Device), there = empty(Rows, q, ScalarType.Float64, Device);
        using var scope = NewDisposeScope();
        Tensor narrow = columns.to_type(_work.dtype).contiguous(), sum = zeros(Columns, q, _work.dtype, Device);
        long held = 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(Rows, Math.Clamp(CacheEntries / Columns, 64, 2048)))
        {
            using var block = NewDisposeScope();
            Tensor part = _work.narrow(0, start, size), product = part.mm(narrow);
            there.narrow(0, start, size).copy_(product);
            if (weights is not null) product = product.mul(weights.narrow(0, start, size).to_type(_work.dtype));
            sum.addmm_(part.t(), product);
            held += size;
            if (held < 2048 && start + size < Rows) continue;
            back.add_(sum);
            sum.zero_().Dispose();
            held = 0;
        }
        return (back, there);
    }

    /// <summary>Some columns of some rows, [rows, columns], float64, exact.</summary>
    public Tensor Part(Tensor latents, Tensor rows, Tensor columns) =>
        latents.index_select(1, columns).index_select(0, rows).to_type(ScalarType.Float64).sub(Centre.index_select(0, columns));

    /// <summary>Σx².</summary>
    public double SumOfSquares() => CentredMatrix.SumOfSquares(_work);
}
