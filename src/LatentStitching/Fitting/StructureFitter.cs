using System.Diagnostics;
using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Mapping;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Chooses a map's structure by its error on images that were left out, with a preference for the smaller map, and fits it to all pairs.</summary>
/// <remarks>
/// <para>The images are dealt into <see cref="StructureOptions.Folds"/> parts. Each candidate predicts every part by a map fitted to the others; whole images are left out, for the places of one image are not independent. Of all
/// candidates whose mean error is within one standard error (over images) of the least, the one with the fewest parameters is taken, and fitted to all pairs.</para>
/// <para>The report is that fit's, with all candidates in <see cref="FitReport.Candidates"/> and the left-out R² of the chosen one as <see cref="FitReport.CrossValidatedR2"/>, which is <see cref="FitReport.LeaveOneOutR2"/> too where each image is a part of its own; having been chosen by it, it is a little flattered.
/// A candidate whose fit gives no usable map has an infinite error.</para>
/// <para>Numerics: errors in float64. Cost: every candidate fitted Folds times, then one fit. Where each image is a part of its own a <see cref="ConvolutionFitter"/> is fitted once, for its left-out errors follow from its Gram
/// matrix; the others, whose strength or rank is chosen anew or whose alternation starts anew without each image, are fitted as often as there are images.</para>
/// <para>Thread safety: immutable, as far as the candidates are.</para>
/// <para>Source: Stone, "Cross-validatory choice and assessment of statistical predictions", J. R. Stat. Soc. B 36 (1974); the rule of one standard error: Breiman, Friedman, Olshen and Stone, "Classification and
/// Regression Trees" (1984), section 3.4.3.</para>
/// </remarks>
public sealed class StructureFitter : ILatentMapFitter
{
    private readonly StructureOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    public StructureFitter(StructureOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than four rows, or do not suit a candidate.</exception>
    /// <exception cref="InvalidOperationException">A candidate gave a map that is not affine.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        if (pairs.Count < 4) throw new ArgumentException($"pairs must hold at least four rows to leave some out, but it holds {pairs.Count}.", nameof(pairs));
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        long[][] folds = Deal((int)pairs.Count);
        List<StructureCandidate> candidates = [];
        double[]? means = null;
        foreach (ILatentMapFitter fitter in _options.Candidates)
        {
            (double[] errors, double[] ofMeans, long parameters) = LeftOut(fitter, pairs, folds, cancellationToken);
            means ??= ofMeans;
            double mean = errors.Average();
            double spread = double.IsFinite(mean) ? Math.Sqrt(errors.Sum(error => (error - mean) * (error - mean)) / (errors.Length - 1.0) / errors.Length) : double.NaN;
            candidates.Add(new StructureCandidate { Name = fitter.ToString() ?? fitter.GetType().Name, ParameterCount = parameters, HeldOutError = mean, StandardError = spread, IsChosen = false });
            progress?.Report(new FitProgress { Iteration = candidates.Count, MaxIterations = _options.Candidates.Count, Loss = mean });
        }
        int chosen = Choose(candidates);
        candidates[chosen] = candidates[chosen] with { IsChosen = true };
        LatentMapFit fit = _options.Candidates[chosen].Fit(pairs, cancellationToken: cancellationToken);
        string solver = string.Create(CultureInfo.InvariantCulture, $"{fit.Report.Solver}, chosen of {candidates.Count} by {folds.Length} folds");
        double baseline = means!.Average();
        double? leftOut = double.IsFinite(candidates[chosen].HeldOutError) && baseline > 0 ? 1 - (candidates[chosen].HeldOutError / baseline) : null;
        return new LatentMapFit(fit.Map, fit.Report with
        {
            Solver = solver,
            Candidates = candidates,
            CrossValidatedR2 = leftOut,
            Folds = folds.Length,
            LeaveOneOutR2 = folds.Length == pairs.Count ? leftOut : null,
            Elapsed = clock.Elapsed,
        });
    }

    /// <summary>Says what it chooses from.</summary>
    /// <returns>For example "the smallest good structure of: 1×1 convolution, alpha 0; 3×3 convolution, alpha 0".</returns>
    public override string ToString() => $"the smallest good structure of: {string.Join("; ", _options.Candidates)}";

    private static int Choose(List<StructureCandidate> candidates)
    {
        StructureCandidate best = candidates.MinBy(candidate => candidate.HeldOutError)!;
        if (!double.IsFinite(best.HeldOutError)) return 0;
        double limit = best.HeldOutError + best.StandardError;
        StructureCandidate taken = candidates.Where(candidate => candidate.HeldOutError <= limit).OrderBy(candidate => candidate.ParameterCount).ThenBy(candidate => candidate.HeldOutError).First();
        return candidates.IndexOf(taken);
    }

    // Rows of each fold, ascending.
    private long[][] Deal(int count)
    {
        int[] order = new SplitMix64(_options.Seed).Permutation(count);
        int folds = Math.Min(_options.Folds, count);
        return [.. Enumerable.Range(0, folds).Select(fold => order.Where((_, place) => place % folds == fold).Select(row => (long)row).Order().ToArray())];
    }

    // Mean squared error of each image, by the candidate and by the mean of the other folds, and the map's size.
    private static (double[] Errors, double[] OfMeans, long Parameters) LeftOut(ILatentMapFitter fitter, LatentPairs pairs, long[][] folds, CancellationToken cancellationToken)
    {
        double[] errors = new double[pairs.Count], ofMeans = new double[pairs.Count];
        long parameters = 0;
        if (fitter is ConvolutionFitter convolution && folds.Length == pairs.Count)
        {
            errors = [.. convolution.LeftOut(pairs, cancellationToken).Select(error => error / pairs.TargetDimension)];
            using var whole = NewDisposeScope();
            // yᵢ minus the mean of the others is n/(n − 1) times yᵢ − ȳ.
            double scale = Math.Pow(pairs.Count / (pairs.Count - 1.0), 2);
            ofMeans = [.. Rows(CentredMatrix.Of(pairs.Target, centre: true).Whole()).Select(square => square * scale)];
            return (errors, ofMeans, convolution.ParameterCount);
        }
        foreach (long[] fold in folds)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            HashSet<long> absent = [.. fold];
            using LatentPairs rest = pairs.Select([.. Enumerable.Range(0, (int)pairs.Count).Select(row => (long)row).Where(row => !absent.Contains(row))]), test = pairs.Select(fold);
            using LatentMapFit fit = fitter.Fit(rest, cancellationToken: cancellationToken);
            AffineMap map = fit.Affine;
            parameters = Math.Max(parameters, map.ParameterCount);
            bool usable = fit.Report.Status is FitStatus.Succeeded or FitStatus.RankDeficient;
            double[] own = [.. StructuredFit.Differences(map, test).SelectMany(Rows)], mean = Rows(test.Target.to_type(ScalarType.Float64).sub(CentredMatrix.Of(rest.Target, centre: true).Centre));
            for (int i = 0; i < fold.Length; i++)
            {
                errors[fold[i]] = usable ? own[i] : double.PositiveInfinity;
                ofMeans[fold[i]] = mean[i];
            }
        }
        return (errors, ofMeans, parameters);
    }

    private static double[] Rows(Tensor differences) => [.. differences.square().mean([1]).cpu().data<double>()];
}
