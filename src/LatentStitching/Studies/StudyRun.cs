using System.Diagnostics;
using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Latents;
using LatentStitching.Mapping;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Pairing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace LatentStitching.Studies;

/// <summary>One run of a study: what is finished is read, the rest is computed and written, part by part.</summary>
internal sealed partial class StudyRun : IDisposable
{
    private readonly StudyPlan _plan;
    private readonly StudyFolder _folder;
    private readonly StudyTracker _tracker;
    private readonly ILogger _logger;
    private readonly CancellationToken _cancellation;
    private readonly Func<string, string, bool> _wanted;
    private readonly Action<string, StudyConcepts>? _concepts;
    private readonly List<StudyImages> _images = [];
    private readonly ExampleFiles _examples;

    public StudyRun(StudyPlan plan, StudyFolder folder, IProgress<StudyProgress>? progress, CancellationToken cancellationToken, Func<string, string, bool>? wanted = null, Action<string, StudyConcepts>? concepts = null)
    {
        (_plan, _folder, _cancellation, _wanted, _concepts) = (plan, folder, cancellationToken, wanted ?? ((_, _) => true), concepts);
        _logger = (ILogger?)plan.Options.LoggerFactory?.CreateLogger(typeof(StitchingStudy)) ?? NullLogger.Instance;
        _tracker = new StudyTracker(progress, cancellationToken);
        _examples = new ExampleFiles(folder, Math.Min(plan.Options.Examples, plan.Split.Test.Count));
    }

    private StitchingStudyOptions Options => _plan.Options;

    // Only where all models encode: they are checkpoints of one.
    private bool ReadsConcepts => _concepts is not null && _images.Count == 1 && _plan.Labels(_images[0].ProbeTrain) is not null;

    public StudyResult Execute()
    {
        OpenImages();
        (StudyImages Images, StudySource Target, StudySource[] Sources)[] columns = [.. from images in _images from target in Targets(images) select (images, target, Sources(images, target))];
        StudySource[] encoding = [.. _plan.Sources.Where(source => source is { IsControl: false, Encodes: true })];
        StudySource[][] ways = Options.Paths && Options.Fitter is not MlpFitter
            ? [.. from a in encoding from b in encoding where b != a from c in encoding where c != b select (StudySource[])[a, b, c]]
            : [];
        _tracker.Expect("encode", _images.Sum(images => Participants(images).Length));
        _tracker.Expect("own", columns.Length);
        _tracker.Expect("concepts", ReadsConcepts ? columns.Length : 0);
        _tracker.Expect("pair", columns.Sum(column => column.Sources.Length));
        _tracker.Expect("path", ways.Length);

        foreach (StudyImages images in _images)
        {
            foreach (StudySource source in Participants(images)) Encode(images, source);
        }
        Dictionary<StudyImages, Dictionary<string, IReadOnlyList<StudyNumber>>> own = _images.ToDictionary(images => images, _ => new Dictionary<string, IReadOnlyList<StudyNumber>>(StringComparer.Ordinal));
        List<StudyPair> pairs = [];
        foreach ((StudyImages images, StudySource target, StudySource[] sources) in columns)
        {
            using StudyTarget column = new(_plan, _images[0], images, target, _cancellation);
            IReadOnlyList<StudyNumber>? alone = Own(images, target, column);
            if (alone is not null) own[images][target.Name] = alone;
            if (ReadsConcepts && Part("concepts", $"concepts of {target.Name} ({images.Name})", "concepts", images, [target], column.Concepts) is { } read) _concepts!(target.Name, read);
            pairs.AddRange(Column(images, target, sources, column, alone));
        }
        List<StudyPath> paths = [];
        foreach (StudySource[] way in ways)
        {
            if (Path(way) is { } path) paths.Add(path);
        }
        return Assemble(own, pairs, paths);
    }

    public void Dispose()
    {
        foreach (StudyImages images in _images) images.Dispose();
    }

    private static StudyPair WithControls(StudyPair pair, StudyPair[] pairs) => pair.IsControl ? pair : pair with
    {
        Numbers = [.. pair.Numbers.Select(number => number with
        {
            Controls = [.. from control in pairs
                           where control.IsControl && control.Target == pair.Target && control.Images == pair.Images
                           let same = control.Number(number.Quantity, number.Value.Info.Name, number.Attribute)
                           where same is not null
                           select new StudyControl(control.Source, same.Value)],
        })],
    };

    private static StudyPair Shown(StudyPair pair) => pair with { Numbers = [.. pair.Numbers.Select(StudyValues.Shown)] };

    private void OpenImages()
    {
        DataSplit split = _plan.Split;
        _images.Add(new StudyImages(_plan.Rows, StudyProtocol.SharedImages, split.MapTrain.Count, split.ProbeTrain.Count, Options));
        foreach (StudySource source in _plan.Sources.Where(source => source is { Encodes: false, Fault: null }))
        {
            PriorImages drawn = new(source.Model!, split.MapTrain.Count + split.Test.Count, Options.Seed);
            _images.Add(new StudyImages(drawn, StudyProtocol.Synthetic, split.MapTrain.Count, 0, Options));
        }
    }

    private static bool Drew(StudyImages images, StudySource source) => images.Protocol == StudyProtocol.Synthetic && images.Name == $"prior of {source.Name}";

    private StudySource[] Participants(StudyImages images) => [.. _plan.Sources.Where(source => source.Encodes || Drew(images, source))];

    private StudySource[] Targets(StudyImages images) => [.. Participants(images).Where(source => !source.IsControl)];

    /// <summary>On a model's own draws only pairs with that model count, and the controls beside them.</summary>
    private StudySource[] Sources(StudyImages images, StudySource target) => [.. Participants(images).Where(source =>
        source != target && (source.IsControl || _wanted(source.Name, target.Name)) && (images.Protocol == StudyProtocol.SharedImages || source.IsControl || Drew(images, source) || Drew(images, target)))];

    private void Encode(StudyImages images, StudySource source)
    {
        string item = $"latents of {source.Name} ({images.Name})";
        var clock = Stopwatch.StartNew();
        bool reused = false;
        bool done = _tracker.Try("encode", item, () =>
        {
            if (source.Fault is { } fault) throw new InvalidOperationException($"{source.Name} has no fingerprint: {fault.Message}", fault);
            string path = _folder.Latents(source.Name, _plan.Fingerprint("latents", images, source));
            reused = File.Exists(path);
            images.Add(source.Name, Bank(images, source, path, item));
        });
        if (!reused) _folder.Log(item, clock.Elapsed);
        _tracker.Finish("encode", item, reused, !done, clock.Elapsed);
    }

    private LatentBank Bank(StudyImages images, StudySource source, string path, string item)
    {
        if (source.Model is { } model && !Drew(images, source))
        {
            EncodingOptions options = new() { BatchSize = Options.BatchSize, LoggerFactory = Options.LoggerFactory };
            return EncodingPipeline.Encode(model, images.Source, path, options, _tracker.Within("encode", item), _cancellation);
        }
        if (File.Exists(path)) return LatentBank.Open(path);
        LatentBankInfo info = new()
        {
            ModelName = source.Name,
            ModelFingerprint = source.Fingerprint,
            Latent = source.Model?.Latent ?? Models.LatentSpace.Vector(source.Dimension),
            ImageSourceName = images.Name,
            Image = images.Source.Image,
            Preparation = images.Source.Preparation,
            ImagesContentHash = images.Source.ContentHash,
            Ids = images.Source.Ids,
            Attributes = images.Source.Attributes,
        };
        if (images.Drawn is { } drawn) return source.Model is null ? Noise(drawn.Ids.Count) : LatentBank.Create(path, drawn.Latents, info);
        return Noise(images.Source.Ids.Count);

        LatentBank Noise(long count)
        {
            using Generator generator = new(Options.Seed);
            using Tensor noise = randn([count, source.Dimension], ScalarType.Float32, generator: generator);
            return LatentBank.Create(path, noise, info);
        }
    }

    private IReadOnlyList<StudyNumber>? Own(StudyImages images, StudySource target, StudyTarget column)
    {
        string name = $"own-{StudyFolder.Slug(target.Name)}", fingerprint = _plan.Fingerprint("own", images, target);
        IReadOnlyList<StudyNumber>? own = Part("own", $"{target.Name} ({images.Name})", "own", images, [target], () =>
        {
            IReadOnlyList<StudyNumber> numbers = column.Own();
            _examples.Keep(
                name,
                fingerprint,
                (StudyExamples.ImagesKey(images.Name), count => images.TestBlock(0, count)),
                (StudyExamples.OwnKey(target.Name, images.Name), count => Decoded(target, images.Latents(target.Name, images.Test[..count]))));
            return numbers;
        }, () => _examples.Has(name, fingerprint));
        if (own is not null) _examples.Count(name, fingerprint);
        return own;
    }

    private static Tensor Decoded(StudySource target, Tensor latents)
    {
        using var grad = no_grad();
        return target.Model!.Decode(latents);
    }

    private StudyPair[] Column(StudyImages images, StudySource target, StudySource[] sources, StudyTarget column, IReadOnlyList<StudyNumber>? alone)
    {
        // One after the other: libtorch has threads of its own, and TorchSharp 0.107 may free the scalar of an operation under way where several threads make garbage.
        StudyPair?[] done = new StudyPair?[sources.Length];
        for (int i = 0; i < sources.Length; i++) done[i] = Pair(i);
        return [.. done.OfType<StudyPair>()];

        StudyPair? Pair(int i)
        {
            StudySource source = sources[i];
            string name = $"{StudyFolder.Slug(source.Name)}--{StudyFolder.Slug(target.Name)}", fingerprint = _plan.Fingerprint("pair", images, source, target);
            StudyPair? pair = Part("pair", $"{source.Name} → {target.Name} ({images.Name})", name, images, [source, target], () =>
            {
                IReadOnlyList<StudyNumber> own = alone ?? throw new InvalidOperationException($"{target.Name} has no reconstruction of its own to be judged by: see its failure.");
                return Measure(images, source, target, column, own, mapped => _examples.Keep(
                    name, fingerprint, (StudyExamples.PairKey(source.Name, target.Name, images.Name), count => Decoded(target, mapped.narrow(0, 0, count)))));
            }, () => _examples.Has(name, fingerprint) && (!KeepsMap(images, source) || File.Exists(MapPath(images, source, target)) || File.Exists(NoMapPath(images, source, target))));
            if (pair is not null) _examples.Count(name, fingerprint);
            return pair;
        }
    }

    // Maps between models that encode are composed afterwards; others are not needed again.
    private bool KeepsMap(StudyImages images, StudySource source) => Options.Paths && images.Protocol == StudyProtocol.SharedImages && !source.IsControl && Options.Fitter is not MlpFitter;

    private string MapPath(StudyImages images, StudySource source, StudySource target) =>
        _folder.Map($"{StudyFolder.Slug(source.Name)}--{StudyFolder.Slug(target.Name)}", _plan.Fingerprint("pair", images, source, target));

    // Says that the fitter's map is not affine, so that the pair counts as finished without one.
    private string NoMapPath(StudyImages images, StudySource source, StudySource target) => MapPath(images, source, target) + ".none";

    private StudyPair Measure(StudyImages images, StudySource source, StudySource target, StudyTarget column, IReadOnlyList<StudyNumber> own, Action<Tensor> keep)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using LatentMapFit fit = Fit(images, source, target);
        Tensor sourceTest = images.Latents(source.Name, images.Test), test = images.Latents(target.Name, images.Test);
        Tensor mapped = PairMeasurement.Apply(fit.Map, sourceTest, Options.BatchSize);
        StudyPair pair = new()
        {
            Source = source.Name,
            Target = target.Name,
            IsControl = source.IsControl,
            Protocol = images.Protocol,
            Images = images.Name,
            Fit = StudyFit.Of(fit.Report),
            Numbers =
            [
                .. PairMeasurement.Latents(mapped, test, column.Mean, Options),
                .. PairMeasurement.Similarities(sourceTest, test, Options, _cancellation),
                .. PairMeasurement.Images(images, target.Model!, column, mapped, test, own, Options, _cancellation),
                .. column.Probed(mapped, test, own),
            ],
        };
        keep(mapped);
        if (KeepsMap(images, source) && fit.Map is AffineMap affine) affine.Save(MapPath(images, source, target));
        else if (KeepsMap(images, source)) File.WriteAllText(NoMapPath(images, source, target), "");
        return pair;
    }

    private LatentMapFit Fit(StudyImages images, StudySource source, StudySource target)
    {
        using Tensor from = images.Latents(source.Name, images.MapTrain), to = images.Latents(target.Name, images.MapTrain);
        using LatentPairs pairs = new(from, to);
        LatentMapFit fit = Options.Fitter.Fit(pairs, progress: null, _cancellation);
        if (fit.Report.Status is not (FitStatus.Diverged or FitStatus.NonFiniteResult)) return fit;
        fit.Dispose();
        throw new FitFailedException(fit.Report);
    }

    private StudyPath? Path(StudySource[] way)
    {
        (StudySource a, StudySource b, StudySource c) = (way[0], way[1], way[2]);
        string name = string.Join("--", way.Select(source => StudyFolder.Slug(source.Name)));
        return Part("path", string.Join(" → ", way.Select(source => source.Name)), name, _images[0], way, () =>
        {
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            StudyImages images = _images[0];
            Tensor start = images.Latents(a.Name, images.Test), end = a == c ? start : images.Latents(c.Name, images.Test);
            Tensor mapped = Through(b, c, Through(a, b, start));
            Tensor? direct = a == c ? null : Through(a, c, start);
            NormalisedLatentMse metric = new();
            return new StudyPath
            {
                Models = [a.Name, b.Name, c.Name],
                Quantity = a == c ? StudyQuantity.Cycle : StudyQuantity.Path,
                Error = StudyValues.Shown(metric.Evaluate(mapped, end, Options.Seed)),
                Direct = direct is null ? null : StudyValues.Shown(metric.Evaluate(direct, end, Options.Seed)),
                Difference = direct is null ? null : StudyValues.Shown(metric.Evaluate(mapped, direct, Options.Seed)),
            };
        });

        Tensor Through(StudySource from, StudySource to, Tensor latents)
        {
            string path = MapPath(_images[0], from, to);
            if (!File.Exists(path)) throw new InvalidOperationException($"The map {from.Name} → {to.Name} is missing: it was not fitted, or is not affine.");
            using var map = AffineMap.Load(path);
            return PairMeasurement.Apply(map, latents, Options.BatchSize);
        }
    }

    /// <summary>Reads a part that is finished, or computes and writes it; null where it failed.</summary>
    private T? Part<T>(string step, string item, string name, StudyImages images, StudySource[] sources, Func<T> compute, Func<bool>? complete = null)
        where T : class
    {
        _cancellation.ThrowIfCancellationRequested();
        string fingerprint = _plan.Fingerprint(step, images, sources);
        string file = $"{step}-{(name == step ? StudyFolder.Slug(sources[0].Name) : name)}";
        var clock = Stopwatch.StartNew();
        T? result = null;
        bool resumed = false;
        bool done = _tracker.Try(step, item, () =>
        {
            result = complete is null || complete() ? _folder.Read<T>(file, fingerprint) : null;
            resumed = result is not null;
            if (resumed) return;
            T computed = compute();
            _folder.Write(file, fingerprint, computed);
            result = computed;
            LogFinished(_logger, item, clock.Elapsed.TotalSeconds);
        });
        if (!resumed) _folder.Log(item, clock.Elapsed);
        _tracker.Finish(step, item, resumed, !done, clock.Elapsed);
        return result;
    }

    private StudyResult Assemble(Dictionary<StudyImages, Dictionary<string, IReadOnlyList<StudyNumber>>> own, List<StudyPair> pairs, List<StudyPath> paths)
    {
        StudyPair[] shown = [.. pairs.Select(Shown)];
        StudySource[] blind = [.. _plan.Sources.Where(source => !source.Encodes)];
        StudyResult result = new()
        {
            Manifest = _plan.Manifest,
            Models = [.. _plan.Sources.Select(source => new StudyModel
            {
                Name = source.Name,
                Family = source.Member?.Family ?? ModelFamily.Unknown,
                Architecture = source.Member?.Architecture,
                Encodes = source.Encodes,
                IsControl = source.IsControl,
                Fingerprint = source.Fingerprint,
                Dimension = source.Dimension,
                Levels = source.Model is null ? [] : [.. source.Model.Latent.Levels.Select(level => level.Name)],
                Own = _images.Find(images => source.Encodes ? images.Protocol == StudyProtocol.SharedImages : Drew(images, source)) is { } images
                    ? [.. own[images].GetValueOrDefault(source.Name, []).Select(StudyValues.Shown)]
                    : [],
            })],
            Pairs = [.. shown.Select(pair => WithControls(pair, shown))],
            Paths = paths,
            Failures = _tracker.Failures,
            Unpairable = [.. from a in blind from b in blind where a != b select $"{a.Name} → {b.Name}"],
        };
        _examples.Assemble();
        _folder.WriteResult("manifest.json", StudyJson.Write(result.Manifest));
        _folder.WriteResult("results.csv", result.ToCsv());
        _folder.WriteResult("results.json", result.ToJson());
        return result;
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "Finished {Item} in {Seconds} s.")]
    private static partial void LogFinished(ILogger logger, string item, double seconds);
}
