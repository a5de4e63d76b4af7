using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Metrics.Similarity;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Studies;

/// <summary>Follows a latent space through training: each checkpoint against the final model and against the next checkpoint.</summary>
/// <remarks>
/// <para>A <see cref="StitchingStudy"/> of those pairs, resumed, seeded and kept like one. The axis is images seen, repeats counted, so that batch sizes do not matter.</para>
/// <para>Source: Badrinath et al. (arXiv:2407.13449), figure 6, which follows probe accuracy alone; the errors, CKA and the convergence index are added here. What the checkpoints' own probes say of the same images follows Badrinath's thesis (Harvard, 2024).</para>
/// </remarks>
public static class TrainingDynamicsStudy
{
    /// <summary>Runs the study, or goes on with it.</summary>
    /// <param name="checkpoints">At least two, with different numbers of images seen. The last is the final model. All are open at once, and disposed at the end.</param>
    /// <param name="images">The images, with attributes where probes are wanted.</param>
    /// <param name="folder">The study's folder; dynamics.json is added to what <see cref="StitchingStudy"/> writes.</param>
    /// <param name="options">Options; the defaults if null. The latent metrics, similarities and paths are the study's own: normalised error, R², linear CKA, no paths.</param>
    /// <param name="family">The model's family, for the findings.</param>
    /// <param name="threshold">What the convergence index must reach, between 0 and 1.</param>
    /// <param name="progress">Told after each part.</param>
    /// <param name="cancellationToken">Cancels; finished parts stay.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="ArgumentException">There are fewer than two checkpoints, two have seen the same number of images, or the study refuses its arguments.</exception>
    /// <exception cref="InvalidOperationException">A model cannot be known by its weights or behaviour, or a comparison with the final model failed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public static TrainingDynamicsResult Run(
        IReadOnlyList<StudyCheckpoint> checkpoints,
        IImageSource images,
        string folder,
        StitchingStudyOptions? options = null,
        ModelFamily family = ModelFamily.Unknown,
        double threshold = 0.9,
        IProgress<StudyProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(checkpoints);
        ArgumentNullException.ThrowIfNull(images);
        Guard.Fraction(threshold);
        if (checkpoints.Count < 2) throw new ArgumentException($"checkpoints must hold at least two, but it holds {checkpoints.Count}.", nameof(checkpoints));
        StudyCheckpoint[] series = [.. checkpoints.OrderBy(checkpoint => checkpoint.ImagesSeen)];
        for (int i = 1; i < series.Length; i++)
        {
            if (series[i].ImagesSeen == series[i - 1].ImagesSeen) throw new ArgumentException($"checkpoints must have seen different numbers of images, but two have seen {series[i].ImagesSeen}.", nameof(checkpoints));
        }
        options = (options ?? new StitchingStudyOptions()) with { LatentMetrics = [new NormalisedLatentMse(), new LatentR2()], Similarities = [new LinearCka()], Paths = false };
        List<RenamedModel> models = [];
        try
        {
            foreach (StudyCheckpoint checkpoint in series) models.Add(Opened(checkpoint));
            string[] names = [.. models.Select(model => model.Name)];
            Dictionary<string, StudyConcepts> concepts = new(StringComparer.Ordinal);
            StudyResult study = StitchingStudy.Run(
                [.. models.Select(model => new StudyMember(model) { Family = family })],
                images,
                folder,
                options,
                (source, target) => target == names[^1] || Array.IndexOf(names, target) == Array.IndexOf(names, source) + 1,
                concepts.Add,
                progress,
                cancellationToken);
            TrainingDynamicsResult result = Follow(study, concepts, series, names, family, threshold);
            StudyFolder.WriteTo(folder, "dynamics.json", result.ToJson());
            return result;
        }
        finally
        {
            foreach (RenamedModel model in models) model.Dispose();
        }
    }

    private static RenamedModel Opened(StudyCheckpoint checkpoint)
    {
        ILatentModel model = checkpoint.Open();
        try
        {
            return new RenamedModel(model, string.Create(CultureInfo.InvariantCulture, $"{model.Name}@{checkpoint.ImagesSeen}"));
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    private static TrainingDynamicsResult Follow(StudyResult study, Dictionary<string, StudyConcepts> concepts, StudyCheckpoint[] series, string[] names, ModelFamily family, double threshold)
    {
        string final = names[^1];
        double[] likeness = [.. names.Select(name => name == final ? 1 : Math.Max(0, R2(study, name, final)))];
        double left = 1 - likeness[0];
        double[] convergence = [.. likeness.Select(value => left > 1e-12 ? (value - likeness[0]) / left : 1)];
        int converged = names.Length - 1;
        while (converged > 0 && convergence[converged - 1] >= threshold) converged--;
        return new TrainingDynamicsResult
        {
            Family = family,
            Points = [.. names.Select((name, i) => Point(study, concepts, name, final, i + 1 < names.Length ? names[i + 1] : null, series[i].ImagesSeen, convergence[i]))],
            Threshold = threshold,
            ConvergedAt = series[converged].ImagesSeen,
            ConvergedShare = (double)series[converged].ImagesSeen / series[^1].ImagesSeen,
            Study = study,
        };
    }

    private static double R2(StudyResult study, string name, string final) =>
        study.Pair(name, final)?.Number(StudyQuantity.Latent, new LatentR2().Info.Name)?.Value.Value
        ?? throw new InvalidOperationException($"{name} could not be compared with the final model: {study.Failures.FirstOrDefault(failure => failure.Item.Contains(name, StringComparison.Ordinal))?.Message}");

    private static TrainingDynamicsPoint Point(StudyResult study, Dictionary<string, StudyConcepts> concepts, string name, string final, string? next, long imagesSeen, double convergence)
    {
        StudyPair? toFinal = study.Pair(name, final), toNext = next is null ? null : study.Pair(name, next);
        StudyModel model = study.Models.First(model => model.Name == name);
        string error = new NormalisedLatentMse().Info.Name;
        double own = Accuracy(model.Own);
        StudyConcepts? said = concepts.GetValueOrDefault(name), then = next is null ? null : concepts.GetValueOrDefault(next);
        ulong seed = study.Manifest.Seed;
        return new TrainingDynamicsPoint
        {
            ImagesSeen = imagesSeen,
            Name = name,
            ErrorToFinal = toFinal?.Number(StudyQuantity.Latent, error)?.Value,
            R2ToFinal = toFinal?.Number(StudyQuantity.Latent, new LatentR2().Info.Name)?.Value,
            CkaToFinal = toFinal?.Number(StudyQuantity.Similarity)?.Value,
            ErrorToNext = toNext?.Number(StudyQuantity.Latent, error)?.Value,
            CkaToNext = toNext?.Number(StudyQuantity.Similarity)?.Value,
            Reconstruction = model.Number(StudyQuantity.Image)?.Value,
            ProbeAccuracy = own,
            TransferredAccuracy = name == final ? own : Accuracy(toFinal?.Numbers ?? []),
            Concepts = said is null ? [] : ConceptDynamics.Concepts(said, then, seed),
            GenderOverlaps = said is null ? [] : ConceptDynamics.Opposites(said, seed),
            Convergence = convergence,
        };
    }

    private static double Accuracy(IReadOnlyList<StudyNumber> numbers) =>
        numbers.Where(number => number.Quantity == StudyQuantity.BalancedAccuracy).Select(number => number.Value.Value).DefaultIfEmpty(double.NaN).Average();
}
