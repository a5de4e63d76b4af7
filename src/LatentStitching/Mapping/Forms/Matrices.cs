namespace LatentStitching.Mapping.Forms;

/// <summary>What the forms ask of a plain matrix.</summary>
internal static class Matrices
{
    /// <summary>c where the rows of M (its columns, where it is taller than wide) are √c times an orthonormal set; exactly 1 where c is within the tolerance of 1; else null.</summary>
    public static double? OrthogonalScale(Tensor matrix, double tolerance)
    {
        using var scope = NewDisposeScope();
        Tensor rows = matrix.to_type(ScalarType.Float64);
        if (rows.size(0) > rows.size(1)) rows = rows.t();
        // The rows' lengths cost little and rule almost every other matrix out.
        Tensor lengths = rows.square().sum(1);
        double scale = lengths.mean().ToDouble();
        if (!(scale > 0) || lengths.sub(scale).abs().max().ToDouble() > tolerance * scale) return null;
        Tensor gram = rows.mm(rows.t());
        gram.diagonal().sub_(scale);
        if (gram.abs().max().ToDouble() > tolerance * scale) return null;
        return Math.Abs(scale - 1) <= tolerance ? 1 : scale;
    }

    /// <summary>M⁺ of a float64 matrix, singular values up to relativeCut·σ₁ taken as zero, and the singular values, descending.</summary>
    public static (Tensor Inverse, Tensor SingularValues) PseudoInverse(Tensor matrix, double relativeCut)
    {
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(matrix, fullMatrices: false);
        long rank = s.gt(relativeCut * s[0].ToDouble()).sum().ToInt64();
        if (rank == 0) return (zeros(matrix.size(1), matrix.size(0), matrix.dtype, matrix.device), s);
        Tensor inverse = vh.narrow(0, 0, rank).t().div(s.narrow(0, 0, rank)).mm(u.narrow(1, 0, rank).t());
        return (inverse, s);
    }

    /// <summary>The least singular value above relativeCut·σ₁; 0 where there is none.</summary>
    public static double Least(Tensor values, double relativeCut)
    {
        using var scope = NewDisposeScope();
        Tensor kept = values[values.gt(relativeCut * values[0].ToDouble())];
        return kept.numel() == 0 ? 0 : kept.min().ToDouble();
    }
}
