using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="RidgeFitter"/>.</summary>
public sealed record RidgeOptions
{
    /// <summary>The penalty α on ‖W‖²_F, in squared source units, not divided by the number of pairs: scikit-learn's convention.</summary>
    /// <value>Zero or more; default 1. Zero is least squares.</value>
    public double Alpha
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Alpha));
    } = 1;

    /// <summary>Whether the map has an offset, which is not penalised.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;

    /// <summary>Whether products may be float32: about half the time and memory, for six or seven digits less.</summary>
    /// <remarks>
    /// The primal sums runs of 256 float32 products in float64. It factors in float64, but more than 1,024 columns, and the dual its kernel, in float32 where that leaves four digits; where it does not, the dual corrects
    /// its solution by float64 residuals through X until a millionth of it is left to correct. For strengths of 10⁻⁵ of the largest eigenvalue of XᵀX or more. A source that float32 cannot tell from a singular one is fitted in float64, and <see cref="FitReport.Solver"/> then does not name float32.
    /// </remarks>
    /// <value>Default false. A fit from statistics does not look at it.</value>
    public bool Fast { get; init; }

    /// <summary>The dtype of the map: float64 keeps the fit's digits; float32 halves the memory and rounds: 2·10⁻⁷ of a prediction and up to 10⁻⁵ for wide ill-conditioned sources.</summary>
    /// <value>A floating-point type; default float64, whatever the latents are. <see cref="Mapping.AffineMap.To"/> makes the map smaller afterwards.</value>
    public ScalarType MapType
    {
        get;
        init => field = Guard.FloatingPoint(value, nameof(MapType));
    } = ScalarType.Float64;
}
