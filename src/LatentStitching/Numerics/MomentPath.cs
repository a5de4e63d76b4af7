using LatentStitching.Numerics.Products;

namespace LatentStitching.Numerics;

/// <summary>Ridge regression for many strengths from one eigendecomposition of XᵀX, without any rows: what <see cref="RidgePath"/> does where they are at hand.</summary>
/// <remarks>
/// With XᵀX = V·diag(λ)·Vᵀ and Z = VᵀXᵀY, (UᵀY)ⱼ = zⱼ/√λⱼ, of which the share α/(λⱼ + α) is left over: the residual sum of squares of a target column is that of least squares,
/// Σy² − Σⱼ zⱼ²/λⱼ, and Σⱼ zⱼ²/λⱼ·(α/(λⱼ + α))². Only the first part cancels, and where the rows are no more than the source's rank it is zero and known to be.
/// Leave-one-out errors need the rows' leverages; generalised cross-validation needs only these sums.
/// </remarks>
internal sealed class MomentPath
{
    private readonly Moments _moments;
    private readonly Tensor _eigenvalues; // [r]
    private readonly Tensor _vectors;     // V, [d, r]
    private readonly Tensor _shares;      // Z, [r, t]
    private readonly Tensor _explained;   // Z²/λ, [r, t]
    private readonly Tensor _unexplained; // of least squares, [t]

    private MomentPath(Moments moments, Tensor eigenvalues, Tensor vectors)
    {
        _moments = moments;
        _eigenvalues = eigenvalues;
        _vectors = vectors;
        _shares = Product.Of(vectors.t(), moments.Cross);
        _explained = _shares.square().div_(eigenvalues.unsqueeze(1));
        _unexplained = eigenvalues.size(0) == moments.FreeRows
            ? zeros_like(moments.TargetSquares)
            : moments.TargetSquares.sub(_explained.sum([0])).clamp_min_(0);
    }

    /// <summary>The mean eigenvalue of XᵀX, tr(XᵀX)/d: the unit in which strengths are chosen.</summary>
    public required double MeanEigenvalue { get; init; }

    public required double ConditionNumber { get; init; }

    public long Rank => _eigenvalues.size(0);

    /// <summary>True where the source determines the map, and rows are left to judge it by.</summary>
    public bool IsDetermined => Rank == _moments.Gram.size(0) && _moments.FreeRows > Rank;

    public static MomentPath Of(Moments moments, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        (Tensor values, Tensor vectors) = linalg.eigh(moments.Gram);
        cancellationToken.ThrowIfCancellationRequested();
        double largest = values[-1].ToDouble();
        Tensor kept = MomentSolver.Kept(values, moments.FreeRows, MomentSolver.Cut(moments.Count));
        return new MomentPath(moments, values.index_select(0, kept), vectors.index_select(1, kept))
        {
            MeanEigenvalue = moments.Gram.trace().ToDouble() / moments.Gram.size(0),
            ConditionNumber = kept.size(0) == 0 ? double.PositiveInfinity : Math.Sqrt(largest / values[kept[0]].ToDouble()),
        };
    }

    /// <summary>Trace of the hat matrix, the intercept included.</summary>
    public double DegreesOfFreedom(double alpha)
    {
        using var scope = NewDisposeScope();
        return (alpha == 0 ? Rank : _eigenvalues.div(_eigenvalues.add(alpha)).sum().ToDouble()) + (_moments.HasIntercept ? 1 : 0);
    }

    /// <summary>n less <see cref="DegreesOfFreedom"/>, summed so that nothing cancels where they are nearly n.</summary>
    public double DegreesLeft(double alpha)
    {
        using var scope = NewDisposeScope();
        return _moments.FreeRows - Rank + (alpha == 0 ? 0 : _eigenvalues.add(alpha).reciprocal().mul(alpha).sum().ToDouble());
    }

    /// <summary>Σᵢ of squared training residuals, each a target, [t].</summary>
    public Tensor TrainingErrors(double alpha)
    {
        using var scope = NewDisposeScope();
        Tensor left = _eigenvalues.add(alpha).reciprocal().mul(alpha).square();
        return _explained.mul(left.unsqueeze(1)).sum([0]).add_(_unexplained).MoveToOuterDisposeScope();
    }

    /// <summary>Coefficients [d, t] for one strength a target, all positive. <paramref name="alphas"/> is [t] or [1].</summary>
    public Tensor Weights(Tensor alphas)
    {
        using var scope = NewDisposeScope();
        return Product.Of(_vectors, _shares.div(_eigenvalues.unsqueeze(1).add(alphas.unsqueeze(0)))).MoveToOuterDisposeScope();
    }
}
