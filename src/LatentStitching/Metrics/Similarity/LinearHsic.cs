using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>The Hilbert–Schmidt independence criterion of linear kernels, in whichever of the feature form and the Gram form is smaller.</summary>
/// <remarks>
/// With centred rows, K = XXᵀ and a = diag K: the biased sum tr(KHLH) = ‖XᵀY‖² = Σ K∘L; the debiased one, divided by n(n − 3), is Σ_{i≠j} K∘L − 2/(n − 2)·aᵀb + Σa·Σb/((n − 1)(n − 2)),
/// because rows of a centred K sum to zero (Song et al., JMLR 13 (2012), eq. 5). An n×n matrix is made only for a side with at least as many columns as rows.
/// </remarks>
internal static class LinearHsic
{
    public const string Kernel = "kernel";
    public const string Squares = "squares";
    public const string Self = "self";

    public static Dictionary<string, Tensor> Prepare(Tensor latents, bool debiased, string name)
    {
        CentredMatrix rows = CentredMatrix.Of(latents, centre: true);
        bool wide = rows.Columns >= rows.Rows;
        Tensor gram = wide ? rows.Kernel() : rows.Gram();
        Tensor squares = wide ? gram.diagonal().clone() : SquaresOf(rows);
        if (wide && debiased) gram.diagonal().fill_(0);
        double self = debiased ? Debiased(CentredMatrix.SumOfSquares(gram), squares, squares, rows.Rows, withoutDiagonal: wide) : CentredMatrix.SumOfSquares(gram);
        RequireSignal(self, squares, name);
        Dictionary<string, Tensor> factors = new(StringComparer.Ordinal) { [Squares] = squares, [Self] = tensor(self, ScalarType.Float64) };
        if (wide) factors[Kernel] = gram;
        return factors;
    }

    /// <summary>The sum for two sides, debiased or not; not divided by the rows.</summary>
    public static double Cross(PreparedLatents x, PreparedLatents y, bool debiased)
    {
        bool kernels = x.Has(Kernel) && y.Has(Kernel);
        double cross = kernels
            ? x[Kernel].flatten().dot(y[Kernel].flatten()).ToDouble()
            : CentredMatrix.SumOfSquares(CentredMatrix.Of(x.Latents, centre: true).TransposeTimes(CentredMatrix.Of(y.Latents, centre: true)));
        return debiased ? Debiased(cross, x[Squares], y[Squares], x.Rows, withoutDiagonal: kernels) : cross;
    }

    public static double SelfOf(PreparedLatents side) => side[Self].ToDouble();

    private static double Debiased(double cross, Tensor a, Tensor b, long n, bool withoutDiagonal)
    {
        double rows = n, product = a.dot(b).ToDouble(), share = withoutDiagonal ? 2 / (rows - 2) : rows / (rows - 2);
        return cross - (share * product) + (a.sum().ToDouble() * b.sum().ToDouble() / ((rows - 1) * (rows - 2)));
    }

    private static Tensor SquaresOf(CentredMatrix rows)
    {
        Tensor squares = empty(rows.Rows, ScalarType.Float64, rows.Centre.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(rows.Rows, rows.BlockRows))
        {
            using var scope = NewDisposeScope();
            squares.narrow(0, start, size).copy_(rows.Block(start, size).Squared().sum([1]));
        }
        return squares;
    }

    // The debiased sum of a side with itself is a squared norm, so it is positive or it is rounding.
    private static void RequireSignal(double self, Tensor squares, string name)
    {
        double total = squares.sum().ToDouble();
        if (self > 16 * Spectrum.Epsilon * total * total) return;
        throw new ArgumentException(
            $"{name} must have rows some of which are more alike than others, but all pairs of its {squares.size(0)} rows are equally far apart: there is no structure to compare. Take more images.", name);
    }
}
