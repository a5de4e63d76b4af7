using System.Globalization;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Latents;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Models;
using LatentStitching.Numerics;
using LatentStitching.Probing;

namespace LatentStitching.Studies;

/// <summary>A study's arguments, checked and completed, and the fingerprints by which its parts are known.</summary>
internal sealed class StudyPlan : IDisposable
{
    private const int Schema = 1;
    private const int LeastOfAClass = 10;
    private const int PixelSample = 64;
    private const string Gaussian = "gaussian";
    private const string OptionsArgument = "options";
    private const string ModelsArgument = "models";

    private readonly UntrainedEncoder? _untrained;

    public StudyPlan(IReadOnlyList<StudyMember> models, IImageSource images, StitchingStudyOptions options)
    {
        Options = options;
        CheckModels(models, images);
        Members = models;
        Split = options.Split ?? DataSplit.CreateByShare(images.Ids.Count, 0.6, 0.2, 0.2, options.Seed);
        CheckSplit(images, Split);
        Rows = images.Select([.. Split.MapTrain, .. Split.ProbeTrain, .. Split.Test]);
        FitterText = TextOf(options.Fitter);
        (Attributes, LeftOut) = AttributesOf(images);
        CheckSimilarities();
        _untrained = options.UntrainedControls is null ? new UntrainedEncoder(images.Image, options.Seed) : null;
        IReadOnlyList<ILatentModel> untrained = options.UntrainedControls ?? [_untrained!];
        try
        {
            CheckControls(untrained, images);
            Sources = [.. models.Select(Source), .. Noise(), .. untrained.Select(model => new StudySource(model.Name, model, null, ModelFingerprint.OfWhole(model), model.Latent.Dimension))];
            Manifest = ManifestOf(images);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    public StitchingStudyOptions Options { get; }

    public IReadOnlyList<StudyMember> Members { get; }

    /// <summary>Members in their order, then controls.</summary>
    public IReadOnlyList<StudySource> Sources { get; }

    public DataSplit Split { get; }

    /// <summary>The images of the split: those that fit maps, those that fit probes, those that judge.</summary>
    public IImageSource Rows { get; }

    public string FitterText { get; }

    public IReadOnlyList<string> Attributes { get; }

    public IReadOnlyList<string> LeftOut { get; }

    public StudyManifest Manifest { get; }

    /// <summary>The fingerprint of a part: of the study's data and options, the images, and the sources that it depends on.</summary>
    public string Fingerprint(string step, StudyImages images, params IReadOnlyList<StudySource> sources) => Hash(
        [step, Common(), images.Name, .. images.Protocol == StudyProtocol.Synthetic ? [Sources.First(source => images.Name == $"prior of {source.Name}").Fingerprint] : (string[])[], .. sources.SelectMany(source => (string[])[source.Name, source.Fingerprint])]);

    public ProbeLabels? Labels(IReadOnlyList<int> rows) => Attributes.Count == 0 || rows.Count == 0 ? null : ProbeLabels.Of(Rows.Attributes!.Select(rows), Attributes);

    public void Dispose() => _untrained?.Dispose();

    // The arguments are those of the study's own entry.
    private static ArgumentException Refused(string text, string argument) => new(text, argument);

    private static string Hash(IEnumerable<string> parts) => TensorChecksum.Of(string.Join('\n', parts.Select(part => string.Create(CultureInfo.InvariantCulture, $"{part.Length}:{part}"))));

    private static void CheckModels(IReadOnlyList<StudyMember> models, IImageSource images)
    {
        if (models.Count < 2) throw new ArgumentException($"models must hold at least two models, but it holds {models.Count}.", nameof(models));
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (StudyMember member in models)
        {
            Guard.NotNull(member, nameof(models));
            ILatentModel model = member.Model;
            if (!names.Add(model.Name)) throw new ArgumentException($"models must have different names, but '{model.Name}' comes twice.", nameof(models));
            if (model.Image != images.Image)
            {
                throw new ArgumentException($"models must take the study's images, {images.Image}, but {model.Name} takes {model.Image}. Wrap it: model.WithImage(images.Image).", nameof(models));
            }
            if (!member.Encodes && model.GetService<ILatentPrior>() is null)
            {
                throw new ArgumentException($"models must encode or have a prior, but {model.Name} is said not to encode and has none.", nameof(models));
            }
        }
        if (!models.Any(member => member.Encodes)) throw new ArgumentException("models must hold at least one that encodes, or no image has a latent in two of them.", nameof(models));
    }

    private static void CheckSplit(IImageSource images, DataSplit split)
    {
        if (split.ImageCount != images.Ids.Count) throw Refused($"options.Split must split the {images.Ids.Count} images of {images.Name}, but it splits {split.ImageCount}.", OptionsArgument);
        if (!split.IsDisjoint) throw Refused("options.Split must hold disjoint sets, but they share images. Results on images that were fitted on flatter.", OptionsArgument);
        if (split.MapTrain.Count < 3 || split.Test.Count < 2)
        {
            throw Refused($"options.Split must have at least 3 images to fit maps and 2 to judge, but it is {split}. Give more images.", OptionsArgument);
        }
    }

    private static string TextOf(object fitter)
    {
        string? text = fitter.ToString();
        return string.IsNullOrWhiteSpace(text) || text == fitter.GetType().ToString()
            ? throw Refused($"options.Fitter must tell its options as text, for finished pairs are known by it, but {fitter.GetType().Name} does not override ToString.", OptionsArgument)
            : text;
    }

    private static StudySource Source(StudyMember member)
    {
        StudySource source = new(member.Model.Name, member.Model, member, "", member.Model.Latent.Dimension);
        try
        {
            return source with { Fingerprint = member.Encodes ? ModelFingerprint.OfWhole(member.Model) : DecoderFingerprint(member.Model) };
        }
        catch (Exception fault)
        {
            // A model that cannot be known takes its own pairs with it, and is told as their failure.
            return source with { Fault = fault };
        }
    }

    // A decoder has no latents of given images to be known by, so it is known by what it draws.
    private static string DecoderFingerprint(ILatentModel model)
    {
        using PriorImages drawn = new(model, 4, 0);
        using var scope = NewDisposeScope();
        return TensorChecksum.Of($"{model.Name}\n{model.Image}\n{model.Latent}\ndraws\n", drawn.Latents, drawn.LoadAll());
    }

    private IEnumerable<StudySource> Noise()
    {
        if (Options.GaussianDimension == 0) yield break;
        yield return new StudySource(Gaussian, null, null, string.Create(CultureInfo.InvariantCulture, $"gaussian {Options.GaussianDimension} seed {Options.Seed}"), Options.GaussianDimension);
    }

    private void CheckControls(IReadOnlyList<ILatentModel> untrained, IImageSource images)
    {
        HashSet<string> names = new(Members.Select(member => member.Model.Name), StringComparer.Ordinal);
        if (Options.GaussianDimension > 0 && !names.Add(Gaussian)) throw Refused($"models must leave the name '{Gaussian}' to the control. Name the model otherwise, or set GaussianDimension to 0.", ModelsArgument);
        foreach (ILatentModel model in untrained)
        {
            if (!names.Add(model.Name)) throw Refused($"options.UntrainedControls must have names of their own, but '{model.Name}' comes twice.", OptionsArgument);
            if (model.Image != images.Image) throw Refused($"options.UntrainedControls must take the study's images, {images.Image}, but {model.Name} takes {model.Image}.", OptionsArgument);
        }
    }

    private void CheckSimilarities()
    {
        foreach (Metrics.Similarity.ISimilarityMeasure measure in Options.Similarities)
        {
            long widest = Members.Max(member => member.Model.Latent.Dimension), least = Math.Max(measure.Info.MinimumRows, measure.Info.NeedsMoreRowsThanColumns ? widest + 2 : 0);
            if (Split.Test.Count < least)
            {
                throw Refused($"options.Split must have at least {least} test images for {measure.Info.Name}, but it has {Split.Test.Count}. Give more images, or set options.Similarities.", OptionsArgument);
            }
        }
    }

    private (IReadOnlyList<string> Probed, IReadOnlyList<string> LeftOut) AttributesOf(IImageSource images)
    {
        AttributeTable? table = images.Attributes;
        if (Options.Attributes is { } wanted)
        {
            if (wanted.Count == 0) return ([], []);
            if (table is null) throw Refused($"options.Attributes must be empty, for {images.Name} has no attributes.", OptionsArgument);
            foreach (string name in wanted)
            {
                if (!table.Names.Contains(name, StringComparer.Ordinal)) throw Refused($"options.Attributes must be attributes of {images.Name}, but '{name}' is none.", OptionsArgument);
                if (Least(table, name) < 1) throw Refused($"options.Attributes must have images of both classes in the probes' set and the test set, but '{name}' has not. Leave it out.", OptionsArgument);
            }
            return (wanted, []);
        }
        if (table is null) return ([], []);
        ILookup<bool, string> enough = table.Names.ToLookup(name => Least(table, name) >= LeastOfAClass);
        return ([.. enough[true]], [.. enough[false]]);
    }

    /// <summary>Size of the smallest class in the two sets.</summary>
    private int Least(AttributeTable table, string name)
    {
        IReadOnlyList<bool> column = table.Column(name);
        return ((IReadOnlyList<int>[])[Split.ProbeTrain, Split.Test]).Min(set =>
        {
            int positives = set.Count(place => column[place]);
            return Math.Min(positives, set.Count - positives);
        });
    }

    private StudyManifest ManifestOf(IImageSource images)
    {
        using var scope = NewDisposeScope();
        int count = Rows.Ids.Count, sampled = Math.Min(PixelSample, count);
        Tensor pixels = Rows.Load([.. Enumerable.Range(0, sampled).Select(i => (int)((long)i * count / sampled))]);
        string labels = images.Attributes is { } table ? string.Join('\n', table.Names.Select(name => $"{name}:{string.Concat(table.Column(name).Select(has => has ? '1' : '0'))}")) : "";
        StudyManifest manifest = new()
        {
            Schema = Schema,
            Library = typeof(StitchingStudy).Assembly.GetName().Version?.ToString(3) ?? "0.0.0",
            TorchSharp = typeof(torch).Assembly.GetName().Version?.ToString(3) ?? "0.0.0",
            Seed = Options.Seed,
            Images = images.Name,
            ImagesFingerprint = Hash([images.Name, $"{images.Image}", images.Preparation, .. images.Ids]),
            PixelsFingerprint = TensorChecksum.Of(labels, pixels),
            Split = Split.ToString(),
            SplitFingerprint = Hash([$"{Split.MapTrain.Count} {Split.ProbeTrain.Count}", .. Rows.Ids]),
            Fitter = FitterText,
            Metrics =
            [
                .. Options.LatentMetrics.Select(metric => metric.Info.Signature),
                .. Options.Similarities.Select(measure => measure.Info.ToMetricInfo().Signature),
                .. Options.ImageMetrics.Select(metric => metric.Info.Signature),
                .. Options.Sharpness && LaplacianVariance.Measures(images.Image) ? [LaplacianVariance.Info.Signature] : (string[])[],
                .. Options.Features is { } features ? [$"frechet-distance|features:{features.Signature}"] : (string[])[],
            ],
            Probes = Options.ProbeTrainer.Signature,
            Attributes = Attributes,
            AttributesLeftOut = LeftOut,
            Paths = Options.Paths,
            Fingerprint = "",
        };
        return manifest with { Fingerprint = Hash([Common(manifest), $"{manifest.Paths}", .. Sources.SelectMany(source => (string[])[source.Name, source.Fingerprint])]) };
    }

    private string Common() => Common(Manifest);

    private string Common(StudyManifest manifest) => Hash(
    [
        string.Create(CultureInfo.InvariantCulture, $"{manifest.Schema} {manifest.Library} {manifest.TorchSharp} {manifest.Seed} {Options.BatchSize}"), manifest.ImagesFingerprint, manifest.PixelsFingerprint, manifest.SplitFingerprint,
        manifest.Fitter, manifest.Probes, string.Join('\n', manifest.Metrics), string.Join('\n', manifest.Attributes),
    ]);
}
