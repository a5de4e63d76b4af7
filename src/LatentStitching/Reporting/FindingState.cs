namespace LatentStitching.Reporting;

/// <summary>Whether a published finding was seen again.</summary>
public enum FindingState
{
    /// <summary>The numbers say the same.</summary>
    Reproduced,

    /// <summary>The numbers say something else, or do not suffice to say it.</summary>
    NotReproduced,

    /// <summary>What was run here cannot tell, for example because a model or the attributes are missing.</summary>
    NotTestable,
}
