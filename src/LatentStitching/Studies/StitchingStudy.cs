using LatentStitching.Data;

namespace LatentStitching.Studies;

/// <summary>Stitches every ordered pair of a set of models and measures what survives: the published study, for any models and images.</summary>
/// <remarks>
/// <para>Each model encodes the images once, to a bank on disk. Then, for each target and each source: a map is fitted on the first set of images; on the last set the mapped latents are compared with the target's own,
/// decoded and compared with the images, and read by the target's probes, which learnt from the second set. Every number stands beside its ceiling, the floors of the mean and of shuffled images, and what encoders
/// that know nothing reach: Gaussian noise, and an untrained network. Maps are composed there and back, and through every third model.</para>
/// <para>A model that does not encode takes part on images drawn from its own prior, whose latents are known; so do the controls there.</para>
/// <para>Each finished part is a file, known by the SHA-256 of all that it depends on: images, split, options, weights. Whatever interrupts a run, the next with the same arguments goes on, and ends with the same bytes
/// in results.json and results.csv. A part that fails does not stop the others: it is told in <see cref="StudyResult.Failures"/>, and tried again by the next run.</para>
/// <para>Memory: the latents of one pair, the images and one target's reconstructions up to <see cref="StitchingStudyOptions.ImageMemory"/> each, and the models.</para>
/// <para>Sources: Badrinath et al. (arXiv:2407.13449); Asperti and Tonelli (arXiv:2207.06812).</para>
/// </remarks>
public static class StitchingStudy
{
    /// <summary>Runs a study, or goes on with it.</summary>
    /// <param name="models">At least two models of different names that take the images' format. Not disposed.</param>
    /// <param name="images">The images, with attributes where probes are wanted.</param>
    /// <param name="folder">The study's folder; made where it is not there. It receives latents, maps, parts, manifest.json, results.json, results.csv, and times.csv, the one file with times in it.</param>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="progress">Told after each part, and after each batch that is encoded. What it throws ends the run.</param>
    /// <param name="cancellationToken">Cancels; finished parts stay for the next run.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="ArgumentException">A model, the split, an attribute or a control cannot take part; the text says why and what to do.</exception>
    /// <exception cref="IOException">The folder cannot be written, or another run holds it.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public static StudyResult Run(
        IReadOnlyList<StudyMember> models,
        IImageSource images,
        string folder,
        StitchingStudyOptions? options = null,
        IProgress<StudyProgress>? progress = null,
        CancellationToken cancellationToken = default) => Run(models, images, folder, options ?? new StitchingStudyOptions(), wanted: null, concepts: null, progress, cancellationToken);

    /// <summary>Runs a study of some of the pairs: those that are wanted, by the names of source and target, and the controls'; where asked for, hands on what each model's own probes say of the test images.</summary>
    internal static StudyResult Run(
        IReadOnlyList<StudyMember> models, IImageSource images, string folder, StitchingStudyOptions options, Func<string, string, bool>? wanted, Action<string, StudyConcepts>? concepts, IProgress<StudyProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(models);
        ArgumentNullException.ThrowIfNull(images);
        cancellationToken.ThrowIfCancellationRequested();
        using StudyPlan plan = new(models, images, options);
        using StudyFolder parts = new(folder);
        using StudyRun run = new(plan, parts, progress, cancellationToken, wanted, concepts);
        return run.Execute();
    }
}
