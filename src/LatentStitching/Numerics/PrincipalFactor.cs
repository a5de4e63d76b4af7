namespace LatentStitching.Numerics;

/// <summary>The thin singular value decomposition U·diag(s)·Vᵀ of a centred matrix [n, d], cut at its rank: descending, float64, in the dispose scope that is open at the call.</summary>
internal sealed class PrincipalFactor
{
    private PrincipalFactor(Tensor values, Tensor right, Tensor? left)
    {
        Values = values;
        Right = right;
        Left = left;
    }

    /// <summary>s [r], all above the rounding level.</summary>
    public Tensor Values { get; }

    /// <summary>V [d, r].</summary>
    public Tensor Right { get; }

    /// <summary>U [n, r]; null where only the Gram matrix was known.</summary>
    public Tensor? Left { get; }

    public long Rank => Values.size(0);

    /// <summary>From rows; singular values up to max(n, d)·ε·σ₁ count as zero.</summary>
    public static PrincipalFactor OfRows(Tensor rows)
    {
        CentredMatrix centred = CentredMatrix.Of(rows, centre: true);
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(centred.Whole(), fullMatrices: false);
        long rank = s.gt(s[0].mul(Math.Max(centred.Rows, centred.Columns) * Spectrum.Epsilon)).sum().ToInt64();
        return new PrincipalFactor(s.narrow(0, 0, rank), vh.narrow(0, 0, rank).t(), u.narrow(1, 0, rank));
    }

    /// <summary>From XᵀX of n rows; eigenvalues up to <see cref="MomentSolver.Cut"/> count as zero.</summary>
    public static PrincipalFactor OfGram(Tensor gram, long rows)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(gram);
        long width = gram.size(0);
        long rank = values.gt(values[width - 1].mul(MomentSolver.Cut(Math.Max(rows, width)))).sum().ToInt64();
        return new PrincipalFactor(values.narrow(0, width - rank, rank).flip(0).sqrt(), vectors.narrow(1, width - rank, rank).flip(1), null);
    }

    /// <summary>UₓᵀU_y [r_x, r_y] from XᵀY [p, q].</summary>
    public static Tensor Cosines(PrincipalFactor x, PrincipalFactor y, Tensor cross) =>
        x.Right.t().mm(cross).mm(y.Right).div(x.Values.unsqueeze(1)).div(y.Values.unsqueeze(0));
}
