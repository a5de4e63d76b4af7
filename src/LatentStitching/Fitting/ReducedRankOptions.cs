using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="ReducedRankFitter"/>.</summary>
public sealed record ReducedRankOptions
{
    /// <summary>The rank of the map.</summary>
    /// <value>One or more, at most the smaller width.</value>
    public required long Rank
    {
        get;
        init => field = Guard.Positive(value, nameof(Rank));
    }

    /// <summary>The penalty α on ‖W‖²_F, in squared source units, not divided by the number of pairs.</summary>
    /// <value>Zero or more; default 0.</value>
    public double Alpha
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Alpha));
    }

    /// <summary>Whether the map has an offset, which is not penalised.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;
}
