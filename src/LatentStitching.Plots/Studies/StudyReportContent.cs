using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Plots;

/// <summary>What a <see cref="StudyReport"/> is made of: a stitching study, and whatever else was found on the same models.</summary>
public sealed class StudyReportContent
{
    /// <summary>Title of the report.</summary>
    /// <value>Default "Stitching study".</value>
    public string Title { get; init; } = "Stitching study";

    /// <summary>What a reader must know first; null for the sizes of the study.</summary>
    /// <value>Default null.</value>
    public string? Summary { get; init; }

    /// <summary>The stitching study.</summary>
    public required StudyResult Study { get; init; }

    /// <summary>The study's pictures. Not disposed.</summary>
    /// <value>Null by default: no pictures.</value>
    public StudyExamples? Examples { get; init; }

    /// <summary>How many of the pictures are shown, one grid each.</summary>
    /// <value>Default 2.</value>
    public int ShownExamples { get; init; } = 2;

    /// <summary>Studies of training dynamics, with the name of the model whose training it was.</summary>
    /// <value>Empty by default.</value>
    public IReadOnlyList<(string Model, TrainingDynamicsResult Result)> Dynamics { get; init; } = [];

    /// <summary>A study of levels.</summary>
    /// <value>Null by default.</value>
    public LevelStudyResult? Levels { get; init; }

    /// <summary>Studies of support sets.</summary>
    /// <value>Empty by default.</value>
    public IReadOnlyList<SupportSetResult> Supports { get; init; } = [];

    /// <summary>Strips of edited images, with their words.</summary>
    /// <value>Empty by default.</value>
    public IReadOnlyList<ReportFigure> Edits { get; init; } = [];

    /// <summary>Lines for the footer beyond what the study's manifest tells.</summary>
    /// <value>Empty by default.</value>
    public IReadOnlyList<(string Name, string Value)> Provenance { get; init; } = [];
}
