using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="CcaFitter"/>.</summary>
public sealed record CcaOptions
{
    /// <summary>How many pairs of canonical variates the map goes through.</summary>
    /// <value>One or more, at most the smaller width; null, the default, for all there are.</value>
    public long? Components
    {
        get;
        init => field = value is { } count ? Guard.Positive(count, nameof(Components)) : null;
    }

    /// <summary>What is added to each side's variances before whitening, as a multiple of that side's mean variance.</summary>
    /// <value>Zero or more, without unit; default 0.</value>
    public double Regularisation
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Regularisation));
    }

    /// <summary>Whether the map has an offset: both sides are centred first.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;
}
