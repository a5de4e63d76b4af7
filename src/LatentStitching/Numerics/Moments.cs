namespace LatentStitching.Numerics;

/// <summary>The sums that a linear fit needs, about the means (or about zero, without an intercept). float64; the tensors belong to the dispose scope they were made in.</summary>
internal sealed class Moments
{
    public required long Count { get; init; }

    public required bool HasIntercept { get; init; }

    /// <summary>What was taken off each source column, [d].</summary>
    public required Tensor SourceCentre { get; init; }

    /// <summary>What was taken off each target column, [t].</summary>
    public required Tensor TargetCentre { get; init; }

    /// <summary>XᵀX, [d, d].</summary>
    public required Tensor Gram { get; init; }

    /// <summary>XᵀY, [d, t].</summary>
    public required Tensor Cross { get; init; }

    /// <summary>Σy² of each target column, [t].</summary>
    public required Tensor TargetSquares { get; init; }

    /// <summary>The number of rows, less the one direction that the means take.</summary>
    public long FreeRows => HasIntercept ? Count - 1 : Count;
}
