using System.Diagnostics;
using System.Globalization;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits a map of the smallest rank that predicts held-out pairs about as well as the best rank does.</summary>
/// <remarks>
/// <para>The maps are those of <see cref="ReducedRankFitter"/>. The pairs are shuffled by the seed and dealt to the folds; each fold is predicted by maps of every rank from the others; of the ranks whose mean held-out error
/// lies within one standard error of the least, the smallest is taken. That may be 0, the target's mean, where the source predicts nothing.</para>
/// <para>The report: <see cref="FitReport.RankPath"/> has the training and held-out errors of every rank from 0, the rest is as with <see cref="ReducedRankFitter"/>; with <see cref="ReducedRankPathOptions.ChooseAlpha"/> <see cref="FitReport.Path"/>
/// has the strengths. Cost: that of one such fit for the whole and one for each fold, whatever the number of ranks. With fewer pairs than columns on both sides all folds and strengths share XXᵀ and YYᵀ: a fold costs two symmetric
/// eigendecompositions of its size, a strength 2n³ operations, however wide the latents are.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: the rule of one standard error: Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees" (1984), section 3.4.3.</para>
/// </remarks>
public sealed class ReducedRankPathFitter : ILatentMapFitter
{
    private readonly ReducedRankPathOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <exception cref="ArgumentException">The options set both <see cref="ReducedRankPathOptions.Alpha"/> and <see cref="ReducedRankPathOptions.ChooseAlpha"/>.</exception>
    public ReducedRankPathFitter(ReducedRankPathOptions? options = null)
    {
        _options = options ?? new ReducedRankPathOptions();
        if (_options is not { ChooseAlpha: true, Alpha: > 0 }) return;
        throw new ArgumentException(
            string.Create(CultureInfo.InvariantCulture, $"options must set one of Alpha and ChooseAlpha, but Alpha is {_options.Alpha} and ChooseAlpha is true. Leave Alpha at 0."), nameof(options));
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer rows than folds, or fewer than two for a map with an intercept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        if (pairs.Count < _options.Folds)
        {
            throw new ArgumentException($"pairs must hold at least {_options.Folds} rows for {_options.Folds} folds, but it holds {pairs.Count}. Lower Folds, or use ReducedRankFitter.", nameof(pairs));
        }
        if (_options.ChooseAlpha) Strengths().RequireRows(pairs);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return DualReducedRankFit.Applies(pairs) ? Dual(pairs, clock, progress, cancellationToken) : Primal(pairs, clock, progress, cancellationToken);
    }

    private LatentMapFit Primal(LatentPairs pairs, Stopwatch clock, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        (double alpha, IReadOnlyList<RidgePathPoint> strengths) = (_options.Alpha, []);
        if (_options.ChooseAlpha)
        {
            using LatentMapFit ridge = Strengths().Fit(pairs, cancellationToken: cancellationToken);
            (alpha, strengths) = (ridge.Report.Alpha, ridge.Report.Path);
        }
        double[][] heldOut = HeldOut(
            pairs,
            (rest, held) =>
            {
                using LatentPairs fitted = pairs.Select(rest), left = pairs.Select(held);
                return ReducedRankFit.Of(fitted, alpha, _options.FitIntercept, cancellationToken).Errors(left);
            },
            progress, cancellationToken);
        var full = ReducedRankFit.Of(pairs, alpha, _options.FitIntercept, cancellationToken);
        List<RankPathPoint> path = [.. full.Errors(pairs).Select((error, rank) => Point(rank, error, heldOut))];
        return Told(full.Finish(pairs, Choose(path), path, clock, progress, _options.Folds + 1), strengths);
    }

    private LatentMapFit Dual(LatentPairs pairs, Stopwatch clock, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        var dual = DualReducedRankFit.Of(pairs, _options.FitIntercept, cancellationToken);
        IReadOnlyList<RidgePathPoint> strengths = _options.ChooseAlpha ? dual.Strengths(cancellationToken) : [];
        double alpha = strengths.MinBy(point => point.Error)?.Alpha ?? _options.Alpha;
        double[][] heldOut = HeldOut(pairs, (rest, held) => dual.HeldOut(rest, held, alpha), progress, cancellationToken);
        (RankDirections directions, double[] errors) = dual.Full(alpha);
        List<RankPathPoint> path = [.. errors.Select((error, rank) => Point(rank, error, heldOut))];
        return Told(dual.Finish(directions, Choose(path), alpha, path, clock, progress, _options.Folds + 1), strengths);
    }

    private RidgePathFitter Strengths() => new(new RidgePathOptions { FitIntercept = _options.FitIntercept });

    private static LatentMapFit Told(LatentMapFit fit, IReadOnlyList<RidgePathPoint> strengths) =>
        strengths.Count == 0 ? fit : new LatentMapFit(fit.Map, fit.Report with { Path = strengths, Criterion = RidgeCriterion.LeaveOneOut });

    private static long Choose(List<RankPathPoint> path)
    {
        RankPathPoint best = path.MinBy(point => point.HeldOutError)!;
        return path.First(point => point.HeldOutError <= best.HeldOutError + best.StandardError).Rank;
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "reduced rank, chosen by 5 folds".</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"reduced rank, chosen by {_options.Folds} folds{(_options.ChooseAlpha ? ", strength by leave-one-out" : _options.Alpha > 0 ? $", alpha {_options.Alpha:g6}" : "")}{(_options.FitIntercept ? "" : ", without intercept")}");

    // The mean squared error of every rank on each fold: [folds][ranks from 0].
    private double[][] HeldOut(LatentPairs pairs, Func<long[], long[], double[]> errorsOf, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        using Generator generator = new(_options.Seed);
        using Tensor shuffled = randperm(pairs.Count, generator: generator);
        long[] order = shuffled.data<long>().ToArray();
        double[][] errors = new double[_options.Folds][];
        for (int fold = 0; fold < _options.Folds; fold++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            // Dealt like cards, so that the folds differ by one row at most.
            errors[fold] = errorsOf([.. order.Where((_, place) => place % _options.Folds != fold)], [.. order.Where((_, place) => place % _options.Folds == fold)]);
            // One hundred reports at most, the finished map's included.
            if (fold < 99) progress?.Report(new FitProgress { Iteration = fold + 1, MaxIterations = _options.Folds + 1, Loss = errors[fold].Min() });
        }
        return errors;
    }

    private static RankPathPoint Point(int rank, double training, double[][] heldOut)
    {
        double mean = heldOut.Average(fold => fold[rank]);
        double variance = heldOut.Sum(fold => Math.Pow(fold[rank] - mean, 2)) / (heldOut.Length - 1);
        return new RankPathPoint { Rank = rank, TrainingError = training, HeldOutError = mean, StandardError = Math.Sqrt(variance / heldOut.Length) };
    }
}
