namespace LatentStitching.Numerics;

/// <summary>The decomposition XᵀX = V·diag(λ)·Vᵀ without what counts as zero: from XᵀX where that holds its digits, else from the singular values of X itself.</summary>
/// <remarks>
/// XᵀX knows λ to about ε·λ₁, and X·V/√λ is orthonormal to ε·λ₁/λ: six digits where λ is 10⁻¹⁰ of λ₁. What is smaller may be rounding or a direction of X. X·v tells the two apart, and only the second takes a singular value
/// decomposition, which costs several times as much; singular values up to max(n, d)·ε·σ₁ count as zero, as they do for least squares. The tensors belong to the dispose scope that is open at the call.
/// </remarks>
internal sealed class GramSpectrum
{
    // Of λ₁: half the digits that XᵀX has.
    private const double Small = 1e-10;

    /// <summary>λ, [r], in no promised order.</summary>
    public required Tensor Values { get; init; }

    /// <summary>V, [d, r].</summary>
    public required Tensor Vectors { get; init; }

    /// <summary>U = X·V·diag(1/√λ), [n, r], orthonormal to rounding, where X was decomposed; null where XᵀX was.</summary>
    public required Tensor? Left { get; init; }

    /// <summary>σ₁/σᵣ of X; infinite for rank 0.</summary>
    public required double ConditionNumber { get; init; }

    /// <summary>Number of directions r that do not count as zero.</summary>
    public long Rank => Values.size(0);

    /// <summary>Decomposes.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="gram">XᵀX. Not changed.</param>
    /// <param name="cancellationToken">Cancels between steps.</param>
    public static GramSpectrum Of(CentredMatrix x, Tensor gram, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        (Tensor values, Tensor vectors) = linalg.eigh(gram);
        cancellationToken.ThrowIfCancellationRequested();
        double largest = values[-1].ToDouble(), rounding = Math.Max(x.Rows, x.Columns) * Spectrum.Epsilon;
        // Ascending: the small ones come first.
        long small = values.le(Small * largest).sum().ToInt64(), rank = values.size(0) - small;
        if (rank > 0 && small > 0 && SumOfSquares(x, vectors.narrow(1, 0, small)) > rounding * rounding * largest) return Decomposed(x, rounding);
        (values, vectors) = (values.narrow(0, small, rank), vectors.narrow(1, small, rank));
        return new GramSpectrum
        {
            Values = values.MoveToOuterDisposeScope(),
            Vectors = vectors.MoveToOuterDisposeScope(),
            Left = null,
            ConditionNumber = rank == 0 ? double.PositiveInfinity : Math.Sqrt(largest / values[0].ToDouble()),
        };
    }

    private static GramSpectrum Decomposed(CentredMatrix x, double rounding)
    {
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(x.Exact().Whole(), fullMatrices: false);
        double largest = s[0].ToDouble();
        long rank = s.gt(rounding * largest).sum().ToInt64();
        s = s.narrow(0, 0, rank);
        return new GramSpectrum
        {
            Values = s.square().MoveToOuterDisposeScope(),
            Vectors = vh.narrow(0, 0, rank).t().MoveToOuterDisposeScope(),
            Left = u.narrow(1, 0, rank).contiguous().MoveToOuterDisposeScope(),
            ConditionNumber = largest / s[rank - 1].ToDouble(),
        };
    }

    /// <summary>‖XV‖².</summary>
    public static double SumOfSquares(CentredMatrix x, Tensor vectors)
    {
        double sum = 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(x.Rows, x.BlockRows))
        {
            using var scope = NewDisposeScope();
            sum += CentredMatrix.SumOfSquares(x.Block(start, size).mm(vectors));
        }
        return sum;
    }
}
