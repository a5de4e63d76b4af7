using System.Diagnostics;
using LatentStitching.Mapping;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>What the closed-form fitters share: from pairs to a map in the source's dtype, with its report.</summary>
internal static class LinearFit
{
    public static LatentMapFit Run(LatentPairs pairs, double alpha, bool intercept, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        RequirePairs(pairs, intercept);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(pairs.Source, intercept);
        CentredMatrix y = CentredMatrix.Of(pairs.Target, intercept);
        RidgeSolver.Solution solution = RidgeSolver.Solve(x, y, alpha, intercept, cancellationToken);
        progress?.Report(new FitProgress { Iteration = 1, MaxIterations = 1, Loss = solution.ResidualSumOfSquares / ((double)pairs.Count * pairs.TargetDimension) });
        return Finish(pairs, x, y, solution.Weight, intercept, new FitReport
        {
            Status = alpha == 0 && solution.Rank < pairs.SourceDimension ? FitStatus.RankDeficient : FitStatus.Succeeded,
            Solver = solution.Solver,
            SampleCount = pairs.Count,
            SourceDimension = pairs.SourceDimension,
            TargetDimension = pairs.TargetDimension,
            Alpha = alpha,
            Rank = solution.Rank,
            DegreesOfFreedom = solution.DegreesOfFreedom,
            ConditionNumber = solution.ConditionNumber,
            TrainingR2 = R2(solution.ResidualSumOfSquares, solution.TargetSumOfSquares),
            Elapsed = clock.Elapsed,
        });
    }

    public static void RequirePairs(LatentPairs pairs, bool intercept)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        if (intercept && pairs.Count < 2)
        {
            throw new ArgumentException($"pairs must hold at least two rows for a map with an intercept, but it holds {pairs.Count}.", nameof(pairs));
        }
    }

    /// <summary>Makes the map from the float64 coefficients [d_s, d_t] of the centred problem.</summary>
    public static LatentMapFit Finish(LatentPairs pairs, CentredMatrix x, CentredMatrix y, Tensor coefficients, bool intercept, FitReport report) =>
        Finish(pairs.Source.dtype, x.Centre, y.Centre, coefficients, intercept, report);

    /// <summary>Makes the map from the float64 coefficients [d_s, d_t] of the centred problem and what was taken off its columns.</summary>
    public static LatentMapFit Finish(ScalarType dtype, Tensor sourceCentre, Tensor targetCentre, Tensor coefficients, bool intercept, FitReport report)
    {
        Tensor weight = coefficients.t().contiguous();
        Tensor? bias = intercept ? targetCentre.sub(weight.mv(sourceCentre)) : null;
        Tensor cast = weight.to_type(dtype);
        if (!cast.isfinite().all().ToBoolean() || bias?.to_type(dtype).isfinite().all().ToBoolean() == false)
        {
            return new LatentMapFit(new AffineMap(zeros_like(cast)), report with { Status = FitStatus.NonFiniteResult });
        }
        return new LatentMapFit(new AffineMap(cast, bias?.to_type(dtype)), report);
    }

    public static double R2(double residual, double total) => total > 0 ? 1 - (residual / total) : double.NaN;
}
