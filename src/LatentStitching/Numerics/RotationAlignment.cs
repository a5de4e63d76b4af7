namespace LatentStitching.Numerics;

/// <summary>How near two configurations of n points come by rotations and reflections, the narrower filled up with zeros.</summary>
internal static class RotationAlignment
{
    /// <summary>min ‖A·Q − B‖ over orthogonal Q, for float64 matrices with n rows each.</summary>
    /// <remarks>From the aligned rows: √(‖A‖² + ‖B‖² − 2‖AᵀB‖_*) cancels where the two are alike, to 10⁻⁸ for what is 0. Schönemann, Psychometrika 31 (1966).</remarks>
    public static double Distance(Tensor a, Tensor b)
    {
        if (a.size(1) > b.size(1)) (a, b) = (b, a);
        Tensor rotation = PolarFactor.Of(a.t().mm(b), cut: 0, complete: true).Matrix;
        return b.addmm(a, rotation, beta: -1, alpha: 1).norm().ToDouble();
    }

    /// <summary>Centred rows [n, min(n, d)] with the same distances between them: what rotations cannot tell from the latents [n, d].</summary>
    public static Tensor Configuration(Tensor latents)
    {
        Tensor rows = CentredMatrix.Of(latents, centre: true).Whole();
        return rows.size(1) <= rows.size(0) ? rows : linalg.qr(rows.t()).R.t().contiguous();
    }

    /// <summary>The angle between two unit vectors from their distance: 2·asin(d/2) keeps the digits that the arc cosine loses near 0.</summary>
    public static double Angle(double distance) => 2 * Math.Asin(Math.Min(distance / 2, 1));
}
