using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Flows;

/// <summary>A step's normalisation and channel permutation as one affine map of each pixel's channels, y = A·x + b, and the inverse of it.</summary>
/// <remarks>Worked out in float64 whatever the weights' type. The inverse comes from triangular solves on the factors P·L·U, once, not at every call.</remarks>
internal sealed class GlowFold : IDisposable
{
    private GlowFold(Tensor matrix, Tensor offset, Tensor inverse, Tensor inverseOffset, Tensor logDeterminant)
    {
        Matrix = matrix;
        Offset = offset;
        Inverse = inverse;
        InverseOffset = inverseOffset;
        LogDeterminant = logDeterminant;
    }

    /// <summary>A as the kernel of a 1×1 convolution, [c, c, 1, 1].</summary>
    public Tensor Matrix { get; }

    /// <summary>b, [c].</summary>
    public Tensor Offset { get; }

    /// <summary>A⁻¹, [c, c, 1, 1].</summary>
    public Tensor Inverse { get; }

    /// <summary>−A⁻¹·b, [c].</summary>
    public Tensor InverseOffset { get; }

    /// <summary>log|det A|, of one pixel; a float64 scalar.</summary>
    public Tensor LogDeterminant { get; }

    /// <summary>Works the map out as it stands, so that gradients reach the weights. The inverse is not part of it.</summary>
    public static (Tensor Matrix, Tensor Offset, Tensor LogDeterminant) Forward(GlowDialect dialect, WeightSet weights, int level, string step)
    {
        (Tensor shift, Tensor scale, Tensor logScale) = dialect.ActNorm(weights, step);
        (Tensor rotation, Tensor logDeterminant) = Rotation(dialect, weights, level, step);
        Tensor wide = scale.to_type(ScalarType.Float64);
        Tensor matrix = rotation * wide;
        Tensor offset = rotation.mv(wide * shift.to_type(ScalarType.Float64));
        return (Kernel(matrix, scale.dtype), offset.to_type(scale.dtype), logDeterminant + logScale.to_type(ScalarType.Float64).sum());
    }

    /// <summary>Works out map and inverse for keeps.</summary>
    public static GlowFold Of(GlowDialect dialect, WeightSet weights, int level, string step)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (Tensor matrix, Tensor offset, Tensor logDeterminant) = Forward(dialect, weights, level, step);
        (Tensor shift, Tensor scale, _) = dialect.ActNorm(weights, step);
        (Tensor permutation, Tensor lower, Tensor upper) = Factors(dialect, weights, level, step);
        Tensor rotated = linalg.solve_triangular(lower, permutation.t(), upper: false, unitriangular: true);
        Tensor inverse = linalg.solve_triangular(upper, rotated, upper: true) / scale.to_type(ScalarType.Float64).unsqueeze(1);
        return new GlowFold(
            Keep(matrix), Keep(offset), Keep(Kernel(inverse, scale.dtype)), Keep(shift.neg()), Keep(logDeterminant));
    }

    public void Dispose()
    {
        Matrix.Dispose();
        Offset.Dispose();
        Inverse.Dispose();
        InverseOffset.Dispose();
        LogDeterminant.Dispose();
    }

    private static Tensor Keep(Tensor tensor) => tensor.clone().DetachFromDisposeScope();

    private static Tensor Kernel(Tensor matrix, ScalarType dtype) => matrix.to_type(dtype).unsqueeze(2).unsqueeze(3);

    private static (Tensor Rotation, Tensor LogDeterminant) Rotation(GlowDialect dialect, WeightSet weights, int level, string step)
    {
        if (dialect.Shape.PermutationOf(level) == GlowPermutation.Convolution)
        {
            Tensor matrix = Wide(weights[step + dialect.Factors.Matrix]).flatten(1);
            (_, Tensor logarithm) = linalg.slogdet(matrix);
            return (matrix, logarithm);
        }
        (Tensor permutation, Tensor lower, Tensor upper) = Factors(dialect, weights, level, step);
        return (permutation.mm(lower).mm(upper), upper.diagonal().abs().log().sum());
    }

    // What lies outside the triangles in a checkpoint means nothing.
    private static (Tensor Permutation, Tensor Lower, Tensor Upper) Factors(GlowDialect dialect, WeightSet weights, int level, string step)
    {
        GlowFactorNames names = dialect.Factors;
        switch (dialect.Shape.PermutationOf(level))
        {
            case GlowPermutation.Convolution:
                (Tensor p, Tensor l, Tensor u) = linalg.lu(Wide(weights[step + names.Matrix]).flatten(1));
                return (p, l, u);
            case GlowPermutation.LuConvolution:
                Tensor lower = Wide(weights[step + names.Lower]);
                Tensor unit = Unit(lower);
                Tensor diagonal = Wide(weights[step + names.Sign]) * Wide(weights[step + names.LogDiagonal]).exp();
                return (Wide(weights[step + names.Permutation]), lower.tril(-1) + unit, Wide(weights[step + names.Upper]).triu(1) + diag(diagonal));
            default:
                // Row i of the matrix picks the channel that the order names in place i.
                Tensor order = weights[step + names.Order];
                Tensor one = Unit(order.unsqueeze(1));
                return (one.index_select(0, order.to_type(ScalarType.Int64)), one, one);
        }
    }

    private static Tensor Unit(Tensor like) => eye(like.size(0), dtype: ScalarType.Float64, device: like.device);

    private static Tensor Wide(Tensor weight) => weight.to_type(ScalarType.Float64);
}
