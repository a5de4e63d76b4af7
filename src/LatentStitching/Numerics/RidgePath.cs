namespace LatentStitching.Numerics;

/// <summary>Ridge regression for many strengths from one eigendecomposition of the smaller of XᵀX and XXᵀ, with exact leave-one-out errors.</summary>
/// <remarks>
/// With X = U·diag(√λ)·Vᵀ centred, fitted values are U·diag(λ/(λ+α))·UᵀY and the leverage of row i is hᵢ = 1/n + Σⱼ Uᵢⱼ²·λⱼ/(λⱼ+α) (the 1/n only with an intercept); the
/// residual of row i under the fit without it is eᵢ/(1 − hᵢ): Allen (1974), PRESS; Rifkin and Lippert, MIT-CSAIL-TR-2007-025. Where d ≥ n, e = α(XXᵀ+αI)⁻¹Y and
/// 1 − hᵢ = α[(XXᵀ+αI)⁻¹]ᵢᵢ − 1/n, in which nothing cancels as α → 0.
/// </remarks>
internal sealed class RidgePath
{
    private readonly CentredMatrix _x;
    private readonly CentredMatrix _y;
    private readonly bool _intercept;
    private readonly Tensor _eigenvalues; // [r]
    private readonly Tensor _left;        // U, [n, r]
    private readonly Tensor? _right;      // V, [d, r], primal only
    private readonly Tensor _shares;      // UᵀY, [r, t]

    private RidgePath(CentredMatrix x, CentredMatrix y, bool intercept, Tensor eigenvalues, Tensor left, Tensor? right)
    {
        _x = x;
        _y = y;
        _intercept = intercept;
        _eigenvalues = eigenvalues;
        _left = left;
        _right = right;
        _shares = left.t().mm(y.Whole());
    }

    public bool IsPrimal => _right is not null;

    public bool HasIntercept => _intercept;

    /// <summary>The mean eigenvalue of XᵀX, tr(XᵀX)/d: the unit in which strengths are chosen.</summary>
    public required double MeanEigenvalue { get; init; }

    public required long Rank { get; init; }

    public required double ConditionNumber { get; init; }

    /// <summary>True where X determines the map, so that α = 0 has a leave-one-out error.</summary>
    public bool IsDetermined => IsPrimal && Rank == _x.Columns && _x.Rows > Rank + (_intercept ? 1 : 0);

    public static RidgePath Of(CentredMatrix x, CentredMatrix y, bool intercept, CancellationToken cancellationToken)
    {
        long n = x.Rows, d = x.Columns;
        bool primal = d < n;
        Tensor moments = primal ? x.Gram() : x.Kernel();
        cancellationToken.ThrowIfCancellationRequested();
        double trace = moments.trace().ToDouble();
        (Tensor values, Tensor vectors) = linalg.eigh(moments);
        cancellationToken.ThrowIfCancellationRequested();
        double largest = values[-1].ToDouble();
        Tensor kept = values.gt(largest * Math.Max(n, d) * Spectrum.Epsilon).nonzero().squeeze(1);
        long rank = kept.size(0);
        double condition = rank == 0 ? double.PositiveInfinity : Math.Sqrt(largest / values[kept[0]].ToDouble());

        if (!primal)
        {
            // All n directions stay: 1 − h needs those without variance too.
            return new RidgePath(x, y, intercept, values.clamp_min(0), vectors, null) { MeanEigenvalue = trace / d, Rank = rank, ConditionNumber = condition };
        }
        values = values.index_select(0, kept);
        vectors = vectors.index_select(1, kept);
        Tensor left = empty(n, rank, ScalarType.Float64, moments.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(n, x.BlockRows))
        {
            using var scope = NewDisposeScope();
            left.narrow(0, start, size).copy_(x.Block(start, size).mm(vectors).div(values.sqrt()));
        }
        return new RidgePath(x, y, intercept, values, left, vectors) { MeanEigenvalue = trace / d, Rank = rank, ConditionNumber = condition };
    }

    /// <summary>Trace of the hat matrix, the intercept included.</summary>
    public double DegreesOfFreedom(double alpha)
    {
        using var scope = NewDisposeScope();
        return (alpha == 0 ? Rank : _eigenvalues.div(_eigenvalues.add(alpha)).sum().ToDouble()) + (_intercept ? 1 : 0);
    }

    /// <summary>n less <see cref="DegreesOfFreedom"/>, summed so that nothing cancels as α → 0.</summary>
    public double DegreesLeft(double alpha)
    {
        using var scope = NewDisposeScope();
        long free = _intercept ? _x.Rows - 1 : _x.Rows;
        // The dual's least eigenvalue is that of the vector of ones, which the mean takes.
        Tensor own = IsPrimal ? _eigenvalues : _eigenvalues.narrow(0, _x.Rows - free, free);
        return free - own.size(0) + (alpha == 0 ? 0 : own.add(alpha).reciprocal().mul(alpha).sum().ToDouble());
    }

    /// <summary>Σᵢ of squared leave-one-out residuals and Σᵢ of squared training residuals, each a target, [2, t].</summary>
    public Tensor Errors(double alpha)
    {
        Tensor sums = zeros(2, _y.Columns, ScalarType.Float64, _left.device);
        using var scope = NewDisposeScope();
        // Kept share of each direction (primal), or left-over share (dual).
        Tensor factor = IsPrimal ? _eigenvalues.div(_eigenvalues.add(alpha)) : _eigenvalues.add(alpha).reciprocal().mul(alpha);
        Tensor shrunk = _shares.mul(factor.unsqueeze(1));
        double mean = _intercept ? 1.0 / _x.Rows : 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(_x.Rows, _y.BlockRows))
        {
            using var block = NewDisposeScope();
            Tensor rows = _left.narrow(0, start, size);
            Tensor product = rows.mm(shrunk);
            Tensor error = IsPrimal ? _y.Block(start, size).sub(product) : product;
            Tensor weights = rows.square().mv(factor);
            Tensor left = IsPrimal ? weights.neg().add(1 - mean) : weights.sub(mean);
            Tensor squares = error.square();
            sums.select(0, 0).add_(squares.div(left.square().unsqueeze(1)).sum([0]));
            sums.select(0, 1).add_(squares.sum([0]));
        }
        return sums;
    }

    /// <summary>Coefficients [d, t] for one strength a target, all positive. <paramref name="alphas"/> is [t] or [1].</summary>
    public Tensor Weights(Tensor alphas)
    {
        using var scope = NewDisposeScope();
        Tensor inverse = _eigenvalues.unsqueeze(1).add(alphas.unsqueeze(0)).reciprocal();
        // Primal: V·(√λ/(λ+α))·UᵀY. Dual: Xᵀ·U·(1/(λ+α))·UᵀY.
        Tensor weights = _right is null
            ? _x.TransposeTimes(_left.mm(_shares.mul(inverse)))
            : _right.mm(_shares.mul(inverse.mul(_eigenvalues.sqrt().unsqueeze(1))));
        return weights.MoveToOuterDisposeScope();
    }
}
