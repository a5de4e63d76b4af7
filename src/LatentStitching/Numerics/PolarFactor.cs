namespace LatentStitching.Numerics;

/// <summary>The isometric factor of a matrix's polar decomposition: U·Vᵀ of M = U·Σ·Vᵀ, which maximises tr(RᵀM) over all contractions R.</summary>
/// <remarks>
/// Directions with a singular value not above the cut are left out: of all maximisers that is the one of least norm, and it does not depend on how the decomposition
/// completes its bases. Source: Higham, "Functions of Matrices" (SIAM 2008), chapter 8 (canonical polar decomposition).
/// </remarks>
internal sealed class PolarFactor
{
    private PolarFactor(Tensor matrix, double[] singularValues, long rank)
    {
        Matrix = matrix;
        SingularValues = singularValues;
        Rank = rank;
    }

    /// <summary>R [p, q], float64.</summary>
    public Tensor Matrix { get; }

    /// <summary>All min(p, q) singular values of M, descending.</summary>
    public double[] SingularValues { get; }

    /// <summary>How many of them lie above the cut.</summary>
    public long Rank { get; }

    /// <summary>Decomposes a float64 matrix [p, q].</summary>
    /// <param name="matrix">M.</param>
    /// <param name="cut">Singular values up to this count as zero.</param>
    /// <param name="complete">Whether the left-out directions are filled up with the decomposition's own choice, so that R is semi-orthogonal.</param>
    public static PolarFactor Of(Tensor matrix, double cut, bool complete)
    {
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(matrix, fullMatrices: false);
        double[] values = s.cpu().data<double>().ToArray();
        long rank = values.Count(value => value > cut);
        long kept = complete ? values.Length : rank;
        return new PolarFactor(u.narrow(1, 0, kept).mm(vh.narrow(0, 0, kept)), values, rank);
    }

    /// <summary>Decomposes a square matrix into its nearest rotation: where U·Vᵀ has determinant −1, the last direction is turned round.</summary>
    public static PolarFactor Rotation(Tensor matrix, double cut)
    {
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(matrix, fullMatrices: false);
        double[] values = s.cpu().data<double>().ToArray();
        Tensor rotation = u.mm(vh);
        if (linalg.det(rotation).ToDouble() < 0)
        {
            long last = values.Length - 1;
            rotation = rotation.sub(u.narrow(1, last, 1).mm(vh.narrow(0, last, 1)).mul(2));
        }
        return new PolarFactor(rotation, values, values.Count(value => value > cut));
    }

    /// <summary>The rounding level of XᵀY: max(p, q)·ε·‖X‖‖Y‖.</summary>
    public static double CutOf(Tensor cross, double norms) => Math.Max(cross.size(0), cross.size(1)) * Spectrum.Epsilon * norms;
}
