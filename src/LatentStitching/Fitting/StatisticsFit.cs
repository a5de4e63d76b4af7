using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>What the closed-form fitters share where there are no rows: from statistics to a map, with its report.</summary>
internal static class StatisticsFit
{
    public const string Suffix = ", from statistics";

    public static LatentMapFit Run(PairStatistics statistics, double alpha, bool intercept, ScalarType mapType, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        RequireRows(statistics, intercept ? 2 : 1, $"for a map {(intercept ? "with" : "without")} an intercept");
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Moments moments = statistics.Moments(intercept);
        MomentSolver.Solution solution = MomentSolver.Solve(moments, alpha, cancellationToken);
        progress?.Report(new FitProgress { Iteration = 1, MaxIterations = 1, Loss = solution.ResidualSumOfSquares / ((double)statistics.Count * statistics.TargetDimension) });
        return Finish(moments, solution.Weight, new FitReport
        {
            Status = alpha == 0 && solution.Rank < statistics.SourceDimension ? FitStatus.RankDeficient : FitStatus.Succeeded,
            Solver = solution.Solver + Suffix,
            SampleCount = statistics.Count,
            SourceDimension = statistics.SourceDimension,
            TargetDimension = statistics.TargetDimension,
            Alpha = alpha,
            Rank = solution.Rank,
            DegreesOfFreedom = solution.DegreesOfFreedom,
            ConditionNumber = solution.ConditionNumber,
            TrainingR2 = LinearFit.R2(solution.ResidualSumOfSquares, solution.TargetSumOfSquares),
            Elapsed = clock.Elapsed,
        }, mapType);
    }

    public static void RequireRows(PairStatistics statistics, long least, string purpose)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        if (statistics.Count >= least) return;
        throw new ArgumentException($"statistics must hold at least {least} {(least == 1 ? "row" : "rows")} {purpose}, but they hold {statistics.Count}.", nameof(statistics));
    }

    public static LatentMapFit Finish(Moments moments, Tensor coefficients, FitReport report, ScalarType mapType) =>
        LinearFit.Finish(moments.SourceCentre, moments.TargetCentre, coefficients, moments.HasIntercept, report, mapType);
}
