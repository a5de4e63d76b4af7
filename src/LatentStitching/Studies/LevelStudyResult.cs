namespace LatentStitching.Studies;

/// <summary>How the levels of hierarchical latents relate, within a model and across models.</summary>
public sealed record LevelStudyResult
{
    /// <summary>Every level against every level: its models are named "model/level".</summary>
    public required StudyResult Study { get; init; }

    /// <summary>The decoder with one level replaced, for each level of each model that has several.</summary>
    public required IReadOnlyList<LevelReplacement> Replacements { get; init; }

    /// <summary>Writes the result as JSON.</summary>
    /// <returns>Indented JSON; the same result gives the same text.</returns>
    public string ToJson() => StudyJson.Write(this);
}
