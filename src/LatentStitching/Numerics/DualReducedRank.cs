namespace LatentStitching.Numerics;

/// <summary>Reduced-rank ridge regression from the rows' side: every rank from inner products of rows alone, [n, n], however wide the latents are.</summary>
/// <remarks>
/// <para>With XXᵀ = U·Λ·Uᵀ the ridge solution is B = Xᵀ·U(Λ + αI)⁻¹UᵀY, and the matrix whose eigenvectors V order the target's directions is Bᵀ(XᵀX + αI)B = AᵀA with A = D^½·UᵀY, D = Λ/(Λ + α).
/// Its other side, AAᵀ = D^½·Uᵀ(YYᵀ)U·D^½ = P·S²·Pᵀ, is [n, n] and gives V = AᵀP/S. So B·V = XᵀG and V = YᵀH, with G = U(Λ(Λ + α))^(−½)·P·S and H = U·D^½·P/S. The product of a column of G with one of H does not
/// feel S, so that small singular values cost it no digits.</para>
/// <para>Directions of X whose λ is at most max(n, d)·ε·λ₁ count as absent. The residuals of the ridge solution are α·U(Λ + αI)⁻¹UᵀY, so that all its leave-one-out errors need of the targets is UᵀYYᵀU: <see cref="RidgePath"/>.</para>
/// <para>The tensors belong to the dispose scope that is open at the call.</para>
/// <para>Sources: Izenman, "Reduced-Rank Regression for the Multivariate Linear Model", Journal of Multivariate Analysis 5 (1975); Mukherjee and Zhu, "Reduced Rank Ridge Regression and Its Kernel Extensions",
/// Statistical Analysis and Data Mining 4 (2011).</para>
/// </remarks>
internal sealed class DualReducedRank
{
    private const long ColumnBlock = 1008;
    private readonly Tensor _values;  // λ, [n], ascending
    private readonly Tensor _vectors; // U, [n, n]
    private readonly Tensor _targets; // Uᵀ(YYᵀ)U, [n, n]

    private DualReducedRank(Tensor values, Tensor vectors, Tensor targets, long columns)
    {
        double largest = values[-1].ToDouble();
        Tensor kept = values.gt(largest * Math.Max(values.size(0), columns) * Spectrum.Epsilon);
        Rank = kept.sum().ToInt64();
        ConditionNumber = Rank == 0 ? double.PositiveInfinity : Math.Sqrt(largest / values[-Rank].ToDouble());
        MeanEigenvalue = values.sum().ToDouble() / columns;
        // Rounding above zero would stand where 1 − h of a small strength cancels the mean's share.
        _values = where(kept, values, zeros_like(values));
        _vectors = vectors;
        _targets = targets;
    }

    /// <summary>Rank of X.</summary>
    public long Rank { get; }

    /// <summary>σ₁/σᵣ of X, r its rank; infinite for rank 0.</summary>
    public double ConditionNumber { get; }

    /// <summary>tr(XᵀX)/d: the unit in which strengths are chosen.</summary>
    public double MeanEigenvalue { get; }

    /// <summary>Decomposes the source.</summary>
    /// <param name="source">XXᵀ of centred rows, [n, n].</param>
    /// <param name="target">YYᵀ, [n, n].</param>
    /// <param name="columns">Width d of the source.</param>
    public static DualReducedRank Of(Tensor source, Tensor target, long columns)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(source);
        return new DualReducedRank(values, vectors, vectors.t().mm(target).mm(vectors), columns);
    }

    /// <summary>The same from the target's rows: three times the work for UᵀY, in which the share of a direction without target keeps its own small size, as weak strengths need it.</summary>
    public static DualReducedRank Of(Tensor source, CentredMatrix target, long columns)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(source);
        Tensor shared = zeros_like(vectors);
        foreach ((long start, long size) in CentredMatrix.Blocks(target.Columns, ColumnBlock))
        {
            using var scope = NewDisposeScope();
            Tensor shares = vectors.t().mm(target.ColumnsOf(start, size));
            shared.addmm_(shares, shares.t());
        }
        return new DualReducedRank(values, vectors, shared, columns);
    }

    /// <summary>Sums of the squared leave-one-out residuals and of the squared training residuals of the ridge solution, over all targets.</summary>
    public (double LeaveOneOut, double Training) Errors(double alpha, bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor left = _values.add(alpha).reciprocal_().mul_(alpha), residuals = _vectors.mul(left);
        Tensor squares = residuals.mm(_targets).mul_(residuals).sum([1]), open = _vectors.square().mv(left).sub_(intercept ? 1.0 / _values.size(0) : 0);
        return (squares.div(open.square()).sum().ToDouble(), squares.sum().ToDouble());
    }

    /// <summary>Σλ/(λ + α): the parameters that the ridge solution spends on each target, without the intercept.</summary>
    public double DegreesOfFreedom(double alpha)
    {
        using var scope = NewDisposeScope();
        return _values.div(_values.add(alpha)).sum().ToDouble();
    }

    /// <summary>The directions of all ranks: G and H, [n, k], and S², [k], descending.</summary>
    /// <param name="alpha">The strength, zero or more.</param>
    public RankDirections Directions(double alpha)
    {
        long rows = _values.size(0);
        if (Rank == 0) return RankDirections.None(rows, _values.device);
        Tensor values = _values.narrow(0, rows - Rank, Rank), vectors = _vectors.narrow(1, rows - Rank, Rank), shares = values.div(values.add(alpha)).sqrt_();
        Tensor moments = _targets.narrow(0, rows - Rank, Rank).narrow(1, rows - Rank, Rank).mul(shares.unsqueeze(1)).mul_(shares);
        (Tensor energies, Tensor turned) = linalg.eigh(moments.add(moments.t()).div_(2));
        (energies, turned) = (energies.flip(0), turned.flip(1));
        double largest = energies[0].ToDouble();
        if (largest <= 0) return RankDirections.None(rows, _values.device);
        Tensor lengths = energies.clamp_min(largest * rows * Spectrum.Epsilon).sqrt_();
        return new RankDirections(
            vectors.mm(turned.div(values.mul(values.add(alpha)).sqrt_().unsqueeze(1))).mul_(lengths),
            vectors.mm(turned.mul(shares.unsqueeze(1))).div_(lengths),
            energies.clamp_min(0));
    }
}
