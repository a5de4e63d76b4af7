using System.Diagnostics;
using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>What the fitters share whose residual no solver hands them: from float64 coefficients [d_s, d_t] of the centred problem to a map and its report.</summary>
internal static class AlignmentFit
{
    public static FitReport Draft(LatentPairs pairs, string solver, bool determined) => new()
    {
        Status = determined ? FitStatus.Succeeded : FitStatus.RankDeficient,
        Solver = solver,
        SampleCount = pairs.Count,
        SourceDimension = pairs.SourceDimension,
        TargetDimension = pairs.TargetDimension,
        TrainingR2 = double.NaN,
    };

    /// <summary>Measures the map on its pairs, holds it in two factors where those are given, and fills the draft's <see cref="FitReport.TrainingR2"/> and <see cref="FitReport.Elapsed"/>.</summary>
    public static LatentMapFit Finish(
        LatentPairs pairs, CentredMatrix x, CentredMatrix y, Tensor coefficients, bool intercept, FitReport draft, Stopwatch clock, IProgress<FitProgress>? progress, int steps = 1,
        FactoredForm? factors = null)
    {
        double residual = 0;
        foreach ((long start, long size) in CentredMatrix.CommonBlocks(x, y))
        {
            using var scope = NewDisposeScope();
            residual += y.Block(start, size).sub(x.Block(start, size).mm(coefficients)).square().sum().ToDouble();
        }
        progress?.Report(new FitProgress { Iteration = steps, MaxIterations = steps, Loss = residual / ((double)pairs.Count * pairs.TargetDimension) });
        FitReport report = draft with { TrainingR2 = LinearFit.R2(residual, y.SumOfSquares()), Elapsed = clock.Elapsed };
        return factors is null
            ? LinearFit.Finish(x.Centre, y.Centre, coefficients, intercept, report)
            : LinearFit.Finish(factors.With(part => part.contiguous()), x.Centre, y.Centre, intercept, report);
    }

    /// <summary>The s that minimises ‖s·X·R − Y‖², of a given R [d_s, k], from R, XᵀY [d_s, k] and ‖X·R‖²: 0 where X·R vanishes.</summary>
    public static double Scale(Tensor rotation, Tensor cross, double mappedSum) =>
        mappedSum > 0 ? rotation.mul(cross).sum().ToDouble() / mappedSum : 0;

    /// <summary>‖X·A‖² for a float64 matrix A [d_s, k].</summary>
    public static double SumOfSquares(CentredMatrix x, Tensor matrix)
    {
        double sum = 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(x.Rows, x.BlockRows))
        {
            using var scope = NewDisposeScope();
            sum += x.Block(start, size).mm(matrix).square().sum().ToDouble();
        }
        return sum;
    }
}
