namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="LeastSquaresFitter"/>.</summary>
public sealed record LeastSquaresOptions
{
    /// <summary>Whether the map has an offset.</summary>
    /// <value>Default true.</value>
    public bool FitIntercept { get; init; } = true;
}
