using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="RidgePathFitter"/>.</summary>
public sealed record RidgePathOptions
{
    /// <summary>The strengths to choose from, in squared source units, not divided by the number of pairs. Zero, least squares, counts only where the source determines the map.</summary>
    /// <value>
    /// Null by default: half-decade steps from 10⁻⁸ to 10³ times the mean eigenvalue of XᵀX, and zero. The scale of the latents thus does not matter.
    /// </value>
    public IReadOnlyList<double>? Alphas
    {
        get;
        init
        {
            if (value is not null)
            {
                Guard.NotEmpty(value, "Leave it null for the default path.", nameof(Alphas));
                foreach (double alpha in value) Guard.NotNegative(alpha, nameof(Alphas));
            }
            field = value is null ? null : [.. value];
        }
    }

    /// <summary>How a strength is judged.</summary>
    /// <value>Default <see cref="RidgeCriterion.LeaveOneOut"/>. A fit from statistics has no rows to leave out and asks for <see cref="RidgeCriterion.GeneralisedCrossValidation"/>.</value>
    public RidgeCriterion Criterion { get; init; }

    /// <summary>Whether each target column gets a strength of its own.</summary>
    /// <value>Default false: one strength, of the least error summed over all columns.</value>
    public bool PerTarget { get; init; }

    /// <summary>Whether the leave-one-out error of every strength is computed to the last digit, for a curve of them. The chosen strength and its error are the same either way.</summary>
    /// <value>
    /// Default false: where all of them would take more than 2³¹ operations (about a twentieth of a second of one core), only those are computed that may be the least. The others come with a bound,
    /// <see cref="RidgePathPoint.ErrorBound"/>, typically 0.1 to 1 % of them. Not looked at with <see cref="PerTarget"/>, with generalised cross-validation and for a fit from statistics, where all are exact.
    /// </value>
    public bool ExactPath { get; init; }

    /// <summary>Whether the map has an offset, which is not penalised.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;

    /// <summary>The dtype of the map: float64 keeps the fit's digits; float32 halves the memory and rounds: 2·10⁻⁷ of a prediction and up to 10⁻⁵ for wide ill-conditioned sources.</summary>
    /// <value>A floating-point type; default float64, whatever the latents are. <see cref="Mapping.AffineMap.To"/> makes the map smaller afterwards.</value>
    public ScalarType MapType
    {
        get;
        init => field = Guard.FloatingPoint(value, nameof(MapType));
    } = ScalarType.Float64;
}
