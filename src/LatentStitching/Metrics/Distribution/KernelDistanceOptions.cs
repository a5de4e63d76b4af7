using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>How a kernel distance is estimated.</summary>
public sealed record KernelDistanceOptions
{
    /// <summary>Number of random subsets whose mean is the value, or null for the estimate from all images at once.</summary>
    /// <value>Default null. Published KID values mostly have 100.</value>
    /// <exception cref="ArgumentOutOfRangeException">It is below 2.</exception>
    public int? Subsets
    {
        get;
        init => field = value is { } subsets ? Guard.AtLeast(subsets, 2, nameof(Subsets)) : null;
    }

    /// <summary>Images in a subset of each side, without replacement. Ignored where <see cref="Subsets"/> is null.</summary>
    /// <value>Default 1000; at least 2, and at most as many as the smaller set holds.</value>
    /// <exception cref="ArgumentOutOfRangeException">It is below 2.</exception>
    public int SubsetSize
    {
        get;
        init => field = Guard.AtLeast(value, 2, nameof(SubsetSize));
    } = 1000;
}
