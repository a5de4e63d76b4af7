namespace LatentStitching.Probing;

/// <summary>An approximate inverse of I + κXᵀX for every κ: the leading directions of XᵀX by a seeded random range, the mean of the other eigenvalues for the rest. All attributes share it.</summary>
/// <remarks>Source: Halko, Martinsson and Tropp, "Finding Structure with Randomness", SIAM Review 53 (2011), algorithms 4.3 and 5.3.</remarks>
internal sealed class SpectrumPreconditioner
{
    private const long MostDirections = 160;
    private readonly Tensor _vectors; // [d, r]
    private readonly Tensor _values;  // [r, 1]
    private readonly double _rest;

    public SpectrumPreconditioner(ProbeMatrix x)
    {
        long rank = Math.Min(MostDirections, Math.Min(x.Rows, x.Columns));
        using var scope = NewDisposeScope();
        using Generator generator = new(0);
        Tensor start = randn([x.Columns, rank], ScalarType.Float64, generator: generator).to(x.Device);
        Tensor range = linalg.qr(x.ThereAndBack(start, null).Back).Q;
        Tensor image = x.Times(range, exact: false);
        (Tensor values, Tensor rotation) = linalg.eigh(image.t().mm(image));
        double left = Math.Max(0, x.SumOfSquares() - values.clamp_min(0).sum().ToDouble());
        _rest = left / Math.Max(1, Math.Min(x.Rows, x.Columns) - rank);
        _values = values.clamp_min(_rest).unsqueeze(1).MoveToOuterDisposeScope();
        _vectors = range.mm(rotation).MoveToOuterDisposeScope();
    }

    /// <summary>Solves for columns [d, q] with one κ a column, [q].</summary>
    public Tensor Solve(Tensor columns, Tensor kappa)
    {
        using var scope = NewDisposeScope();
        Tensor shrink = _values.sub(_rest).mul(kappa).div(_values.mul(kappa).add(1));
        return columns.sub(_vectors.mm(shrink.mul(_vectors.t().mm(columns)))).div(kappa.mul(_rest).add(1)).MoveToOuterDisposeScope();
    }
}
