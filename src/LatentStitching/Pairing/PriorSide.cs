namespace LatentStitching.Pairing;

/// <summary>Whose prior <see cref="PriorPairing"/> samples.</summary>
public enum PriorSide
{
    /// <summary>The target's if it has a prior and the source can encode, else the source's.</summary>
    Auto,

    /// <summary>The source's: its latents are drawn, the target encodes the images.</summary>
    Source,

    /// <summary>The target's: its latents are drawn, the source encodes the images.</summary>
    Target,
}
