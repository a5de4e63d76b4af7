namespace LatentStitching.Numerics;

/// <summary>The eigenvalues of XᵀX or XXᵀ, descending, as numbers to report.</summary>
/// <remarks>
/// Those below <see cref="MomentSolver.Cut"/> of the largest may be rounding or the squares of singular values that X still holds. X times their eigenvectors tells the two apart, and only the second takes the singular values of X itself,
/// from the triangle of its QR decomposition: about two more passes of the cost of the moments.
/// </remarks>
internal sealed class Spectrum
{
    /// <summary>The spacing of float64 at 1.</summary>
    public const double Epsilon = 2.220446049250313e-16;

    private readonly double[] _eigenvalues;

    private Spectrum(double[] eigenvalues, double cut)
    {
        _eigenvalues = eigenvalues;
        Rank = eigenvalues.Count(value => value > cut * eigenvalues[0]);
    }

    /// <summary>Number of singular values of X above max(n, d)·ε of the largest, as least squares counts them; of float32 blocks, whose moments are all there is, of eigenvalues above <see cref="MomentSolver.Cut"/>.</summary>
    public long Rank { get; }

    /// <summary>σ₁/σᵣ of X, r the rank; infinite for rank 0.</summary>
    public double ConditionNumber => Rank == 0 ? double.PositiveInfinity : Math.Sqrt(_eigenvalues[0] / _eigenvalues[Rank - 1]);

    /// <summary>The spectrum of the rows.</summary>
    /// <param name="moments">XᵀX or XXᵀ, before it is shifted. Not changed.</param>
    /// <param name="x">The rows.</param>
    /// <param name="dual">Whether the moments are XXᵀ.</param>
    /// <param name="fullRank">The largest rank there may be.</param>
    public static Spectrum Of(Tensor moments, CentredMatrix x, bool dual, long fullRank)
    {
        using var scope = NewDisposeScope();
        Tensor exact = moments.to_type(ScalarType.Float64);
        double[] values = linalg.eigvalsh(exact).cpu().data<double>().ToArray();
        Array.Reverse(values);
        Spectrum spectrum = new(values, MomentSolver.Cut(Math.Max(x.Rows, x.Columns)));
        if (x.IsFast || spectrum.Rank >= Math.Min(fullRank, values.Length) || !Hides(exact, x, dual, spectrum.Rank)) return spectrum;
        double rounding = Math.Max(x.Rows, x.Columns) * Epsilon;
        return new Spectrum([.. linalg.svdvals(Triangle(x, dual)).square().cpu().data<double>()], rounding * rounding);
    }

    /// <summary>Σλ/(λ + α): the parameters that a ridge fit spends on each target, without the intercept.</summary>
    public double DegreesOfFreedom(double alpha) => _eigenvalues.Where(value => value > 0).Sum(value => value / (value + alpha));

    // Whether X has more in the directions that its moments do not count than rounding leaves.
    private static bool Hides(Tensor moments, CentredMatrix x, bool dual, long rank)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(moments);
        Tensor uncounted = vectors.narrow(1, 0, values.size(0) - rank);
        double rounding = Math.Max(x.Rows, x.Columns) * Epsilon, squares = dual ? CentredMatrix.SumOfSquares(x.TransposeTimes(uncounted)) : GramSpectrum.SumOfSquares(x, uncounted);
        return squares > rounding * rounding * values[-1].ToDouble();
    }

    // R of X = QR, or of Xᵀ where that is the longer side, some rows at a time.
    private static Tensor Triangle(CentredMatrix x, bool dual)
    {
        long side = dual ? x.Rows : x.Columns;
        Tensor triangle = zeros(0, side, ScalarType.Float64, x.Centre.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(dual ? x.Columns : x.Rows, Math.Max(x.BlockRows, 4 * side)))
        {
            using var scope = NewDisposeScope();
            triangle = linalg.qr(cat([triangle, dual ? x.ColumnsOf(start, size).t() : x.Block(start, size)]), linalg.QRMode.R).R.MoveToOuterDisposeScope();
        }
        return triangle;
    }
}
