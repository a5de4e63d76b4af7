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

    /// <summary>Whether the map has an offset, which is not penalised.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;

    /// <summary>The dtype of the map. A float32 map rounds its numbers, which alone leaves an error of about 2·10⁻⁷ of a prediction; a float64 one keeps the fit's digits and takes twice the memory.</summary>
    /// <value>Null by default: that of the source latents.</value>
    public ScalarType? MapType
    {
        get;
        init => field = Guard.FloatingPoint(value, nameof(MapType));
    }
}
