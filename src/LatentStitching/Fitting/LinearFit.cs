using System.Diagnostics;
using LatentStitching.Mapping;
using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>What the closed-form fitters share: from pairs to a map, float64 unless another dtype is asked for, with its report.</summary>
internal static class LinearFit
{
    private const long RowBlock = 1024;

    public static LatentMapFit Run(
        LatentPairs pairs, double alpha, bool intercept, IProgress<FitProgress>? progress, CancellationToken cancellationToken, bool fast = false, ScalarType mapType = ScalarType.Float64)
    {
        RequirePairs(pairs, intercept);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(pairs.Source, intercept, fast);
        CentredMatrix y = CentredMatrix.Of(pairs.Target, intercept, fast);
        // What float32 takes for singular may only lack its digits.
        RidgeSolver.Solution solution = (fast ? RidgeSolver.ByCholesky(x, y, alpha, intercept, factors: true, mapType, cancellationToken) : null)
            ?? RidgeSolver.Solve(x.Exact(), y.Exact(), alpha, intercept, cancellationToken, factors: true, mapType);
        progress?.Report(new FitProgress { Iteration = 1, MaxIterations = 1, Loss = solution.ResidualSumOfSquares / ((double)pairs.Count * pairs.TargetDimension) });
        return Finish(pairs, x, y, solution, alpha, intercept, mapType, clock);
    }

    public static void RequirePairs(LatentPairs pairs, bool intercept)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        if (intercept && pairs.Count < 2)
        {
            throw new ArgumentException($"pairs must hold at least two rows for a map with an intercept, but it holds {pairs.Count}.", nameof(pairs));
        }
    }

    /// <summary>Makes the map of a solution, dense or factored, and its report.</summary>
    public static LatentMapFit Finish(LatentPairs pairs, CentredMatrix x, CentredMatrix y, RidgeSolver.Solution solution, double alpha, bool intercept, ScalarType dtype, Stopwatch clock)
    {
        FitReport report = Report(
            pairs, solution.Solver, alpha, solution.Rank, solution.ConditionNumber, solution.DegreesOfFreedom, R2(solution.ResidualSumOfSquares, solution.TargetSumOfSquares), clock);
        LinearForm form = solution.Factors is { } factors
            ? new FactoredForm(factors.Left.to_type(dtype).contiguous(), factors.Right.to_type(dtype).contiguous())
            : new DenseForm(solution.Weight.t().to_type(dtype).contiguous());
        return Finish(form, x.Centre, y.Centre, intercept, report);
    }

    public static FitReport Report(LatentPairs pairs, string solver, double alpha, long? rank, double? condition, double? freedom, double trainingR2, Stopwatch clock) => new()
    {
        Status = alpha == 0 && rank < pairs.SourceDimension ? FitStatus.RankDeficient : FitStatus.Succeeded,
        Solver = solver,
        SampleCount = pairs.Count,
        SourceDimension = pairs.SourceDimension,
        TargetDimension = pairs.TargetDimension,
        Alpha = alpha,
        Rank = rank,
        DegreesOfFreedom = freedom,
        ConditionNumber = condition,
        TrainingR2 = trainingR2,
        Elapsed = clock.Elapsed,
    };

    /// <summary>Makes the map, float64 unless another dtype is asked for, from the coefficients [d_s, d_t] of the centred problem and what was taken off its columns.</summary>
    /// <remarks>Coefficients of that dtype whose columns are contiguous are taken over, all others copied: nothing may change them afterwards.</remarks>
    public static LatentMapFit Finish(
        Tensor sourceCentre, Tensor targetCentre, Tensor coefficients, bool intercept, FitReport report, ScalarType mapType = ScalarType.Float64)
    {
        Tensor weight = coefficients.t();
        if (weight.dtype != mapType || !weight.is_contiguous()) weight = empty(weight.shape, mapType, weight.device).copy_(weight);
        return Finish(new DenseForm(weight), sourceCentre, targetCentre, intercept, report);
    }

    /// <summary>Makes the map of a form in its dtype, taken over. Its offset is that of the numbers as they are kept: the mean then maps to the mean, whatever their rounding.</summary>
    public static LatentMapFit Finish(LinearForm form, Tensor sourceCentre, Tensor targetCentre, bool intercept, FitReport report)
    {
        Tensor bias = (intercept ? targetCentre.sub(Image(form, sourceCentre)) : zeros_like(targetCentre)).to_type(form.Dtype);
        if (!form.Tensors.All(part => IsFinite(part.Tensor)) || !IsFinite(bias))
        {
            return new LatentMapFit(AffineMap.Own(new DenseForm(zeros(form.TargetDimension, form.SourceDimension, form.Dtype, form.Device)), zeros_like(bias)), report with { Status = FitStatus.NonFiniteResult });
        }
        return new LatentMapFit(AffineMap.Own(form, bias), report);
    }

    public static double R2(double residual, double total) => total > 0 ? 1 - (residual / total) : double.NaN;

    // What is NaN or infinite makes the sum so, which takes a tenth of the time of asking each entry; finite numbers may too. Some rows at a time: the answers for each entry of a large W are 0.9 GB.
    private static bool IsFinite(Tensor values)
    {
        using var scope = NewDisposeScope();
        if (double.IsFinite(values.sum().ToDouble())) return true;
        foreach ((long start, long size) in CentredMatrix.Blocks(values.size(0), RowBlock))
        {
            using var inner = NewDisposeScope();
            if (!values.narrow(0, start, size).isfinite().all().ToBoolean()) return false;
        }
        return true;
    }

    // W·v in float64, some rows of a dense W at a time: a float64 copy of it may be 1.2 GB.
    private static Tensor Image(LinearForm form, Tensor vector)
    {
        if (form is not DenseForm dense) return form.In(ScalarType.Float64).Times(vector.unsqueeze(0)).squeeze(0);
        Tensor image = empty(form.TargetDimension, ScalarType.Float64, form.Device);
        foreach ((long start, long size) in CentredMatrix.Blocks(form.TargetDimension, RowBlock))
        {
            using var scope = NewDisposeScope();
            image.narrow(0, start, size).copy_(dense.Weight.narrow(0, start, size).to_type(ScalarType.Float64).mv(vector));
        }
        return image;
    }
}
