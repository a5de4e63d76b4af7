namespace LatentStitching.Numerics;

/// <summary>The decomposition X = U·diag(√λ)·Vᵀ of centred source rows, from one eigendecomposition of the smaller of XᵀX and XXᵀ: all that ridge regression of every strength on every target needs of the source.</summary>
/// <remarks>The tensors belong to the dispose scope that is open at the call.</remarks>
internal sealed class SourceSpectrum
{
    private const long RowBlock = 256; // whose squares stay in a core's cache
    // A million times what rounding leaves of 1 − h, a sum that comes near 1. In the dual, with an intercept, the sum comes near 1/n; without one nothing cancels.
    private const double Judged = 1e-10;

    private SourceSpectrum(CentredMatrix source, bool intercept, Tensor eigenvalues, Tensor left, Tensor? right)
    {
        Source = source;
        HasIntercept = intercept;
        Eigenvalues = eigenvalues;
        Left = left;
        Right = right;
    }

    public CentredMatrix Source { get; }

    public bool HasIntercept { get; }

    /// <summary>λ, [r].</summary>
    public Tensor Eigenvalues { get; }

    /// <summary>U, [n, r].</summary>
    public Tensor Left { get; }

    /// <summary>V, [d, r]; null where XXᵀ was decomposed.</summary>
    public Tensor? Right { get; }

    public bool IsPrimal => Right is not null;

    /// <summary>The mean eigenvalue of XᵀX, tr(XᵀX)/d: the unit in which strengths are chosen.</summary>
    public required double MeanEigenvalue { get; init; }

    public required long Rank { get; init; }

    public required double ConditionNumber { get; init; }

    /// <summary>Whether U is orthonormal to rounding, which it is not where it came from XᵀX.</summary>
    public required bool IsOrthonormal { get; init; }

    /// <summary>The least 1 − hᵢ that is more than rounding: of a row with less no left-out error is known, for it is eᵢ/(1 − hᵢ), noise over noise.</summary>
    public required double LeastLeverageLeft { get; init; }

    /// <summary>Decomposes the rows.</summary>
    /// <param name="x">The rows.</param>
    /// <param name="intercept">Whether their mean was taken off.</param>
    /// <param name="moments">XᵀX where there are more rows than columns, else XXᵀ; made here if null. Not changed.</param>
    /// <param name="cancellationToken">Cancels between steps.</param>
    public static SourceSpectrum Of(CentredMatrix x, bool intercept, Tensor? moments, CancellationToken cancellationToken)
    {
        long n = x.Rows, d = x.Columns;
        bool primal = d < n;
        moments ??= primal ? x.Gram() : x.Kernel();
        cancellationToken.ThrowIfCancellationRequested();
        double trace = moments.trace().ToDouble();
        return primal ? Primal(x, intercept, moments, trace / d, cancellationToken) : Dual(x, intercept, moments, trace / d, cancellationToken);
    }

    private static SourceSpectrum Primal(CentredMatrix x, bool intercept, Tensor gram, double mean, CancellationToken cancellationToken)
    {
        var spectrum = GramSpectrum.Of(x, gram, cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        long rank = spectrum.Rank;
        Tensor values = spectrum.Values, vectors = spectrum.Vectors;
        // Singular vectors of X are orthogonal to each other, but to the ones of the mean only as far as small directions are centred.
        double condition = spectrum.ConditionNumber, rounding = spectrum.Left is null ? 10 * Spectrum.Epsilon * condition * condition : Spectrum.Epsilon * condition;
        Tensor left = spectrum.Left ?? x.Times(vectors.div(values.sqrt()));
        return new SourceSpectrum(x, intercept, values, left, vectors)
        {
            MeanEigenvalue = mean,
            Rank = rank,
            ConditionNumber = condition,
            IsOrthonormal = spectrum.Left is not null,
            LeastLeverageLeft = Math.Max(Judged, rounding),
        };
    }

    private static SourceSpectrum Dual(CentredMatrix x, bool intercept, Tensor kernel, double mean, CancellationToken cancellationToken)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(kernel);
        cancellationToken.ThrowIfCancellationRequested();
        long n = x.Rows, rank = MomentSolver.Kept(values, intercept ? n - 1 : n, MomentSolver.Cut(x.Columns)).size(0);
        double condition = rank == 0 ? double.PositiveInfinity : Math.Sqrt(values[-1].ToDouble() / values[n - rank].ToDouble());
        // All n directions stay: 1 − h needs those without variance too, the vector of ones among them, and whole: rounding instead of a zero would pass for a strength as small.
        values.narrow(0, 0, n - rank).zero_();
        return new SourceSpectrum(x, intercept, values, vectors, null)
        {
            MeanEigenvalue = mean,
            Rank = rank,
            ConditionNumber = condition,
            IsOrthonormal = true,
            LeastLeverageLeft = intercept ? Judged / n : 0,
        };
    }

    /// <summary>The same over handles that no dispose scope frees, for an owner that does.</summary>
    public SourceSpectrum Kept() => new(Source, HasIntercept, Eigenvalues.alias().DetachFromDisposeScope(), Left.alias().DetachFromDisposeScope(), Right?.alias().DetachFromDisposeScope())
    {
        MeanEigenvalue = MeanEigenvalue,
        Rank = Rank,
        ConditionNumber = ConditionNumber,
        IsOrthonormal = IsOrthonormal,
        LeastLeverageLeft = LeastLeverageLeft,
    };

    /// <summary>The same about other views of the same rows.</summary>
    public SourceSpectrum Over(CentredMatrix source) => new(source, HasIntercept, Eigenvalues, Left, Right)
    {
        MeanEigenvalue = MeanEigenvalue,
        Rank = Rank,
        ConditionNumber = ConditionNumber,
        IsOrthonormal = IsOrthonormal,
        LeastLeverageLeft = LeastLeverageLeft,
    };

    /// <summary>1 − hᵢ of every row, hᵢ its leverage, [n].</summary>
    public Tensor LeverageLeft(double alpha)
    {
        using var scope = NewDisposeScope();
        return LeveragesLeft(LeftOver(alpha).unsqueeze(0)).squeeze(0).MoveToOuterDisposeScope();
    }

    /// <summary>The same for several strengths, [k, n], by their α/(λ + α), [k, r].</summary>
    public Tensor LeveragesLeft(Tensor leftOver)
    {
        using var scope = NewDisposeScope();
        double mean = HasIntercept ? 1.0 / Source.Rows : 0;
        // Kept share of each direction (primal), or left-over share (dual), in which nothing cancels as α → 0.
        Tensor factors = (IsPrimal ? leftOver.neg().add_(1) : leftOver).t(), left = empty(leftOver.size(0), Source.Rows, ScalarType.Float64, Left.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(Source.Rows, RowBlock))
        {
            using var block = NewDisposeScope();
            left.narrow(1, start, size).copy_(Left.narrow(0, start, size).square().mm(factors).t());
        }
        return (IsPrimal ? left.neg_().add_(1 - mean) : left.sub_(mean)).MoveToOuterDisposeScope();
    }

    /// <summary>α/(λ + α), [r].</summary>
    public Tensor LeftOver(double alpha) => alpha == 0 ? zeros_like(Eigenvalues) : Eigenvalues.add(alpha).reciprocal().mul(alpha);
}
