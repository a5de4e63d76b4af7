using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Relative representations: latents described by their relations to anchors, and the way back.</summary>
/// <remarks>
/// <para>All take latents [n, d] and anchors [k, d], floating point, finite, on one device, and dispose or change neither. They are computed in float64 and return the dtype of the latents, [n, k], owned by the caller.
/// None centres: take the anchors' mean off both first where offsets should not matter.</para>
/// <para>What they do not feel: <see cref="Cosine"/> and <see cref="Angle"/> rotations and scale, <see cref="Distance"/> with exponent 2 rotations and offsets, with others permutations and offsets,
/// <see cref="ChangeOfBasis"/> every invertible linear map if the anchors are independent.</para>
/// <para>Sources: Moschella et al., "Relative Representations Enable Zero-Shot Latent Space Communication" (ICLR 2023, arXiv:2209.15430) (cosines); the other relations after latentis.</para>
/// </remarks>
public static class RelativeProjection
{
    /// <summary>The cosine of the angle between each latent and each anchor.</summary>
    /// <param name="latents">[n, d].</param>
    /// <param name="anchors">[k, d], no row of zeros.</param>
    /// <returns>[n, k], from −1 to 1; 0 for a latent of zeros.</returns>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, an entry is not finite, or an anchor is zero.</exception>
    public static Tensor Cosine(Tensor latents, Tensor anchors)
    {
        Require(latents, anchors);
        RequireDirections(anchors);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor cosines = Unit(Wide(latents)).mm(Unit(Wide(anchors)).t()).clamp(-1, 1);
        return cosines.to_type(latents.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The angle between each latent and each anchor, as a share of half a turn.</summary>
    /// <param name="latents">[n, d].</param>
    /// <param name="anchors">[k, d], no row of zeros.</param>
    /// <returns>[n, k], angle/π, from 0 (same direction) to 1 (opposite); ½ for a latent of zeros.</returns>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, an entry is not finite, or an anchor is zero.</exception>
    public static Tensor Angle(Tensor latents, Tensor anchors)
    {
        Require(latents, anchors);
        RequireDirections(anchors);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor u = Unit(Wide(latents)), v = Unit(Wide(anchors));
        // 2·atan2(‖u − v‖, ‖u + v‖) keeps the digits near 0 and π that the arc cosine loses (Kahan).
        Tensor angles = Distances(u, v, 2).atan2(Distances(u, v.neg(), 2)).mul(2 / Math.PI);
        return angles.to_type(latents.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>The Minkowski distance between each latent and each anchor: (Σ|z − a|^p)^(1/p).</summary>
    /// <param name="latents">[n, d].</param>
    /// <param name="anchors">[k, d].</param>
    /// <param name="exponent">p, at least 1, or positive infinity for the largest difference; 2, the default, is Euclidean, 1 the sum of differences.</param>
    /// <returns>[n, k], zero or more, in latent units.</returns>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, or an entry is not finite.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="exponent"/> is below 1 or not a number.</exception>
    public static Tensor Distance(Tensor latents, Tensor anchors, double exponent = 2)
    {
        Require(latents, anchors);
        if (!(exponent >= 1)) throw new ArgumentOutOfRangeException(nameof(exponent), string.Create(CultureInfo.InvariantCulture, $"exponent must be at least 1, but it is {exponent}."));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return Distances(Wide(latents), Wide(anchors), exponent).to_type(latents.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Each latent as a combination of the anchors: the coefficients c of least ‖c·A − z‖, of several the shortest.</summary>
    /// <param name="latents">[n, d].</param>
    /// <param name="anchors">A [k, d].</param>
    /// <returns>[n, k], without unit. Multiplied by the anchors they give the latents back as far as the anchors span them.</returns>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, or an entry is not finite.</exception>
    public static Tensor ChangeOfBasis(Tensor latents, Tensor anchors)
    {
        Require(latents, anchors);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return Wide(latents).mm(PseudoInverse(Wide(anchors))).to_type(latents.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Inverse relative projection: the latents whose cosines with anchors are given, as far as the anchors tell.</summary>
    /// <param name="relative">Cosines [n, k], of this space or of another one with the same anchors, floating point, finite. Not disposed.</param>
    /// <param name="anchors">The anchors [k, d] in the space to return to, no row of zeros. Not disposed.</param>
    /// <returns>[n, d] in the dtype of <paramref name="relative"/>: of all solutions of least error the shortest. Cosines hold no lengths: where they come from one space, and its anchors span it, each row has length 1.</returns>
    /// <exception cref="ArgumentException">A shape, dtype or device does not fit, an entry is not finite, or an anchor is zero.</exception>
    /// <remarks>relative·(Âᵀ)⁺, Â the anchors at length 1. Source: Maiorca et al., "Latent Space Translation via Inverse Relative Projection" (2024, arXiv:2406.15057).</remarks>
    public static Tensor FromCosine(Tensor relative, Tensor anchors)
    {
        TensorGuard.FiniteMatrix(anchors);
        TensorGuard.FiniteMatrix(relative);
        if (relative.size(1) != anchors.size(0))
        {
            throw new ArgumentException($"relative must have {anchors.size(0)} columns, one an anchor, but its shape is {TensorGuard.Shape(relative)}.", nameof(relative));
        }
        TensorGuard.SameDevice(relative, anchors, nameof(relative), nameof(anchors));
        RequireDirections(anchors);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor inverse = PseudoInverse(Unit(Wide(anchors)));
        return Wide(relative).mm(inverse.t()).to_type(relative.dtype).MoveToOuterDisposeScope();
    }

    /// <summary>Rows at length 1; a row of zeros stays.</summary>
    internal static Tensor Unit(Tensor rows)
    {
        Tensor largest = rows.abs().amax([1], keepdim: true);
        // Scaled first, so that squares of very small or large entries neither vanish nor overflow.
        Tensor scaled = rows.div(largest.masked_fill(largest.eq(0), 1));
        Tensor length = scaled.square().sum([1], keepdim: true).sqrt();
        return scaled.div(length.masked_fill(length.eq(0), 1));
    }

    private static Tensor Wide(Tensor values) => values.to_type(ScalarType.Float64);

    // Not through a product: |z|² − 2za + |a|² cancels where a latent is near an anchor.
    private static Tensor Distances(Tensor rows, Tensor others, double exponent) =>
        cdist(rows, others, exponent, compute_mode.donot_use_mm_for_euclid_dist);

    // Cut at max(k, d)·ε·σ₁.
    private static Tensor PseudoInverse(Tensor matrix)
    {
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(matrix, fullMatrices: false);
        double cut = Math.Max(matrix.size(0), matrix.size(1)) * Spectrum.Epsilon * s[0].ToDouble();
        long rank = s.gt(cut).sum().ToInt64();
        return vh.narrow(0, 0, rank).t().div(s.narrow(0, 0, rank)).mm(u.narrow(1, 0, rank).t());
    }

    private static void Require(Tensor latents, Tensor anchors)
    {
        TensorGuard.FiniteMatrix(latents);
        TensorGuard.Latents(anchors, latents.size(1), "the latents");
        TensorGuard.SameDevice(latents, anchors, nameof(latents), nameof(anchors));
    }

    private static void RequireDirections(Tensor anchors)
    {
        using var scope = NewDisposeScope();
        Tensor zero = anchors.eq(0).all(1);
        if (!zero.any().ToBoolean()) return;
        long row = zero.to_type(ScalarType.Int32).argmax().ToInt64();
        throw new ArgumentException($"anchors must have a direction each, but row {row} is zero. Drop it, or measure distances.", nameof(anchors));
    }
}
