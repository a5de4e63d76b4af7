using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>One side's latents z as a fitter within <see cref="PreparedFitter"/> meets them, (z − centre)·T, in float64, and the way there and back.</summary>
/// <remarks>The tensors belong to the dispose scope that was open when it was made.</remarks>
internal sealed class PreparedSide
{
    private readonly Tensor? _basis; // V, [d, r]
    private readonly bool _turnedBack;

    private PreparedSide(Tensor centre, Tensor rows, Tensor? spread, Tensor? basis = null, bool turnedBack = false)
    {
        Centre = centre;
        Rows = rows;
        Spread = spread;
        _basis = basis;
        _turnedBack = turnedBack;
    }

    /// <summary>What was taken off, [d].</summary>
    public Tensor Centre { get; }

    /// <summary>The prepared rows, [n, k].</summary>
    public Tensor Rows { get; }

    /// <summary>Standard deviations of the columns, [d], 1 where there is no spread, or of the principal components, [r], 0 where that is all there is; null where nothing is scaled.</summary>
    public Tensor? Spread { get; }

    /// <summary>Whether there are directions that the prepared rows do not show at all.</summary>
    public bool Hides => _basis is not null && !_turnedBack && (_basis.size(1) < _basis.size(0) || Spread![0].ToDouble() == 0);

    public static PreparedSide Of(Tensor latents, LatentScaling scaling, bool centre)
    {
        using var grad = no_grad();
        var matrix = CentredMatrix.Of(latents, centre);
        Tensor rows = matrix.Whole();
        if (scaling == LatentScaling.None) return new PreparedSide(matrix.Centre, rows, null);
        double root = Math.Sqrt(matrix.Rows);
        if (scaling == LatentScaling.Standardised)
        {
            // By the largest first: squares of columns near the limits of float64 would be none or infinite.
            Tensor largest = maximum(rows.amax([0]), rows.amin([0]).neg_()), varies = largest.gt(0), unit = where(varies, largest, ones_like(largest));
            Tensor relative = rows.div_(unit).norm(0, keepdim: false).div_(root);
            relative = where(varies, relative, ones_like(relative));
            return new PreparedSide(matrix.Centre, rows.div_(relative), relative.mul(unit));
        }
        (Tensor left, Tensor values, Tensor right) = linalg.svd(rows, fullMatrices: false);
        double first = values[0].ToDouble();
        // A component stays even of latents that do not vary, so that the rows have a shape.
        long rank = Math.Max(1, values.gt(first * Math.Max(matrix.Rows, matrix.Columns) * Spectrum.Epsilon).sum().ToInt64());
        bool turnedBack = scaling == LatentScaling.ZcaWhitened;
        Tensor whitened = left.narrow(1, 0, rank).mul(first > 0 ? root : 0), basis = right.narrow(0, 0, rank).t();
        return new PreparedSide(matrix.Centre, turnedBack ? whitened.mm(basis.t()) : whitened, values.narrow(0, 0, rank).div(root), basis, turnedBack);
    }

    /// <summary>map·Tᵀ: what takes this side's prepared rows, for its latents.</summary>
    public LinearForm Before(LinearForm map)
    {
        if (Spread is null) return map;
        Tensor inverse = where(Spread.gt(0), Spread.reciprocal(), zeros_like(Spread));
        if (_basis is null) return ScaledForm.OfSource(map, inverse);
        Tensor whiten = _basis.t().mul(inverse.unsqueeze(1));
        return ScaledForm.Product(map, _turnedBack ? ScaledForm.Product(new DenseForm(_basis), new DenseForm(whiten)) : new DenseForm(whiten));
    }

    /// <summary>T⁻ᵀ·map: what gives this side's prepared rows, for its latents. Directions without variance stay at the mean.</summary>
    public LinearForm After(LinearForm map)
    {
        if (Spread is null) return map;
        return _basis is null ? ScaledForm.OfTarget(map, Spread) : ScaledForm.Product(Colour(), map);
    }

    /// <summary>A prepared vector [k] among the latents, [d], without the centre.</summary>
    public Tensor Back(Tensor vector)
    {
        if (Spread is null) return vector;
        return _basis is null ? vector.mul(Spread) : Colour().Times(vector.unsqueeze(0)).squeeze(0);
    }

    private LinearForm Colour()
    {
        DenseForm colour = new(_basis!.mul(Spread!));
        return _turnedBack ? ScaledForm.Product(colour, new DenseForm(_basis.t())) : colour;
    }
}
