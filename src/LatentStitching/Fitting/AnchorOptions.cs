using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="AnchorFitter"/>.</summary>
public sealed record AnchorOptions
{
    /// <summary>The rows of the pairs that serve as anchors.</summary>
    /// <value>Null, the default, for all rows. Otherwise at least one, each zero or more.</value>
    public IReadOnlyList<long>? Rows
    {
        get;
        init
        {
            if (value is not null)
            {
                Guard.NotEmpty(value, "Leave it null for all rows.", nameof(Rows));
                foreach (long row in value) Guard.NotNegative(row, nameof(Rows));
            }
            field = value is null ? null : [.. value];
        }
    }

    /// <summary>Whether the anchors are brought to length 1 on both sides, as cosines do, or kept as they are, so that a long anchor weighs more.</summary>
    /// <value>Default true.</value>
    public bool UnitAnchors { get; init; } = true;

    /// <summary>The penalty that steadies the inverse of the target's anchors, in squared units of an anchor (1 where they have length 1).</summary>
    /// <value>Zero or more; default 0, the pseudo-inverse.</value>
    public double Alpha
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Alpha));
    }

    /// <summary>Whether the map is multiplied by one factor, the one of least squared error on the pairs.</summary>
    /// <value>Default false.</value>
    public bool Scaling { get; init; }

    /// <summary>Whether the map has an offset: both sides are centred by the mean of all pairs first.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;
}
