namespace LatentStitching.Studies;

/// <summary>What findings are judged by.</summary>
public sealed record FindingEvidence
{
    /// <summary>The stitching study.</summary>
    public required StudyResult Study { get; init; }

    /// <summary>Studies of training dynamics.</summary>
    /// <value>Empty by default.</value>
    public IReadOnlyList<TrainingDynamicsResult> Dynamics { get; init; } = [];

    /// <summary>A study of levels.</summary>
    /// <value>Null by default.</value>
    public LevelStudyResult? Levels { get; init; }
}
