namespace LatentStitching.Fitting;

/// <summary>One structure that <see cref="StructureFitter"/> compared.</summary>
public sealed record StructureCandidate
{
    /// <summary>What its fitter says it is.</summary>
    public required string Name { get; init; }

    /// <summary>Numbers that the map's linear part is held in.</summary>
    public required long ParameterCount { get; init; }

    /// <summary>Mean squared error on images that the map was not fitted to, over all target entries, in squared target units; infinite where a fit gave no usable map.</summary>
    public required double HeldOutError { get; init; }

    /// <summary>Standard error of <see cref="HeldOutError"/> over images, in squared target units.</summary>
    public required double StandardError { get; init; }

    /// <summary>Whether it was taken.</summary>
    public required bool IsChosen { get; init; }
}
