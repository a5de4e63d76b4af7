using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits an affine map by ridge regression whose strength is chosen by exact leave-one-out error. The default fitter: nobody has to guess a strength.</summary>
/// <remarks>
/// <para>For each strength of <see cref="RidgePathOptions.Alphas"/> the error of predicting every row by a fit without it is computed exactly, all from one eigendecomposition of the smaller of XᵀX and XXᵀ;
/// the least error wins, for all target columns together or for each of its own. Plain least squares (α = 0) is the path's end where the source determines the map.</para>
/// <para>Numerics: float64 throughout, result in the dtype of the source. Cost: one symmetric eigendecomposition of size min(n, d_s) and 2n·min(n, d_s)·d_t operations a strength.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Sources: Allen, "The Relationship between Variable Selection and Data Augmentation and a Method for Prediction", Technometrics 16 (1974) (PRESS); Rifkin and Lippert, "Notes on
/// Regularized Least Squares", MIT-CSAIL-TR-2007-025. It is leave-one-out, not generalised cross-validation: the two differ where rows have unequal leverage.</para>
/// </remarks>
public sealed class RidgePathFitter : ILatentMapFitter
{
    private readonly RidgePathOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public RidgePathFitter(RidgePathOptions? options = null) => _options = options ?? new RidgePathOptions();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than three rows (two without an intercept), or the only strength is 0 and they do not determine the map.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        bool intercept = _options.FitIntercept;
        long least = intercept ? 3 : 2;
        if (pairs.Count < least)
        {
            throw new ArgumentException($"pairs must hold at least {least} rows to leave one out, but it holds {pairs.Count}. Use RidgeFitter with a strength of your own.", nameof(pairs));
        }
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(pairs.Source, intercept);
        CentredMatrix y = CentredMatrix.Of(pairs.Target, intercept);
        var path = RidgePath.Of(x, y, intercept, cancellationToken);
        if (path.Rank == 0) return LinearFit.Run(pairs, 0, intercept, progress, cancellationToken);

        double[] alphas = Strengths(path, pairs);
        double entries = (double)pairs.Count * pairs.TargetDimension;
        List<RidgePathPoint> points = new(alphas.Length);
        List<Tensor> leaveOneOut = new(alphas.Length), training = new(alphas.Length);
        for (int i = 0; i < alphas.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Tensor errors = path.Errors(alphas[i]);
            leaveOneOut.Add(errors[0]);
            training.Add(errors[1]);
            double error = errors[0].sum().ToDouble() / entries;
            points.Add(new RidgePathPoint { Alpha = alphas[i], LeaveOneOutError = error, DegreesOfFreedom = path.DegreesOfFreedom(alphas[i]) });
            progress?.Report(new FitProgress { Iteration = i + 1, MaxIterations = alphas.Length, Loss = error });
        }
        double targetSum = y.SumOfSquares();
        // Leaving a row out moves the mean too: yᵢ minus the mean of the others is n/(n−1) times yᵢ − ȳ.
        double leftOutSum = targetSum * (intercept ? Math.Pow(pairs.Count / (pairs.Count - 1.0), 2) : 1);

        (int[] best, double leftOut, double residual) = _options.PerTarget
            ? ChoosePerTarget(stack(leaveOneOut), stack(training))
            : Choose(points, training, entries);
        double[] chosen = Array.ConvertAll(best, index => alphas[index]);
        Tensor weights = chosen.Contains(0) ? WithLeastSquares(path, x, y, chosen, cancellationToken) : path.Weights(tensor(chosen, device: pairs.Source.device));
        double[] spent = Array.ConvertAll(best, index => points[index].DegreesOfFreedom);
        return LinearFit.Finish(pairs, x, y, weights, intercept, new FitReport
        {
            Status = FitStatus.Succeeded,
            Solver = path.IsPrimal ? "primal eigendecomposition" : "dual eigendecomposition",
            SampleCount = pairs.Count,
            SourceDimension = pairs.SourceDimension,
            TargetDimension = pairs.TargetDimension,
            Alpha = _options.PerTarget ? double.NaN : chosen[0],
            AlphaPerTarget = _options.PerTarget ? chosen : null,
            Path = points,
            Rank = path.Rank,
            DegreesOfFreedom = spent.Average(),
            ConditionNumber = path.ConditionNumber,
            TrainingR2 = LinearFit.R2(residual, targetSum),
            LeaveOneOutR2 = LinearFit.R2(leftOut, leftOutSum),
            Elapsed = clock.Elapsed,
        });
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "ridge, strength by leave-one-out".</returns>
    public override string ToString() =>
        $"ridge, strength by leave-one-out{(_options.PerTarget ? ", one a target" : "")}{(_options.FitIntercept ? "" : ", without intercept")}";

    private double[] Strengths(RidgePath path, LatentPairs pairs)
    {
        IEnumerable<double> strengths = _options.Alphas
            ?? Enumerable.Range(-16, 23).Select(half => path.MeanEigenvalue * Math.Pow(10, half / 2.0)).Prepend(0);
        double[] usable = [.. strengths.Where(alpha => alpha > 0 || path.IsDetermined).Distinct().Order()];
        if (usable.Length == 0)
        {
            throw new ArgumentException(
                $"pairs must determine the map where 0 is the only strength, but the source has rank {path.Rank} with {pairs.SourceDimension} columns and {pairs.Count} rows. Add a positive strength to Alphas.", nameof(pairs));
        }
        return usable;
    }

    private static (int[] Best, double LeftOut, double Residual) Choose(List<RidgePathPoint> points, List<Tensor> training, double entries)
    {
        int best = 0;
        for (int i = 1; i < points.Count; i++)
        {
            if (points[i].LeaveOneOutError < points[best].LeaveOneOutError) best = i;
        }
        return ([best], points[best].LeaveOneOutError * entries, training[best].sum().ToDouble());
    }

    private static (int[] Best, double LeftOut, double Residual) ChoosePerTarget(Tensor leaveOneOut, Tensor training)
    {
        Tensor best = leaveOneOut.argmin(0);
        Tensor row = best.unsqueeze(0);
        return ([.. best.cpu().data<long>().Select(index => (int)index)], leaveOneOut.gather(0, row).sum().ToDouble(), training.gather(0, row).sum().ToDouble());
    }

    // The eigendecomposition squares the condition of X; least squares deserves the solver that does not.
    private static Tensor WithLeastSquares(RidgePath path, CentredMatrix x, CentredMatrix y, double[] chosen, CancellationToken cancellationToken)
    {
        Tensor plain = RidgeSolver.Solve(x, y, 0, path.HasIntercept, cancellationToken).Weight;
        if (chosen.All(alpha => alpha == 0)) return plain;
        Tensor alphas = tensor(chosen, device: plain.device);
        return where(alphas.eq(0).unsqueeze(0), plain, path.Weights(alphas));
    }
}
