using System.Globalization;

namespace LatentStitching.Fitting;

/// <summary>What there is to know about a fit besides the map.</summary>
public sealed record FitReport
{
    /// <summary>How the fit ended.</summary>
    public required FitStatus Status { get; init; }

    /// <summary>The algorithm that ran, for example "primal Cholesky".</summary>
    public required string Solver { get; init; }

    /// <summary>Number of pairs n.</summary>
    public required long SampleCount { get; init; }

    /// <summary>Width of the source latents.</summary>
    public required long SourceDimension { get; init; }

    /// <summary>Width of the target latents.</summary>
    public required long TargetDimension { get; init; }

    /// <summary>The penalty on ‖W‖² in effect, in squared source units (not divided by n); 0 for none; NaN where each target column has its own. Of a sparse fit, whose report names it, its own α.</summary>
    public double Alpha { get; init; }

    /// <summary>The penalty of each target column, where each has its own, else null.</summary>
    public IReadOnlyList<double>? AlphaPerTarget { get; init; }

    /// <summary>The strengths that were compared, ascending; empty for a fitter that compares none.</summary>
    public IReadOnlyList<RidgePathPoint> Path { get; init; } = [];

    /// <summary>What the strengths of <see cref="Path"/> were compared by; null for a fitter that compares none. Leave-one-out with <see cref="Folds"/> left out groups of rows.</summary>
    public RidgeCriterion? Criterion { get; init; }

    /// <summary>
    /// Numerical rank of the (centred) source latents for least squares and ridge, of the map for the other fitters unless they say otherwise. Singular values up to max(n, d)·ε of the largest count as zero; where squares are
    /// all there is, in a fit from statistics and on a path with no more rows than columns, those up to about 10⁻⁷. Null where it was not computed: a penalised fit on more than 256 rows and columns.
    /// </summary>
    public long? Rank { get; init; }

    /// <summary>The singular values that the map was read from, descending; each fitter says of what. For <see cref="CcaFitter"/> they are the canonical correlations. Empty where there are none.</summary>
    public IReadOnlyList<double> SingularValues { get; init; } = [];

    /// <summary>The ranks that were compared, ascending from 0; empty for a fitter that compares none.</summary>
    public IReadOnlyList<RankPathPoint> RankPath { get; init; } = [];

    /// <summary>Parameters spent on each target: the trace of the hat matrix, Σλ/(λ + α), plus 1 for an intercept. Null where it was not computed.</summary>
    public double? DegreesOfFreedom { get; init; }

    /// <summary>Largest over smallest non-zero singular value of the (centred) source latents; of least squares on more than 256 rows and columns an estimate, some per cent too small at most. Null where it was not computed.</summary>
    public double? ConditionNumber { get; init; }

    /// <summary>Steps of an iterative fitter: gradient steps, or sweeps over the coefficients of a sparse fit; null for a closed form.</summary>
    public long? Iterations { get; init; }

    /// <summary>Share of the target's variance that the map explains on the rows it was fitted to, over all columns together; NaN where the target does not vary, or where a fit of <see cref="SharedSource"/> did not compute it. At most 1.</summary>
    public required double TrainingR2 { get; init; }

    /// <summary>The same with each row predicted by a map fitted without it, which is what to trust; null where the fitter does not compute it, left out more than a row at a time, or a row of leverage 1 has no such error, and always where it had statistics and no rows.</summary>
    public double? LeaveOneOutR2 { get; init; }

    /// <summary>The same with each row predicted by a map fitted without its part of the rows, of <see cref="Folds"/> parts; null for fitters that deal none and were given none.</summary>
    public double? CrossValidatedR2 { get; init; }

    /// <summary>How many parts of the rows were left out in turn for <see cref="CrossValidatedR2"/>: folds, or the groups of <see cref="RidgePathOptions.Groups"/>; null where there are none.</summary>
    public int? Folds { get; init; }

    /// <summary>The same on the rows that an iterative fitter kept aside to know when to stop, a little flattered by that choice; null for fitters that keep none.</summary>
    public double? HeldOutR2 { get; init; }

    /// <summary>The reports of the blocks, in the order of the target's levels; empty for a fitter that does not fit in blocks.</summary>
    public IReadOnlyList<FitReport> Blocks { get; init; } = [];

    /// <summary>The structures that were compared, in the order given; empty for a fitter that compares none.</summary>
    public IReadOnlyList<StructureCandidate> Candidates { get; init; } = [];

    /// <summary>Time the fit took.</summary>
    public TimeSpan Elapsed { get; init; }

    /// <summary>Says status, sizes, solver, strength and R² in one line.</summary>
    /// <returns>For example "Succeeded: 512 → 768 from 9000 pairs, primal Cholesky, alpha 0, R² 0.913 (training)".</returns>
    public override string ToString()
    {
        // Apart, because a string within an interpolated one takes the culture of the machine.
        string leftOut = LeaveOneOutR2 is { } one ? string.Create(CultureInfo.InvariantCulture, $", {one:0.000} (leave-one-out)") : "";
        string folds = LeaveOneOutR2 is null && CrossValidatedR2 is { } mean ? string.Create(CultureInfo.InvariantCulture, $", {mean:0.000} ({Folds} folds)") : "";
        string heldOut = HeldOutR2 is { } held ? string.Create(CultureInfo.InvariantCulture, $", {held:0.000} (held out)") : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{Status}: {SourceDimension} → {TargetDimension} from {SampleCount} pairs, {Solver}, alpha {Alpha:g4}, R² {TrainingR2:0.000} (training){leftOut}{folds}{heldOut}");
    }
}
