using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Metrics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;
using LatentStitching.Probing;

namespace LatentStitching.Supports;

/// <summary>How a map's error on new images falls with the number of pairs it is fitted on, and so how many are needed.</summary>
/// <remarks>The question is that of the support sets of Asperti and Tonelli, "Comparing the latent space of generative models" (arXiv:2207.06812).</remarks>
public sealed class SupportSetCurve
{
    private const string Intervals = "percentile-bootstrap-2000-images-and-draws";

    private SupportSetCurve(IReadOnlyList<SupportSetPoint> points, MetricValue full, string selector)
    {
        Points = points;
        Full = full;
        Selector = selector;
    }

    /// <summary>One point a size, ascending.</summary>
    public IReadOnlyList<SupportSetPoint> Points { get; }

    /// <summary>Error of the map fitted on all pairs, as a share of the test images' variance.</summary>
    public MetricValue Full { get; }

    /// <summary>Signature of the selector of the first draw.</summary>
    public string Selector { get; }

    /// <summary>Fits on growing support sets and measures each on the same test images.</summary>
    /// <param name="train">The pairs to choose from. Not disposed.</param>
    /// <param name="test">Pairs of other images, at least two. Not disposed.</param>
    /// <param name="selector">The selector of a draw, given its seed; a deterministic one needs one draw only.</param>
    /// <param name="sizes">Numbers of pairs, each from 1 to those of <paramref name="train"/>, ascending and different.</param>
    /// <param name="fitter">How to fit, or null for <see cref="RidgePathFitter"/>, whose strength adapts to the number of pairs.</param>
    /// <param name="draws">Number of draws, positive.</param>
    /// <param name="seed">The first draw's seed; the others follow it.</param>
    /// <param name="progress">Told after each fit the share done, from 0 to 1, or null.</param>
    /// <param name="cancellationToken">Cancels between fits; no tensor is left alive.</param>
    /// <returns>The curve.</returns>
    /// <exception cref="ArgumentException">Widths differ, images come in both, a size is out of range or order, or the test images do not vary.</exception>
    /// <exception cref="FitFailedException">A fit failed.</exception>
    public static SupportSetCurve Measure(
        LatentPairs train,
        LatentPairs test,
        Func<ulong, ISupportSelector> selector,
        IReadOnlyList<int> sizes,
        ILatentMapFitter? fitter = null,
        int draws = 5,
        ulong seed = 0,
        IProgress<double>? progress = null,
        CancellationToken cancellationToken = default)
    {
        Check(train, test, selector, sizes);
        Guard.Positive(draws);
        fitter ??= new RidgePathFitter();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        double[] spread = SquaredRows(test.Target.sub(CentredMatrix.Of(test.Target, centre: true).Centre.to_type(test.Target.dtype)));
        if (!(spread.Sum() > 0)) throw new ArgumentException("test must vary in the target's latent, but all of its rows are the same.", nameof(test));

        int fits = (draws * sizes.Count) + 1, done = 0;
        double[] full = Errors(train);
        double[][][] errors = [.. sizes.Select(_ => new double[draws][])]; // by size, then draw, then image
        string signature = "";
        for (int draw = 0; draw < draws; draw++)
        {
            ISupportSelector own = selector(unchecked(seed + (ulong)draw)) ?? throw new ArgumentException("selector must give a selector for every seed, but it gave null.", nameof(selector));
            if (draw == 0) signature = own.Signature;
            IReadOnlyList<long> rows = own.Select(train.Source, sizes[^1], cancellationToken);
            for (int i = 0; i < sizes.Count; i++)
            {
                using LatentPairs support = train.Select([.. rows.Take(sizes[i])]);
                errors[i][draw] = Errors(support);
            }
        }

        double[] fullDraws = new double[RowResampling.Resamples];
        double[][] sizeDraws = [.. sizes.Select(_ => new double[RowResampling.Resamples])], excessDraws = [.. sizes.Select(_ => new double[RowResampling.Resamples])];
        SplitMix64 random = new(seed ^ 0x5EED5EED5EED5EEDUL);
        RowResampling.Run(spread.Length, seed, (resample, times) =>
        {
            double variance = Weighted(spread, times);
            fullDraws[resample] = Weighted(full, times) / variance;
            int[] picked = [.. Enumerable.Range(0, draws).Select(_ => random.Below(draws))];
            for (int i = 0; i < sizes.Count; i++)
            {
                sizeDraws[i][resample] = picked.Average(draw => Weighted(errors[i][draw], times)) / variance;
                excessDraws[i][resample] = (sizeDraws[i][resample] / fullDraws[resample]) - 1;
            }
        }, cancellationToken);
        double total = spread.Sum(), whole = full.Sum() / total;
        SupportSetPoint[] points = [.. sizes.Select((size, i) =>
        {
            double[] perDraw = [.. errors[i].Select(draw => draw.Sum() / total)];
            double mean = perDraw.Average();
            return new SupportSetPoint
            {
                Size = size,
                Error = Value(Info("normalised latent MSE of a support set", "nmse|space:latent|variance:reference,pooled|fitted-on:support"), mean, sizeDraws[i]),
                Excess = Value(Info("excess error of a support set", "nmse-ratio-less-1|space:latent|fitted-on:support,all"), (mean / whole) - 1, excessDraws[i]),
                PerDraw = perDraw,
            };
        })];
        return new SupportSetCurve(points, Value(Info("normalised latent MSE", "nmse|space:latent|variance:reference,pooled"), whole, fullDraws), signature);

        double[] Errors(LatentPairs pairs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            using LatentMapFit fit = fitter.Fit(pairs, progress: null, cancellationToken).EnsureSucceeded();
            double[] own = SquaredRows(fit.Map.Apply(test.Source).sub(test.Target));
            progress?.Report(++done / (double)fits);
            return own;
        }

        MetricValue Value(MetricInfo info, double value, double[] resamples)
        {
            MetricValue measured = RowResampling.Value(info, value, resamples, spread.Length);
            return double.IsNaN(measured.Lower) ? measured : measured with { IntervalMethod = Intervals };
        }
    }

    /// <summary>The least measured number of pairs from which on the error is surely within a share of that of all pairs.</summary>
    /// <param name="tolerance">The share, above 0: 0.1 for a tenth more error at most.</param>
    /// <returns>The number, at which and after which the upper end of <see cref="SupportSetPoint.Excess"/> stays within the share; null where no measured size reaches that.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The tolerance is not positive and finite.</exception>
    public int? PairsNeeded(double tolerance)
    {
        Guard.Positive(tolerance);
        int? needed = null;
        foreach (SupportSetPoint point in Points.Reverse())
        {
            if (!(point.Excess.Upper <= tolerance)) break;
            needed = point.Size;
        }
        return needed;
    }

    /// <summary>Lists the curve, a size a line.</summary>
    /// <returns>For example "64 pairs: 0.412 [0.398, 0.427], 31 % above all".</returns>
    public override string ToString() => string.Join('\n', Points.Select(point => string.Create(
        CultureInfo.InvariantCulture, $"{point.Size} pairs: {point.Error.Value:g3} [{point.Error.Lower:g3}, {point.Error.Upper:g3}], {100 * point.Excess.Value:0.#} % above all")));

    private static void Check(LatentPairs train, LatentPairs test, Func<ulong, ISupportSelector> selector, IReadOnlyList<int> sizes)
    {
        ArgumentNullException.ThrowIfNull(train);
        ArgumentNullException.ThrowIfNull(test);
        ArgumentNullException.ThrowIfNull(selector);
        Guard.NotEmpty(sizes, "Pass the numbers of pairs to try.");
        if (test.SourceDimension != train.SourceDimension || test.TargetDimension != train.TargetDimension) throw new ArgumentException($"test must have the widths of train, but they are {test} and {train}.", nameof(test));
        if (test.Count < 2) throw new ArgumentException($"test must hold at least two pairs, but it holds {test.Count}.", nameof(test));
        if (train.Ids is not null && test.Ids is not null && train.Ids.Intersect(test.Ids, StringComparer.Ordinal).FirstOrDefault() is { } both)
        {
            throw new ArgumentException($"test must hold other images than train, but '{both}' is in both.", nameof(test));
        }
        for (int i = 0; i < sizes.Count; i++)
        {
            if (sizes[i] < 1 || sizes[i] > train.Count) throw new ArgumentOutOfRangeException(nameof(sizes), $"sizes must lie from 1 to the {train.Count} pairs of train, but entry {i} is {sizes[i]}.");
            if (i > 0 && sizes[i] <= sizes[i - 1]) throw new ArgumentException($"sizes must ascend, but {sizes[i]} follows {sizes[i - 1]}.", nameof(sizes));
        }
    }

    private static MetricInfo Info(string name, string signature) => new()
    {
        Name = name,
        Direction = MetricDirection.LowerIsBetter,
        Unit = "share of the reference's variance",
        Reference = "Asperti and Tonelli, Comparing the latent space of generative models (arXiv:2207.06812): support sets",
        Signature = signature,
    };

    private static double[] SquaredRows(Tensor rows) => rows.to_type(ScalarType.Float64).square().sum([1]).cpu().data<double>().ToArray();

    private static double Weighted(double[] values, int[] times)
    {
        double sum = 0;
        for (int i = 0; i < values.Length; i++) sum += times[i] * values[i];
        return sum;
    }
}
