using LatentStitching.Data;
using LatentStitching.Editing;
using LatentStitching.Mapping;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Probing;
using LatentStitching.Replication.Zoo;
using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Replication;

/// <summary>What a report tells beyond all pairs: training, levels, support sets, edits.</summary>
internal sealed class Extras(Display display, MemoryImages images, StitchingStudyOptions study, RunOptions options, CancellationToken cancellationToken)
{
    private const int LevelImages = 600;
    private const int Faces = 4;
    private static readonly double[] _strengths = [-6, -3, 0, 3, 6];

    public List<(string Model, TrainingDynamicsResult Result)> Dynamics(IEnumerable<(StudyMember Model, StudyCheckpoint[] Checkpoints)> series) =>
    [
        .. series.Select(one => (one.Model.Model.Name, display.Study($"Training of {one.Model.Model.Name}", progress => TrainingDynamicsStudy.Run(
            one.Checkpoints, images, Path.Combine(options.Output, $"training-{one.Model.Model.Name}"), study, one.Model.Family, progress: progress, cancellationToken: cancellationToken)))),
    ];

    public LevelStudyResult? Levels(IReadOnlyList<Opened> models)
    {
        StudyMember[] hierarchical = [.. models.Select(model => model.Member).Where(member => ZooModels.IsLight(member) && member.Encodes && HasLevels(member.Model))];
        if (options.Quick) hierarchical = [.. hierarchical.OrderByDescending(member => member.Model.Latent.Levels.Count).Take(1)];
        if (hierarchical.Length == 0) return null;
        IImageSource some = images.Ids.Count > LevelImages ? images.Take(LevelImages) : images;
        StitchingStudyOptions levels = study with { Split = DataSplit.CreateByShare(some.Ids.Count, 0.6, 0.2, 0.2, study.Seed), Paths = false, Examples = 0 };
        return display.Study("Levels", progress => LevelStudy.Run(hierarchical, some, Path.Combine(options.Output, "levels"), levels, progress, cancellationToken));
    }

    public IReadOnlyList<SupportSetResult> Supports(IReadOnlyList<Opened> models)
    {
        ILatentModel[] light = [.. models.Select(model => model.Member).Where(member => member.Encodes && ZooModels.IsLight(member)).Select(member => member.Model)];
        if (light.Length < 2) return [];
        (ILatentModel From, ILatentModel To)[] pairs = [(light[0], light[1]), (light[^1], light[0])];
        return display.Step("Support sets", tell => pairs.Select((pair, i) =>
        {
            tell((double)i / pairs.Length, $"{pair.From.Name} → {pair.To.Name}");
            return SupportSetStudy.Run(pair.From, pair.To, images, new SupportSetOptions { Seed = options.Seed, Repeats = 3 }, cancellationToken: cancellationToken);
        }).ToArray());
    }

    /// <summary>The attributes that probes know best, edited in one model along directions found in another.</summary>
    public IReadOnlyList<ReportFigure> Edits(IReadOnlyList<Opened> models, StudyResult pairs)
    {
        StudyMember[] small = [.. models.Select(model => model.Member).Where(member => member.Encodes && member.Model.Latent.Dimension <= 256 && member.Family is ModelFamily.Vae or ModelFamily.SplitVae)];
        if (small.Length < 2 || pairs.Manifest.Attributes.Count == 0) return [];
        (ILatentModel source, ILatentModel target) = (small[0].Model, small[1].Model);
        string[] best = [.. pairs.Models.First(model => model.Name == target.Name).Own.Where(number => number.Quantity == StudyQuantity.BalancedAccuracy).OrderByDescending(number => number.Value.Value).Take(3).Select(number => number.Attribute!)];
        return display.Step("Edits", _ => Draw(source, target, best));
    }

    private static bool HasLevels(ILatentModel model) => model.Latent.Levels.Count > 1 || model.GetService<IModelLevels>() is { LevelNames.Count: > 0 };

    private ReportFigure[] Draw(ILatentModel source, ILatentModel target, string[] attributes)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        DataSplit split = study.Split!;
        IImageSource fitted = images.Select(split.MapTrain), probed = images.Select(split.ProbeTrain);
        using StitchResult stitch = Stitcher.Fit(source, target, new StitchOptions { Pairing = new InputPairing(fitted) }, cancellationToken);
        ProbeLabels labels = ProbeLabels.Of(probed.Attributes!, attributes);
        Tensor labelled = probed.LoadAll();
        using LatentDirections found = Directions.FromClassMeans(source.Encode(labelled), labels), carried = found.Through((AffineMap)stitch.Map);
        using ProbeFit probes = new RidgeProbeTrainer().Train(target.Encode(labelled), labels, progress: null, cancellationToken);
        Tensor start = target.Encode(images.Load([.. split.Test.Take(Faces)]));
        return [.. attributes.Select(attribute =>
        {
            using LatentEdit edit = new(target, probes.Probes, carried, attribute);
            return ReportFigure.FromImages(
                $"edit-{attribute.ToLowerInvariant().Replace('_', '-').Replace(' ', '-')}",
                $"{attribute}, found in {source.Name}, carried to {target.Name}; strengths in margins of {target.Name}'s probe, cosine to its own direction {edit.Cosine.ToString("0.00", System.Globalization.CultureInfo.InvariantCulture)}.",
                $"{Faces} faces, each drawn at {_strengths.Length} strengths of {attribute}.",
                [.. _strengths.Select(strength => (strength.ToString("+0.00;-0.00;0", System.Globalization.CultureInfo.InvariantCulture), edit.Images(start, strength)))]);
        })];
    }
}
