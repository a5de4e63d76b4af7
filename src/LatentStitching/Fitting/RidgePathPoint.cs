namespace LatentStitching.Fitting;

/// <summary>One strength of a ridge path and how well it predicts.</summary>
public sealed record RidgePathPoint
{
    /// <summary>The strength α, in squared source units.</summary>
    public required double Alpha { get; init; }

    /// <summary>
    /// What the strengths are compared by, a mean over all target entries, in squared target units: the mean squared error of rows left out, one by one or (<see cref="RidgePathOptions.Groups"/>) in groups,
    /// or the generalised cross-validation score, as <see cref="FitReport.Criterion"/> says. Infinite where leaving a row out cannot be judged, for its leverage is 1, or a group, for it determines a part of the map alone.
    /// </summary>
    public required double Error { get; init; }

    /// <summary>How far <see cref="Error"/> may be from the exact one, in squared target units. 0 where it was computed exactly, as always for the chosen strength and with <see cref="RidgePathOptions.ExactPath"/>.</summary>
    public double ErrorBound { get; init; }

    /// <summary>Parameters spent on each target: the trace of the hat matrix, the intercept included.</summary>
    public required double DegreesOfFreedom { get; init; }
}
