namespace LatentStitching.Studies;

/// <summary>What a rule said.</summary>
internal sealed record FindingOutcome(FindingState State, string Words, IReadOnlyList<FindingNumber> Numbers);
