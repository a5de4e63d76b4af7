using LatentStitching.Mapping;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Distribution;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Metrics.Similarity;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Studies;

/// <summary>The numbers of a target alone, and of a pair beside them.</summary>
internal static class PairMeasurement
{
    private static readonly MetricInfo _recovered = new()
    {
        Name = "recovered",
        Direction = MetricDirection.HigherIsBetter,
        Unit = "share of the way from the mean image to the target's own reconstruction, by pixel MSE",
        Reference = "(mean floor − M) / (mean floor − R2), M and R2 of Asperti and Tonelli (arXiv:2207.06812)",
        Signature = "recovered|space:pixel|error:mse|floor:mean-latent",
    };

    /// <summary>A target's own reconstruction of the test images beside that of the mean latent.</summary>
    public static IReadOnlyList<StudyNumber> Own(StudyImages images, ILatentModel target, StudyTarget column, Tensor test, StitchingStudyOptions options, CancellationToken cancellationToken)
    {
        List<double>[] own = Empty(options), floor = Empty(options);
        List<double> sharp = [], truth = [];
        bool sharpness = HasSharpness(images, options);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using FeatureStatistics? features = Features(options);
        Tensor meanImage = target.Decode(column.Mean).cpu();
        for (int start = 0; start < images.Test.Length; start += options.BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            int size = Math.Min(options.BatchSize, images.Test.Length - start);
            Tensor x = images.TestBlock(start, size), decoded = column.Reconstructed(test, start, size);
            Measure(own, decoded, x, options);
            Measure(floor, meanImage.expand_as(x), x, options);
            if (sharpness)
            {
                sharp.AddRange(LaplacianVariance.Measure(decoded));
                truth.AddRange(LaplacianVariance.Measure(x));
            }
            features?.Add(options.Features!.Extract(decoded));
        }
        List<StudyNumber> numbers = [.. options.ImageMetrics.Select((metric, i) => new StudyNumber
        {
            Quantity = StudyQuantity.Image,
            Value = StudyValues.Mean(metric.Info, [.. own[i]], options.Seed),
            MeanFloor = StudyValues.Mean(metric.Info, [.. floor[i]], options.Seed),
        })];
        if (sharpness)
        {
            numbers.Add(new StudyNumber
            {
                Quantity = StudyQuantity.Sharpness,
                Value = StudyValues.Mean(LaplacianVariance.Info, [.. sharp], options.Seed),
                Ceiling = StudyValues.Mean(LaplacianVariance.Info, [.. truth], options.Seed),
                MeanFloor = StudyValues.Single(LaplacianVariance.Info, LaplacianVariance.Measure(meanImage)[0], "1"),
            });
        }
        if (features is not null) numbers.Add(new StudyNumber { Quantity = StudyQuantity.Distribution, Value = Distance(features, images, options) });
        return numbers;
    }

    /// <summary>Mapped latents against the target's own, beside the target mean and the neighbour's latent.</summary>
    public static IReadOnlyList<StudyNumber> Latents(Tensor mapped, Tensor test, Tensor mean, StitchingStudyOptions options)
    {
        using var scope = NewDisposeScope();
        Tensor rolled = StudyValues.Rolled(mapped), constant = mean.expand_as(test);
        return [.. options.LatentMetrics.Select(metric => new StudyNumber
        {
            Quantity = StudyQuantity.Latent,
            Value = metric.Evaluate(mapped, test, options.Seed),
            Ceiling = metric.Evaluate(test, test, options.Seed),
            MeanFloor = metric.Evaluate(constant, test, options.Seed),
            ShuffledFloor = metric.Evaluate(rolled, test, options.Seed),
        })];
    }

    /// <summary>The two spaces as they are, beside the target with itself and with other images' latents.</summary>
    public static IReadOnlyList<StudyNumber> Similarities(Tensor source, Tensor target, StitchingStudyOptions options, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        Tensor rolled = StudyValues.Rolled(source);
        List<StudyNumber> numbers = [];
        foreach (ISimilarityMeasure measure in options.Similarities)
        {
            MetricValue value = measure.Evaluate(source, target, interval: true, options.Seed, cancellationToken);
            numbers.Add(new StudyNumber
            {
                Quantity = StudyQuantity.Similarity,
                Value = value,
                Ceiling = StudyValues.Single(value.Info, measure.Measure(target, target), value.Count),
                ShuffledFloor = StudyValues.Single(value.Info, measure.Measure(rolled, target), value.Count),
            });
        }
        return numbers;
    }

    /// <summary>Decoded images: against the images, against the target's own, and the share recovered.</summary>
    public static IReadOnlyList<StudyNumber> Images(
        StudyImages images, ILatentModel target, StudyTarget column, Tensor mapped, Tensor test, IReadOnlyList<StudyNumber> own, StitchingStudyOptions options, CancellationToken cancellationToken)
    {
        List<double>[] stitched = Empty(options), shuffled = Empty(options), toOwn = Empty(options);
        List<double> sharp = [];
        bool sharpness = HasSharpness(images, options);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using FeatureStatistics? features = Features(options);
        int count = images.Test.Length;
        Tensor before = target.Decode(mapped.narrow(0, count - 1, 1)).cpu();
        for (int start = 0; start < count; start += options.BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            int size = Math.Min(options.BatchSize, count - start);
            Tensor x = images.TestBlock(start, size);
            Tensor decoded = target.Decode(mapped.narrow(0, start, size)).cpu(), ceiling = column.Reconstructed(test, start, size);
            Measure(stitched, decoded, x, options);
            Measure(toOwn, decoded, ceiling, options);
            if (sharpness) sharp.AddRange(LaplacianVariance.Measure(decoded));
            features?.Add(options.Features!.Extract(decoded));
            Measure(shuffled, size > 1 ? cat([before, decoded.narrow(0, 0, size - 1)], 0) : before, x, options);
            before = decoded.narrow(0, size - 1, 1).clone().MoveToOuterDisposeScope();
        }
        List<StudyNumber> numbers = [];
        StudyNumber[] alone = [.. own.Where(number => number.Quantity == StudyQuantity.Image)];
        for (int i = 0; i < options.ImageMetrics.Count; i++)
        {
            MetricInfo info = options.ImageMetrics[i].Info;
            numbers.Add(new StudyNumber
            {
                Quantity = StudyQuantity.Image,
                Value = StudyValues.Mean(info, [.. stitched[i]], options.Seed),
                Ceiling = alone[i].Value,
                MeanFloor = alone[i].MeanFloor,
                ShuffledFloor = StudyValues.Plain(info, shuffled[i]),
            });
        }
        for (int i = 0; i < options.ImageMetrics.Count; i++)
        {
            numbers.Add(new StudyNumber { Quantity = StudyQuantity.ImageToOwn, Value = StudyValues.Mean(options.ImageMetrics[i].Info, [.. toOwn[i]], options.Seed) });
        }
        StudyNumber? errors = numbers.Find(number => number.Quantity == StudyQuantity.Image && number.Value.Info.Name == new PixelMse().Info.Name);
        if (errors is not null) numbers.Add(Recovered(errors, options.Seed));
        if (sharpness)
        {
            StudyNumber best = own.First(number => number.Quantity == StudyQuantity.Sharpness);
            numbers.Add(new StudyNumber { Quantity = StudyQuantity.Sharpness, Value = StudyValues.Mean(LaplacianVariance.Info, [.. sharp], options.Seed), Ceiling = best.Value, MeanFloor = best.MeanFloor });
        }
        if (features is not null)
        {
            numbers.Add(new StudyNumber { Quantity = StudyQuantity.Distribution, Value = Distance(features, images, options), Ceiling = own.First(number => number.Quantity == StudyQuantity.Distribution).Value });
        }
        return numbers;
    }

    /// <summary>NaN, with a warning, where the target's own reconstruction is no better than the mean image.</summary>
    private static StudyNumber Recovered(StudyNumber errors, ulong seed)
    {
        IReadOnlyList<double> floor = errors.MeanFloor!.PerImage;
        double[] kept = [.. floor.Zip(errors.Value.PerImage, (f, s) => f - s)], possible = [.. floor.Zip(errors.Ceiling!.PerImage, (f, c) => f - c)];
        double way = possible.Average();
        string count = errors.Value.Count;
        MetricValue value;
        if (way > 0)
        {
            (double lower, double upper) = Bootstrap.Ratio(kept, possible, seed);
            value = new MetricValue { Info = _recovered, Value = kept.Average() / way, Lower = lower, Upper = upper, Count = count };
        }
        else
        {
            value = StudyValues.Single(_recovered, double.NaN, count) with { Warning = "The target's own reconstruction is no better than the mean image." };
        }
        return new StudyNumber
        {
            Quantity = StudyQuantity.Recovered,
            Value = value,
            Ceiling = StudyValues.Single(_recovered, 1, count),
            MeanFloor = StudyValues.Single(_recovered, 0, count),
            ShuffledFloor = StudyValues.Single(_recovered, way > 0 ? floor.Zip(errors.ShuffledFloor!.PerImage, (f, s) => f - s).Average() / way : double.NaN, count),
        };
    }

    public static Tensor Apply(ILatentMap map, Tensor latents, int block)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor mapped = empty(latents.size(0), map.TargetDimension, latents.dtype, latents.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(latents.size(0), block))
        {
            using var part = NewDisposeScope();
            mapped.narrow(0, start, size).copy_(map.Apply(latents.narrow(0, start, size)));
        }
        TensorGuard.Finite(mapped);
        return mapped.MoveToOuterDisposeScope();
    }

    private static bool HasSharpness(StudyImages images, StitchingStudyOptions options) => options.Sharpness && LaplacianVariance.Measures(images.Source.Image);

    private static FeatureStatistics? Features(StitchingStudyOptions options) => options.Features is { } extractor ? new FeatureStatistics(extractor.Signature, extractor.Dimension) : null;

    private static MetricValue Distance(FeatureStatistics features, StudyImages images, StitchingStudyOptions options)
    {
        FrechetResult result = FrechetDistance.Evaluate(features, images.Features(options.Features!, options.BatchSize));
        return result.Distance with { Warning = result.Warnings.Count == 0 ? null : string.Join(", ", result.Warnings) };
    }

    private static List<double>[] Empty(StitchingStudyOptions options) => [.. options.ImageMetrics.Select(_ => new List<double>())];

    private static void Measure(List<double>[] values, Tensor actual, Tensor reference, StitchingStudyOptions options)
    {
        for (int i = 0; i < values.Length; i++) values[i].AddRange(options.ImageMetrics[i].Measure(actual, reference));
    }
}
