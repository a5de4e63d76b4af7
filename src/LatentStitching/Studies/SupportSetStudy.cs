using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Supports;

namespace LatentStitching.Studies;

/// <summary>Fits the map between two models on few images, then on more: the error against the size of the support set.</summary>
/// <remarks>
/// Asperti and Tonelli, "Comparing the latent space of generative models" (arXiv:2207.06812), define a map by a small fixed support set of images. Latents of both models are held in memory: 4 × n × (d_s + d_t) bytes.
/// </remarks>
public static class SupportSetStudy
{
    private const int Block = 128;

    /// <summary>Runs the study.</summary>
    /// <param name="source">The model whose encoder is used. Not disposed.</param>
    /// <param name="target">The model whose decoder is used. Not disposed.</param>
    /// <param name="images">The images.</param>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="progress">Told after each size.</param>
    /// <param name="cancellationToken">Cancels between fits; no tensor is left alive.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="ArgumentException">The split does not fit the images, leaves fewer than three to choose from or two to judge, or the models take other images.</exception>
    /// <exception cref="InvalidOperationException">There is no selector for a seed, or it chose rows that are not as many as asked for, not different, or not there.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static SupportSetResult Run(
        ILatentModel source, ILatentModel target, IImageSource images, SupportSetOptions? options = null, IProgress<SupportSetStudyPoint>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentNullException.ThrowIfNull(images);
        options ??= new SupportSetOptions();
        DataSplit split = options.Split ?? DataSplit.CreateByShare(images.Ids.Count, 0.8, 0, 0.2, options.Seed);
        if (split.ImageCount != images.Ids.Count || !split.IsDisjoint || split.MapTrain.Count < 3 || split.Test.Count < 2)
        {
            throw new ArgumentException($"options.Split must split the {images.Ids.Count} images into disjoint sets, at least 3 to choose from and 2 to judge, but it is {split}.", nameof(options));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        IImageSource test = images.Select(split.Test);
        using LatentPairs pool = new InputPairing(images.Select(split.MapTrain)).Pair(source, target, progress: null, cancellationToken);
        using LatentPairs judged = new InputPairing(test).Pair(source, target, progress: null, cancellationToken);
        int whole = (int)pool.Count;
        int[] sizes = [.. options.Sizes.Where(size => size < whole)];
        Sweep run = new(target, test, pool, judged, sizes.LastOrDefault(), options, cancellationToken);
        List<SupportSetStudyPoint> points = [];
        foreach (int size in sizes.Append(whole))
        {
            points.Add(run.Point(size, size == whole));
            progress?.Report(points[^1]);
        }
        return new SupportSetResult
        {
            Source = source.Name,
            Target = target.Name,
            Selection = run.Selection,
            Points = points,
            Ceiling = run.Decoded(judged.Target),
        };
    }

    private sealed class Sweep(ILatentModel target, IImageSource test, LatentPairs pool, LatentPairs judged, int largest, SupportSetOptions options, CancellationToken cancellationToken)
    {
        private readonly Dictionary<int, long[]> _chosen = [];

        public string Selection => Selector(0).Signature;

        public SupportSetStudyPoint Point(int size, bool whole)
        {
            List<Metrics.MetricValue> errors = [], images = [];
            for (int repeat = 0; repeat < (whole ? 1 : options.Repeats); repeat++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                using LatentPairs support = pool.Select(whole ? [.. Enumerable.Range(0, size).Select(row => (long)row)] : Chosen(size, repeat));
                using LatentMapFit fit = options.Fitter.Fit(support, progress: null, cancellationToken);
                Tensor mapped = PairMeasurement.Apply(fit.Map, judged.Source, Block);
                errors.Add(StudyValues.Shown(new NormalisedLatentMse().Evaluate(mapped, judged.Target, options.Seed)));
                images.Add(Decoded(mapped));
            }
            return new SupportSetStudyPoint { Size = size, Errors = errors, ImageErrors = images };
        }

        public Metrics.MetricValue Decoded(Tensor latents)
        {
            PerImageAccumulator errors = new(new PixelMse());
            for (int start = 0; start < test.Ids.Count; start += Block)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var scope = NewDisposeScope();
                int size = Math.Min(Block, test.Ids.Count - start);
                errors.Add(target.Decode(latents.narrow(0, start, size)).cpu(), test.Load(start, size));
            }
            return StudyValues.Shown(errors.Value(options.Seed));
        }

        // Choices are nested, so the largest holds them all.
        private long[] Chosen(int size, int repeat)
        {
            if (!_chosen.TryGetValue(repeat, out long[]? rows))
            {
                ISupportSelector selector = Selector(repeat);
                rows = [.. selector.Select(pool.Source, largest, cancellationToken)];
                if (rows.Length != largest || rows.Distinct().Count() != largest || rows.Any(row => row < 0 || row >= pool.Count))
                {
                    throw new InvalidOperationException($"{selector.Signature} must choose {largest} different rows from 0 to {pool.Count - 1}, but it chose {rows.Length}, {rows.Distinct().Count()} of them different.");
                }
                _chosen[repeat] = rows;
            }
            return rows[..size];
        }

        private ISupportSelector Selector(int repeat) => options.Selector(unchecked(options.Seed + (ulong)repeat)) ?? throw new InvalidOperationException("options.Selector must give a selector for every seed, but it gave null.");
    }
}
