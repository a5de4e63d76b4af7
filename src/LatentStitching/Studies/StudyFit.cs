using LatentStitching.Fitting;

namespace LatentStitching.Studies;

/// <summary>How a map of a study was fitted: the part of a <see cref="FitReport"/> that is the same in every run.</summary>
public sealed record StudyFit
{
    /// <summary>How it ended.</summary>
    public required FitStatus Status { get; init; }

    /// <summary>What solved it.</summary>
    public required string Solver { get; init; }

    /// <summary>Pairs it was fitted to.</summary>
    public required long SampleCount { get; init; }

    /// <summary>Width of the source latents.</summary>
    public required long SourceDimension { get; init; }

    /// <summary>Width of the target latents.</summary>
    public required long TargetDimension { get; init; }

    /// <summary>Strength of the penalty.</summary>
    public required double Alpha { get; init; }

    /// <summary>R² on the rows it was fitted to.</summary>
    public required double TrainingR2 { get; init; }

    /// <summary>Leave-one-out R², where the fitter gives it.</summary>
    public double? LeaveOneOutR2 { get; init; }

    /// <summary>R² of rows left out in groups or folds, where the fitter gives it: <see cref="FitReport.CrossValidatedR2"/>.</summary>
    public double? CrossValidatedR2 { get; init; }

    /// <summary>Rank, where the fitter gives it.</summary>
    public long? Rank { get; init; }

    internal static StudyFit Of(FitReport report) => new()
    {
        Status = report.Status,
        Solver = report.Solver,
        SampleCount = report.SampleCount,
        SourceDimension = report.SourceDimension,
        TargetDimension = report.TargetDimension,
        Alpha = report.Alpha,
        TrainingR2 = report.TrainingR2,
        LeaveOneOutR2 = report.LeaveOneOutR2,
        CrossValidatedR2 = report.CrossValidatedR2,
        Rank = report.Rank,
    };
}
