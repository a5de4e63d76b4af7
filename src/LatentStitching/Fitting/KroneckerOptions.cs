using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="KroneckerFitter"/>.</summary>
public sealed record KroneckerOptions
{
    /// <summary>Shape of the source latents, for example that of a level: <c>space.Level("z").Shape</c>.</summary>
    /// <value>[channels, height, width], all positive.</value>
    public required IReadOnlyList<long> SourceShape
    {
        get;
        init => field = StructuredFit.Shape(value, nameof(SourceShape));
    }

    /// <summary>Shape of the target latents; height and width may differ from the source's.</summary>
    /// <value>[channels, height, width], all positive.</value>
    public required IReadOnlyList<long> TargetShape
    {
        get;
        init => field = StructuredFit.Shape(value, nameof(TargetShape));
    }

    /// <summary>The penalty α on ‖W‖²_F = ‖space‖²·‖channel‖², in squared source units: the same as <see cref="RidgeOptions.Alpha"/>.</summary>
    /// <value>Zero or more; default 0, least squares.</value>
    public double Alpha
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Alpha));
    }

    /// <summary>The most rounds, each of which solves for the channels and then for the places.</summary>
    /// <value>Positive; default 100.</value>
    public int MaxIterations
    {
        get;
        init => field = Guard.Positive(value, nameof(MaxIterations));
    } = 100;

    /// <summary>The fit ends when a round lowers the loss by less than this share of the target's variance.</summary>
    /// <value>Zero or more; default 1e-7. With zero it ends only when a round lowers the loss no more.</value>
    public double Tolerance
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Tolerance));
    } = 1e-7;

    /// <summary>Whether the map has an offset, one a number of the target, which is not penalised.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;
}
