using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>Sums over rows of the cubic kernel (⟨x, y⟩/d + 1)³, block by block.</summary>
internal static class PolynomialKernel
{
    private const long Block = 1024;

    /// <summary>For each row the sum of its kernel with every other row of the same matrix.</summary>
    public static double[] OwnSums(Tensor rows)
    {
        long count = rows.size(0);
        using var scope = NewDisposeScope();
        Tensor sums = zeros(count, ScalarType.Float64);
        foreach ((long start, long size) in CentredMatrix.Blocks(count, Block))
        {
            using var outer = NewDisposeScope();
            Tensor one = Wide(rows, start, size);
            foreach ((long from, long width) in CentredMatrix.Blocks(count, Block).Where(block => block.Start >= start))
            {
                using var inner = NewDisposeScope();
                // The kernel is symmetric: blocks above the diagonal serve both of their sides.
                Tensor kernel = from == start ? Kernel(one, one) : Kernel(one, Wide(rows, from, width));
                if (from == start) kernel.sub_(diag(kernel.diagonal()));
                else sums.narrow(0, from, width).add_(kernel.sum([0]));
                sums.narrow(0, start, size).add_(kernel.sum([1]));
            }
        }
        return sums.data<double>().ToArray();
    }

    /// <summary>For each row of x, and for each of y, the sum of its kernel with all rows of the other.</summary>
    public static (double[] Rows, double[] Columns) CrossSums(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        Tensor rows = zeros(x.size(0), ScalarType.Float64), columns = zeros(y.size(0), ScalarType.Float64);
        foreach ((long start, long size) in CentredMatrix.Blocks(x.size(0), Block))
        {
            using var outer = NewDisposeScope();
            Tensor one = Wide(x, start, size);
            foreach ((long from, long width) in CentredMatrix.Blocks(y.size(0), Block))
            {
                using var inner = NewDisposeScope();
                Tensor kernel = Kernel(one, Wide(y, from, width));
                rows.narrow(0, start, size).add_(kernel.sum([1]));
                columns.narrow(0, from, width).add_(kernel.sum([0]));
            }
        }
        return (rows.data<double>().ToArray(), columns.data<double>().ToArray());
    }

    private static Tensor Wide(Tensor rows, long start, long size) => rows.narrow(0, start, size).to_type(ScalarType.Float64);

    private static Tensor Kernel(Tensor x, Tensor y) => x.mm(y.t()).div_(x.size(1)).add_(1).pow_(3);
}
