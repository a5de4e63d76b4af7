namespace LatentStitching.Pairing;

/// <summary>How far a pairing has come.</summary>
public sealed record PairingProgress
{
    /// <summary>Images encoded by both models so far.</summary>
    public required long Done { get; init; }

    /// <summary>Images there are.</summary>
    public required long Total { get; init; }
}
