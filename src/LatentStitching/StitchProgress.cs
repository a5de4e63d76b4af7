namespace LatentStitching;

/// <summary>How far a stitch has come.</summary>
public sealed record StitchProgress
{
    /// <summary>What is being done: "pairing" or "fitting".</summary>
    public required string Stage { get; init; }

    /// <summary>Steps done in this stage: images paired, or strengths or iterations tried.</summary>
    public required long Done { get; init; }

    /// <summary>Steps there are in this stage.</summary>
    public required long Total { get; init; }
}
