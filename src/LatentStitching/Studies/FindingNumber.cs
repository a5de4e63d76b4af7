namespace LatentStitching.Studies;

/// <summary>A number that a finding rests on.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">The number.</param>
public sealed record FindingNumber(string Name, double Value);
