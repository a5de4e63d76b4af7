namespace LatentStitching.Studies;

/// <summary>A finding of the published studies, and what a study says of it.</summary>
public sealed record Finding
{
    /// <summary>"F1" to "F15".</summary>
    public required string Id { get; init; }

    /// <summary>What was found.</summary>
    public required string Claim { get; init; }

    /// <summary>Where it was said.</summary>
    public required string Reference { get; init; }

    /// <summary>The rule by which it is judged here.</summary>
    public required string Rule { get; init; }

    /// <summary>Whether it was found again.</summary>
    public required FindingState State { get; init; }

    /// <summary>The numbers that say so; empty where it is not testable.</summary>
    public required IReadOnlyList<FindingNumber> Numbers { get; init; }

    /// <summary>The outcome in plain words, or what is missing.</summary>
    public required string Words { get; init; }
}
