using LatentStitching.Data;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Models;

namespace LatentStitching.Studies;

/// <summary>Compares the levels of hierarchical latents: every level against every level, and what each does to the decoded image.</summary>
/// <remarks>
/// <para>Each level is seen as a latent space of its own by <see cref="LatentModelExtensions.At"/>: its encoder gives the level alone, its decoder holds the other levels at zero (the mean of a standard Gaussian prior), or at the mean of w in the w+ of a StyleGAN2. A space that cannot be encoded to, such as the z of a StyleGAN2 whose inversion gives w, is left out.
/// All of them make a <see cref="StitchingStudy"/>, resumed, seeded and kept like one.</para>
/// <para>Sources: Badrinath's thesis (Harvard, 2024) on intermediate latents; Karras et al., "A Style-Based Generator Architecture for Generative Adversarial Networks" (arXiv:1812.04948), section 3.1, for styles of two images mixed by level.</para>
/// </remarks>
public static class LevelStudy
{
    /// <summary>Runs the study, or goes on with it.</summary>
    /// <param name="models">Models that encode, together with at least two levels. Not disposed.</param>
    /// <param name="images">The images, with attributes where probes are wanted.</param>
    /// <param name="folder">The study's folder; levels.json is added to what <see cref="StitchingStudy"/> writes.</param>
    /// <param name="options">Options; the defaults if null, but without paths.</param>
    /// <param name="progress">Told after each part.</param>
    /// <param name="cancellationToken">Cancels; finished parts stay.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="ArgumentException">There is no model, one does not encode, or the study refuses its arguments.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public static LevelStudyResult Run(
        IReadOnlyList<StudyMember> models,
        IImageSource images,
        string folder,
        StitchingStudyOptions? options = null,
        IProgress<StudyProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentNullException.ThrowIfNull(images);
        if (models.FirstOrDefault(member => !member.Encodes) is { } blind) throw new ArgumentException($"models must encode, but {blind.Model.Name} is said not to. Levels are compared on the same images.", nameof(models));
        options ??= new StitchingStudyOptions { Paths = false };
        List<StudyMember> levels = [];
        try
        {
            foreach (StudyMember member in models)
            {
                foreach (string level in LevelsOf(member.Model))
                {
                    ILatentModel view = member.Model.At(level);
                    if (view.GetService<IEncodingAbility>() is { CanEncode: false })
                    {
                        view.Dispose();
                        continue;
                    }
                    levels.Add(new StudyMember(new RenamedModel(view, $"{member.Model.Name}/{level}")) { Family = member.Family, Architecture = member.Architecture is null ? null : $"{member.Architecture}/{level}" });
                }
            }
            StudyResult study = StitchingStudy.Run(levels, images, folder, options, progress, cancellationToken);
            DataSplit split = options.Split ?? DataSplit.CreateByShare(images.Ids.Count, 0.6, 0.2, 0.2, options.Seed);
            LevelStudyResult result = new()
            {
                Study = study,
                Replacements = [.. from member in models
                                   where member.Model.Latent.Levels.Count > 1
                                   from level in member.Model.Latent.Levels
                                   select Replace(member.Model, level, images.Select(split.Test), options, cancellationToken)],
            };
            StudyFolder.WriteTo(folder, "levels.json", result.ToJson());
            return result;
        }
        finally
        {
            foreach (StudyMember level in levels) level.Model.Dispose();
        }
    }

    private static IEnumerable<string> LevelsOf(ILatentModel model) => model.Latent.Levels.Select(level => level.Name).Concat(model.GetService<IModelLevels>()?.LevelNames ?? []);

    private static LevelReplacement Replace(ILatentModel model, LatentLevel level, IImageSource test, StitchingStudyOptions options, CancellationToken cancellationToken)
    {
        PixelMse metric = new();
        PerImageAccumulator toOwn = new(metric), toDonor = new(metric), apart = new(metric);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        int count = test.Ids.Count;
        Tensor before = model.Encode(test.Load(count - 1, 1));
        for (int start = 0; start < count; start += options.BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            int size = Math.Min(options.BatchSize, count - start);
            Tensor latents = model.Encode(test.Load(start, size));
            Tensor donors = size > 1 ? cat([before, latents.narrow(0, 0, size - 1)], 0) : before;
            Tensor mixed = latents.clone();
            mixed.narrow(1, level.Offset, level.Dimension).copy_(donors.narrow(1, level.Offset, level.Dimension));
            Tensor own = model.Decode(latents), donor = model.Decode(donors), replaced = model.Decode(mixed);
            toOwn.Add(replaced, own);
            toDonor.Add(replaced, donor);
            apart.Add(own, donor);
            before = latents.narrow(0, size - 1, 1).clone().MoveToOuterDisposeScope();
        }
        Metrics.MetricValue changed = toOwn.Value(options.Seed);
        double between = apart.Value(options.Seed).Value;
        return new LevelReplacement(model.Name, level.Name, StudyValues.Shown(changed), StudyValues.Shown(toDonor.Value(options.Seed)), between > 0 ? changed.Value / between : double.NaN);
    }
}
