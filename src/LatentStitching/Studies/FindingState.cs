namespace LatentStitching.Studies;

/// <summary>Whether a study shows what the published ones found.</summary>
public enum FindingState
{
    /// <summary>The numbers lack what the rule needs; the words say what.</summary>
    NotTestable,

    /// <summary>The rule holds.</summary>
    Reproduced,

    /// <summary>The rule does not hold.</summary>
    NotReproduced,
}
