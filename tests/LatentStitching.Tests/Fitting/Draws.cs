using LatentStitching.Fitting;
using LatentStitching.Mapping;

namespace LatentStitching.Tests.Fitting;

/// <summary>Seeded float64 matrices, and errors of maps.</summary>
internal static class Draws
{
    public static Tensor Matrix(long rows, long columns, ulong seed)
    {
        using Generator generator = new(seed);
        return randn([rows, columns], ScalarType.Float64, generator: generator);
    }

    /// <summary>An orthogonal matrix [d, d] of determinant +1, or −1.</summary>
    public static Tensor Orthogonal(long width, ulong seed, bool mirrored = false)
    {
        using var scope = NewDisposeScope();
        Tensor q = linalg.qr(Matrix(width, width, seed)).Q.clone();
        if (linalg.det(q).ToDouble() < 0 != mirrored) q[TensorIndex.Colon, 0] = q[TensorIndex.Colon, 0].neg();
        return q.MoveToOuterDisposeScope();
    }

    /// <summary>‖map(X) − Y‖².</summary>
    public static double SquaredError(ILatentMap map, Tensor source, Tensor target)
    {
        using var scope = NewDisposeScope();
        return map.Apply(source).sub(target).square().sum().ToDouble();
    }

    public static Tensor Centred(Tensor matrix)
    {
        using var scope = NewDisposeScope();
        return matrix.sub(matrix.mean([0])).MoveToOuterDisposeScope();
    }

    /// <summary>Columns that are constant (1) and doubled (2, of 0) among others: what must do no harm.</summary>
    public static Tensor Awkward(long rows, long columns, ulong seed)
    {
        using var scope = NewDisposeScope();
        Tensor matrix = Matrix(rows, columns, seed);
        matrix[TensorIndex.Colon, 1] = full([rows], 7.3, ScalarType.Float64);
        matrix[TensorIndex.Colon, 2] = matrix[TensorIndex.Colon, 0];
        return matrix.MoveToOuterDisposeScope();
    }

    /// <summary>A last column that row 7 alone varies in: with least squares its leverage is one.</summary>
    public static Tensor Lonely(long rows, long columns, ulong seed)
    {
        using var scope = NewDisposeScope();
        Tensor matrix = Matrix(rows, columns, seed);
        matrix[TensorIndex.Colon, columns - 1] = zeros(rows, ScalarType.Float64);
        matrix[7, columns - 1] = 1;
        return matrix.MoveToOuterDisposeScope();
    }

    /// <summary>Columns whose singular values fall evenly, on a logarithmic scale, from 1 to 1/condition, in mixed directions.</summary>
    public static Tensor Conditioned(long rows, long columns, double condition, ulong seed)
    {
        using var scope = NewDisposeScope();
        Tensor basis = linalg.qr(Centred(Matrix(rows, columns, seed))).Q, spectrum = logspace(0, -Math.Log10(condition), columns, dtype: ScalarType.Float64);
        return basis.mul(spectrum).mm(Orthogonal(columns, seed + 1)).MoveToOuterDisposeScope();
    }

    /// <summary>Σ over all entries of the squared errors of rows that ridge was fitted without, one refit a row.</summary>
    public static double LeftOutError(Tensor x, Tensor y, double alpha, bool intercept) =>
        LeftOutErrors(x, y, alpha, intercept, [.. Enumerable.Range(0, (int)x.size(0))]).Errors.Sum();

    /// <summary>The same of groups of rows, one refit a label: the sum of each target column; and what the mean of the other groups leaves of all, or zero without an intercept.</summary>
    public static (double[] Errors, double Variation) LeftOutErrors(Tensor x, Tensor y, double alpha, bool intercept, IReadOnlyList<int> labels)
    {
        using var scope = NewDisposeScope();
        RidgeFitter fitter = new(new RidgeOptions { Alpha = alpha, FitIntercept = intercept });
        Tensor sums = zeros(y.size(1), ScalarType.Float64);
        double variation = 0;
        foreach (int label in labels.Distinct())
        {
            using var one = NewDisposeScope();
            Tensor own = Rows(row => labels[row] == label), others = Rows(row => labels[row] != label), rest = y.index_select(0, others), group = y.index_select(0, own);
            using LatentMapFit fit = Stitcher.Fit(x.index_select(0, others), rest, fitter);
            sums.add_(fit.Map.Apply(x.index_select(0, own)).sub(group).square().sum([0]));
            variation += (intercept ? group.sub(rest.mean([0])) : group).square().sum().ToDouble();
        }
        return (sums.data<double>().ToArray(), variation);

        Tensor Rows(Func<int, bool> isWanted) => tensor(Enumerable.Range(0, labels.Count).Where(isWanted).Select(row => (long)row).ToArray());
    }
}
