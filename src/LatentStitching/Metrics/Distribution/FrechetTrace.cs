using LatentStitching.Numerics;
using LatentStitching.Numerics.Products;

namespace LatentStitching.Metrics.Distribution;

/// <summary>tr(Σ₁Σ₂)^½ = ‖A Bᵀ‖₊, the sum of the singular values, for factors Σ₁ = AᵀA and Σ₂ = BᵀB.</summary>
internal static class FrechetTrace
{
    private const double Precision = 1e-8;
    private const double Rounding = 2.220446049250313e-16;

    public static double Of(GaussianFactor one, GaussianFactor other)
    {
        // Without variance there is no factor to take.
        if (one.Trace == 0 || other.Trace == 0) return 0;
        if (one.IsRows || other.IsRows) return Sum(Rows(one).mm(Rows(other).t()));
        Tensor? a = Cholesky(one), b = Cholesky(other);
        Tensor product = a is not null && b is not null ? UpperTimesLower(a, b) : (a ?? Spectral(one)).mm((b ?? Spectral(other)).t());
        return Sum(product, one.Trace + other.Trace);
    }

    private static Tensor Rows(GaussianFactor factor) => factor.IsRows ? factor.Value : Cholesky(factor) ?? Spectral(factor);

    private static double Sum(Tensor product) => linalg.svdvals(product).sum().ToDouble();

    /// <summary>The sum of the singular values by the eigenvalues of the Gram matrix, which cost less, unless their rounding shows beside the traces.</summary>
    private static double Sum(Tensor product, double traces)
    {
        Tensor gram = zeros(product.size(0), product.size(0), ScalarType.Float64);
        Product.AddLower(gram, product, product.t());
        Tensor squares = linalg.eigvalsh(gram, 'L').clamp_(min: 0);
        // An eigenvalue is off by up to ε times the largest, its root by the smaller of δ/2√λ and √δ.
        double error = squares.max().ToDouble() * Rounding;
        Tensor roots = squares.sqrt();
        double bound = minimum(error / (2 * roots), full_like(roots, Math.Sqrt(error))).nan_to_num(0).sum().ToDouble();
        return bound <= Precision * traces ? roots.sum().ToDouble() : Sum(product);
    }

    /// <summary>The upper triangular A with AᵀA = Σ, or null where Σ is singular. [d, d].</summary>
    private static Tensor? Cholesky(GaussianFactor covariance)
    {
        (Tensor lower, Tensor info) = linalg.cholesky_ex(covariance.Value);
        return info.ToInt32() == 0 ? lower.t() : null;
    }

    /// <summary>Eigenvectors times the roots of their eigenvalues, without those that are rounding. [r, d].</summary>
    private static Tensor Spectral(GaussianFactor covariance)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(covariance.Value);
        Tensor kept = values.gt(values.max().ToDouble() * values.size(0) * Rounding).nonzero().squeeze(1);
        return (vectors.index_select(1, kept) * values.index_select(0, kept).sqrt()).t();
    }

    /// <summary>A Bᵀ for upper triangular A and B, without most of the products with zeros: 0.4 of the work.</summary>
    private static Tensor UpperTimesLower(Tensor a, Tensor b)
    {
        long width = a.size(0);
        Tensor lower = b.t(), product = empty(width, width, ScalarType.Float64);
        long panel = Math.Max(256, width / 8);
        foreach ((long i, long rows) in CentredMatrix.Blocks(width, panel))
        {
            foreach ((long j, long columns) in CentredMatrix.Blocks(width, panel))
            {
                using var scope = NewDisposeScope();
                long from = Math.Max(i, j);
                Product.Set(product.narrow(0, i, rows).narrow(1, j, columns), a.narrow(0, i, rows).narrow(1, from, width - from), lower.narrow(0, from, width - from).narrow(1, j, columns));
            }
        }
        return product;
    }
}
