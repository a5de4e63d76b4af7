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
}
