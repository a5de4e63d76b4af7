namespace LatentStitching.Fitting;

/// <summary>One strength of a ridge path and how well it predicts.</summary>
public sealed record RidgePathPoint
{
    /// <summary>The strength α, in squared source units.</summary>
    public required double Alpha { get; init; }

    /// <summary>Leave-one-out mean squared error over all target entries, in squared target units.</summary>
    public required double LeaveOneOutError { get; init; }

    /// <summary>Parameters spent on each target: the trace of the hat matrix, the intercept included.</summary>
    public required double DegreesOfFreedom { get; init; }
}
