using System.Diagnostics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits a map of the smallest rank that predicts held-out pairs about as well as the best rank does.</summary>
/// <remarks>
/// <para>The maps are those of <see cref="ReducedRankFitter"/>. The pairs are shuffled by the seed and dealt to the folds; each fold is predicted by maps of every rank from the others; of the ranks whose mean held-out error
/// lies within one standard error of the least, the smallest is taken. That may be 0, the target's mean, where the source predicts nothing.</para>
/// <para>The report: <see cref="FitReport.RankPath"/> has the training and held-out errors of every rank from 0, the rest is as with <see cref="ReducedRankFitter"/>. Cost: that of one such fit for the whole and one for each
/// fold, whatever the number of ranks.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: the rule of one standard error: Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees" (1984), section 3.4.3.</para>
/// </remarks>
public sealed class ReducedRankPathFitter : ILatentMapFitter
{
    private readonly ReducedRankPathOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public ReducedRankPathFitter(ReducedRankPathOptions? options = null) => _options = options ?? new ReducedRankPathOptions();

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
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double[][] heldOut = HeldOut(pairs, progress, cancellationToken);
        var full = ReducedRankFit.Of(pairs, _options.Alpha, _options.FitIntercept, cancellationToken);
        List<RankPathPoint> path = [.. full.Errors(pairs).Select((error, rank) => Point(rank, error, heldOut))];
        RankPathPoint best = path.MinBy(point => point.HeldOutError)!;
        RankPathPoint chosen = path.First(point => point.HeldOutError <= best.HeldOutError + best.StandardError);
        return full.Finish(pairs, chosen.Rank, path, clock, progress, _options.Folds + 1);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "reduced rank, chosen by 5 folds".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"reduced rank, chosen by {_options.Folds} folds{(_options.Alpha > 0 ? $", alpha {_options.Alpha:g6}" : "")}{(_options.FitIntercept ? "" : ", without intercept")}");

    // The mean squared error of every rank on each fold: [folds][ranks from 0].
    private double[][] HeldOut(LatentPairs pairs, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
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
            using LatentPairs held = pairs.Select([.. order.Where((_, place) => place % _options.Folds == fold)]);
            using LatentPairs rest = pairs.Select([.. order.Where((_, place) => place % _options.Folds != fold)]);
            errors[fold] = ReducedRankFit.Of(rest, _options.Alpha, _options.FitIntercept, cancellationToken).Errors(held);
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
