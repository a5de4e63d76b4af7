namespace LatentStitching.Fitting;

/// <summary>One rank of a reduced-rank path and how well it fits and predicts.</summary>
public sealed record RankPathPoint
{
    /// <summary>The rank of the map; 0 is the target's mean.</summary>
    public required long Rank { get; init; }

    /// <summary>Mean squared error over all target entries of the pairs, in squared target units.</summary>
    public required double TrainingError { get; init; }

    /// <summary>Mean squared error on held-out rows, averaged over the folds, in squared target units; null where nothing was held out.</summary>
    public double? HeldOutError { get; init; }

    /// <summary>Standard error of <see cref="HeldOutError"/>: the folds' standard deviation over √folds; null as that is.</summary>
    public double? StandardError { get; init; }
}
