namespace LatentStitching.Numerics;

/// <summary>The leading right singular vectors of a large matrix by randomised subspace iteration.</summary>
/// <remarks>
/// Halko, Martinsson and Tropp, SIAM Review 53 (2011), algorithm 4.4 with orthonormalisation at each half-step, then 5.1. The large products run in the dtype of the rows; the
/// small orthogonalisations and the last decomposition in float64.
/// </remarks>
internal static class PrincipalSubspace
{
    private const int Oversampling = 16;
    private const int Iterations = 6;

    /// <summary>Components [k, d] and singular values [k], float64, of centred rows [n, d].</summary>
    public static (Tensor Components, Tensor Singular) Find(Tensor rows, long dimension, ulong seed)
    {
        long width = Math.Min(dimension + Oversampling, Math.Min(rows.size(0), rows.size(1)));
        using var scope = NewDisposeScope();
        using Generator generator = new(seed, rows.device);
        Tensor basis = Orthonormal(randn([rows.size(1), width], rows.dtype, rows.device, generator: generator));
        for (int i = 0; i < Iterations; i++)
        {
            using var step = NewDisposeScope();
            Tensor image = Orthonormal(rows.mm(basis));
            basis = Orthonormal(rows.t().mm(image)).MoveToOuterDisposeScope();
        }
        Tensor left = Orthonormal(rows.mm(basis));
        Tensor small = left.t().mm(rows).to_type(ScalarType.Float64);
        (_, Tensor s, Tensor vh) = linalg.svd(small, fullMatrices: false);
        return (vh.narrow(0, 0, dimension).MoveToOuterDisposeScope(), s.narrow(0, 0, dimension).MoveToOuterDisposeScope());
    }

    /// <summary>Turns each row so that its entry of largest magnitude is positive: singular vectors come with an arbitrary sign.</summary>
    public static Tensor WithFixedSigns(Tensor components)
    {
        using var scope = NewDisposeScope();
        Tensor largest = components.gather(1, components.abs().argmax(1, keepdim: true));
        return components.mul(largest.sign()).MoveToOuterDisposeScope();
    }

    private static Tensor Orthonormal(Tensor columns) =>
        linalg.qr(columns.to_type(ScalarType.Float64)).Q.to_type(columns.dtype);
}
