namespace LatentStitching.Metrics.Distribution;

/// <summary>tr(Σ₁Σ₂)^½ = ‖A Bᵀ‖₊, the sum of the singular values, for factors Σ₁ = AᵀA and Σ₂ = BᵀB.</summary>
internal static class FrechetTrace
{
    private const double Precision = 1e-8;

    public static double Of(GaussianFactor one, GaussianFactor other)
    {
        // Without variance there is no factor to take.
        if (one.Trace == 0 || other.Trace == 0) return 0;
        if (one.IsRows && other.IsRows) return NuclearNorm(one.Value, other.Value);
        if (!one.IsRows && !other.IsRows)
        {
            // Of two triangular factors: their product is square, and its Gram matrix costs less than its singular values.
            return NuclearNorm(Factor(one), Factor(other), one.Trace + other.Trace);
        }
        GaussianFactor rows = one.IsRows ? one : other, whole = one.IsRows ? other : one;
        return NuclearNorm(rows.Value, Factor(whole));
    }

    private static double NuclearNorm(Tensor a, Tensor b) => linalg.svdvals(a.mm(b.t())).sum().ToDouble();

    private static double NuclearNorm(Tensor a, Tensor b, double scale)
    {
        Tensor product = a.mm(b.t());
        Tensor squares = linalg.eigvalsh(product.mm(product.t())).clamp_(min: 0);
        // An eigenvalue is off by up to ε times the largest, its root by the smaller of δ/2√λ and √δ.
        double error = squares.max().ToDouble() * 2.220446049250313e-16;
        Tensor roots = squares.sqrt();
        double bound = minimum(error / (2 * roots), full_like(roots, Math.Sqrt(error))).nan_to_num(0).sum().ToDouble();
        return bound <= Precision * scale ? roots.sum().ToDouble() : linalg.svdvals(product).sum().ToDouble();
    }

    /// <summary>B with BᵀB = Σ: the Cholesky factor, or where Σ is singular its eigenvectors times the roots of its positive eigenvalues. [r, d].</summary>
    private static Tensor Factor(GaussianFactor covariance)
    {
        (Tensor lower, Tensor info) = linalg.cholesky_ex(covariance.Value);
        if (info.ToInt32() == 0) return lower.t();
        (Tensor values, Tensor vectors) = linalg.eigh(covariance.Value);
        // Below this an eigenvalue is rounding.
        Tensor kept = values.gt(values.max().ToDouble() * values.size(0) * 2.220446049250313e-16).nonzero().squeeze(1);
        return (vectors.index_select(1, kept) * values.index_select(0, kept).sqrt()).t();
    }
}
