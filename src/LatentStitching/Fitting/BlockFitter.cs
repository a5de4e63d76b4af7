using System.Diagnostics;
using LatentStitching.Mapping;
using LatentStitching.Models;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits a block-diagonal map: each target level from one source level, by a fitter of its own.</summary>
/// <remarks>
/// <para>The report's <see cref="FitReport.Blocks"/> holds the blocks' reports in the order of the target's levels; its status is the worst of theirs; its strength is theirs where they share one, else NaN; its R² are about
/// the target's mean. The leave-one-out R² joins theirs where all have one; that of a block without intercept, which is about zero, is brought to the mean first.</para>
/// <para>Numerics and cost: the inner fitters', one after the other.</para>
/// <para>Thread safety: immutable, as far as the inner fitters are.</para>
/// </remarks>
public sealed class BlockFitter : ILatentMapFitter
{
    private readonly BlockOptions _options;
    private readonly IReadOnlyList<(LatentLevel Source, LatentLevel Target)> _levels;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="ArgumentException">A level is unknown, missing, or named twice, or levels cannot be paired by themselves.</exception>
    public BlockFitter(BlockOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        _levels = [.. Named(options).Select(pair => (options.Source.Level(pair.Source), options.Target.Level(pair.Target))).OrderBy(pair => pair.Item2.Offset)];
        if (_levels.DistinctBy(pair => pair.Source).Count() < _levels.Count || !_levels.Select(pair => pair.Target).SequenceEqual(options.Target.Levels))
        {
            throw new ArgumentException(
                $"options must name every target level once and no source level twice, but Levels is {string.Join(", ", _levels.Select(pair => $"{pair.Source.Name} → {pair.Target.Name}"))}.", nameof(options));
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs do not have the spaces' widths, or do not suit an inner fitter.</exception>
    /// <exception cref="InvalidOperationException">An inner fitter gave a map that is not affine.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        if (pairs.SourceDimension != _options.Source.Dimension || pairs.TargetDimension != _options.Target.Dimension)
        {
            throw new ArgumentException($"pairs must lie in the spaces {_options.Source} and {_options.Target}, but they are {pairs.SourceDimension} and {pairs.TargetDimension} wide.", nameof(pairs));
        }
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        List<LatentMapFit> fits = [];
        try
        {
            double variation = 0, leftOut = 0, residual = 0;
            foreach ((LatentLevel source, LatentLevel target) in _levels)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using LatentPairs part = new(pairs.Source.narrow(1, source.Offset, source.Dimension), pairs.Target.narrow(1, target.Offset, target.Dimension), pairs.Ids);
                LatentMapFit fit = _options.Fitter(source, target).Fit(part, cancellationToken: cancellationToken);
                fits.Add(fit);
                double error = StructuredFit.Residual(fit.Map, part);
                residual += error;
                (double own, double unexplained) = LeftOut(fit.Report, part, error);
                variation += own;
                leftOut += unexplained;
                progress?.Report(new FitProgress { Iteration = fits.Count, MaxIterations = _levels.Count, Loss = residual / ((double)pairs.Count * pairs.TargetDimension) });
            }
            var map = AffineMap.Blocks(_options.Source, _options.Target, [.. _levels.Zip(fits, (pair, fit) => (pair.Source.Name, pair.Target.Name, fit.Affine))]);
            double[] alphas = [.. fits.Select(fit => fit.Report.Alpha).Distinct()];
            string solver = $"blocks: {string.Join("; ", _levels.Zip(fits, (pair, fit) => $"{pair.Source.Name} → {pair.Target.Name} by {fit.Report.Solver}"))}";
            FitReport report = StructuredFit.Report(pairs, fits.Max(fit => fit.Report.Status), solver, alphas.Length == 1 ? alphas[0] : double.NaN);
            return new LatentMapFit(map, report with
            {
                Blocks = [.. fits.Select(fit => fit.Report)],
                TrainingR2 = StructuredFit.R2(residual, pairs, intercept: true),
                LeaveOneOutR2 = variation > 0 && double.IsFinite(leftOut) ? 1 - (leftOut / variation) : null,
                Elapsed = clock.Elapsed,
            });
        }
        finally
        {
            foreach (LatentMapFit fit in fits) fit.Dispose();
        }
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "blocks z1 → z1, z2 → z2".</returns>
    public override string ToString() => $"blocks {string.Join(", ", _levels.Select(pair => $"{pair.Source.Name} → {pair.Target.Name}"))}";

    // What the mean of the others leaves unexplained of each row, and what the block does. An inner report does not tell whether its R² is about the mean or, without an intercept, about zero: its training error does.
    private static (double Variation, double LeftOut) LeftOut(FitReport report, LatentPairs part, double residual)
    {
        double centred = CentredMatrix.Of(part.Target, centre: true).SumOfSquares(), raw = CentredMatrix.Of(part.Target, centre: false).SumOfSquares(), moved = Math.Pow(part.Count / (part.Count - 1.0), 2);
        bool aboutMean = Math.Abs(LinearFit.R2(residual, centred) - report.TrainingR2) <= Math.Abs(LinearFit.R2(residual, raw) - report.TrainingR2);
        double total = aboutMean ? centred * moved : raw;
        // A level that does not vary has no R², and no share in the whole.
        return centred > 0 ? (centred * moved, total * (1 - (report.LeaveOneOutR2 ?? double.NaN))) : (0, 0);
    }

    private static IEnumerable<(string Source, string Target)> Named(BlockOptions options)
    {
        if (options.Levels is not null) return options.Levels;
        IReadOnlyList<LatentLevel> from = options.Source.Levels, to = options.Target.Levels;
        if (to.All(level => from.Any(other => other.Name == level.Name))) return to.Select(level => (level.Name, level.Name));
        if (from.Count == to.Count) return from.Zip(to, (source, target) => (source.Name, target.Name));
        throw new ArgumentException(
            $"options must name the levels that belong together, for {options.Source} and {options.Target} have neither the same names nor equally many levels. Set Levels.", nameof(options));
    }
}
