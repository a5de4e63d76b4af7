namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="OrthogonalisedLeastSquaresFitter"/>.</summary>
public sealed record OrthogonalisedLeastSquaresOptions
{
    /// <summary>Whether the map has an offset: both sides are centred first.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;
}
