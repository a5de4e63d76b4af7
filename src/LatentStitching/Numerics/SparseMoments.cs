using LatentStitching.Numerics.Products;

namespace LatentStitching.Numerics;

/// <summary>The moments of centred X [n, d] and Y [n, t] that a sparse fit needs, divided by n: XᵀY, the targets' squares, and those rows of XᵀX that were asked for.</summary>
/// <remarks>A row of XᵀX is made when its column first enters a working set, all new ones of all targets in one product. Plain arrays: coordinate descent reads them number by number.</remarks>
internal sealed class SparseMoments
{
    // Up to here the whole of XᵀX, by its symmetry 0.56 of the work of all rows, is made as soon as an eighth of them is wanted: working sets grow.
    private const long WholeGramLimit = 4096;

    private readonly CentredMatrix _x;
    private readonly double[]?[] _rows;
    private int _known;

    public SparseMoments(CentredMatrix x, CentredMatrix y)
    {
        _x = x;
        _rows = new double[]?[(int)x.Columns];
        using var scope = NewDisposeScope();
        Tensor cross = x.TransposeTimes(y).div(x.Rows);
        Cross = cross.cpu().data<double>().ToArray();
        Tensor squares = zeros(y.Columns, ScalarType.Float64, cross.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(y.Rows, y.BlockRows))
        {
            using var block = NewDisposeScope();
            squares.add_(y.Block(start, size).square().sum([0]));
        }
        TargetSquares = squares.div(x.Rows).cpu().data<double>().ToArray();
    }

    public int Columns => _rows.Length;

    public int Targets => TargetSquares.Length;

    /// <summary>XᵀY/n, [d, t] in C order.</summary>
    public double[] Cross { get; }

    /// <summary>‖y‖²/n of each target.</summary>
    public double[] TargetSquares { get; }

    /// <summary>A row of XᵀX/n, [d].</summary>
    public double[] Row(int column) => _rows[column]!;

    /// <summary>Makes the rows of XᵀX that are not there yet.</summary>
    public void Ensure(IEnumerable<int> columns, CancellationToken cancellationToken)
    {
        int[] missing = [.. columns.Where(column => _rows[column] is null).Distinct().Order()];
        if (missing.Length == 0) return;
        using var scope = NewDisposeScope();
        Tensor rows;
        if (8 * (_known + missing.Length) > Columns && Columns <= WholeGramLimit)
        {
            missing = [.. Enumerable.Range(0, Columns)];
            rows = _x.Gram();
        }
        else
        {
            Tensor index = tensor(missing, device: _x.Centre.device);
            rows = zeros(missing.Length, Columns, ScalarType.Float64, _x.Centre.device);
            foreach ((long start, long size) in CentredMatrix.Blocks(_x.Rows, _x.BlockRows))
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var block = NewDisposeScope();
                Tensor part = _x.Block(start, size);
                Product.Add(rows, part.index_select(1, index).t(), part);
            }
        }
        rows = rows.div(_x.Rows).cpu();
        for (int i = 0; i < missing.Length; i++)
        {
            if (_rows[missing[i]] is not null) continue;
            using Tensor row = rows[i];
            _rows[missing[i]] = row.data<double>().ToArray();
            _known++;
        }
    }
}
