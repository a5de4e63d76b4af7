using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>A control: every source latent goes to the mean target latent. What a map has to beat to have used its input.</summary>
/// <remarks>
/// <para>Its R² is 0 by definition, on the rows it was fitted to and with each row left out; on other rows it is 0 or a little below. Its normalised error is 1.</para>
/// <para>Numerics: float64, as is the map. Thread safety: immutable.</para>
/// </remarks>
[SuppressMessage("ApiDesign", "RS0026:Do not add multiple public overloads with optional parameters", Justification = "The two differ in their first argument's type, so a call is never ambiguous.")]
public sealed class MeanFitter : ILatentMapFitter, IStatisticsFitter
{
    /// <inheritdoc/>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix y = CentredMatrix.Of(pairs.Target, centre: true);
        return Finish(pairs.SourceDimension, y.Centre, y.SumOfSquares(), pairs.Count, "mean", progress, clock);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The statistics hold no rows.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(PairStatistics statistics, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        StatisticsFit.RequireRows(statistics, 1, "to have a mean");
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Moments moments = statistics.Moments(intercept: true);
        return Finish(
            statistics.SourceDimension, moments.TargetCentre, moments.TargetSquares.sum().ToDouble(), statistics.Count,
            "mean" + StatisticsFit.Suffix, progress, clock);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>"mean of the target".</returns>
    public override string ToString() => "mean of the target";

    private static LatentMapFit Finish(
        long sourceDimension, Tensor mean, double sum, long count, string solver, IProgress<FitProgress>? progress, Stopwatch clock)
    {
        long targets = mean.size(0);
        progress?.Report(new FitProgress { Iteration = 1, MaxIterations = 1, Loss = sum / ((double)count * targets) });
        return LinearFit.Finish(mean.new_zeros(sourceDimension), mean, mean.new_zeros(targets, sourceDimension).t(), intercept: true, new FitReport
        {
            Status = FitStatus.Succeeded,
            Solver = solver,
            SampleCount = count,
            SourceDimension = sourceDimension,
            TargetDimension = targets,
            DegreesOfFreedom = 1,
            TrainingR2 = LinearFit.R2(sum, sum),
            LeaveOneOutR2 = solver == "mean" && count > 1 ? LinearFit.R2(sum, sum) : null,
            Elapsed = clock.Elapsed,
        });
    }
}
