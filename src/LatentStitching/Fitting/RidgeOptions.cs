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
}
