using System.Diagnostics;
using System.Globalization;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Plots;
using LatentStitching.Replication.Zoo;
using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Replication;

/// <summary>The main job: images and models, every pair stitched, training followed, levels compared, edits carried, one report.</summary>
internal static class Run
{
    private const int LeastImages = 100;
    private const int DrawnImages = 1500;
    private const int QuickImages = 300;

    public static int Execute(RunOptions options, CancellationToken cancellationToken)
    {
        try
        {
            set_num_threads(options.Threads > 0 ? options.Threads : throw new ArgumentException($"--threads must be positive, but it is {options.Threads}."));
            Directory.CreateDirectory(options.Output);
            string zoo = ZooModels.Embedded;
            if (options.Train)
            {
                zoo = Path.Combine(options.Output, "zoo");
                int status = ZooTraining.Execute([], zoo, ZooTraining.DefaultCount, options.Threads, cancellationToken);
                if (status != 0) return status;
            }
            return Study(options, zoo, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            Display.Line($"Stopped. What is finished lies in {options.Output}; the same command goes on from there.");
            return 130;
        }
        catch (Exception exception) when (exception is ArgumentException or IOException or InvalidDataException or UnauthorizedAccessException or FormatException)
        {
            // What the user gave cannot be used; the text says why and what to do.
            Console.Error.WriteLine(exception.Message);
            return 2;
        }
    }

    private static int Study(RunOptions options, string zoo, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        Display display = new();
        List<Opened> models = [];
        try
        {
            bool own = options.Models.Count > 0;
            foreach (Opened model in own ? Inputs.Models(options.Models) : ZooModels.Open(zoo, options.Quick)) models.Add(model);
            ImageFormat format = models[0].Member.Model.Image;
            IImageSource source = Inputs.Images(options, format, options.Quick ? QuickImages : DrawnImages);
            using IDisposable? archive = source as IDisposable;
            if (source.Ids.Count < LeastImages) throw new ArgumentException($"--count must be at least {LeastImages}, but there are {source.Ids.Count} images.");
            using MemoryImages images = display.Step($"Images ({source.Name}, {format})", progress => new MemoryImages(source, progress));
            StitchingStudyOptions study = new() { Seed = options.Seed, Split = DataSplit.CreateByShare(images.Ids.Count, 0.6, 0.2, 0.2, options.Seed) };
            int components = options.Components ?? (own ? 64 : 0);
            if (components > 0) models.Insert(0, Pca(display, images.Select(study.Split.MapTrain), components, options.Seed));

            StudyResult pairs = display.Study("All pairs", progress => StitchingStudy.Run([.. models.Select(model => model.Member)], images, Path.Combine(options.Output, "study"), study, progress, cancellationToken));
            Extras extras = new(display, images, study, options, cancellationToken);
            List<(string Model, TrainingDynamicsResult Result)> dynamics = own ? [] : extras.Dynamics(ZooModels.Series(zoo, models));
            LevelStudyResult? levels = extras.Levels(models);
            IReadOnlyList<SupportSetResult> supports = extras.Supports(models);
            IReadOnlyList<ReportFigure> edits = extras.Edits(models, pairs);
            using var examples = StudyExamples.Load(Path.Combine(options.Output, "study"));
            Report report = StudyReport.Create(new StudyReportContent
            {
                Title = own ? "Stitching study" : "The published study, in small",
                Summary = own ? null : Summary(pairs, images),
                Study = pairs,
                Examples = examples,
                Dynamics = dynamics,
                Levels = levels,
                Supports = supports,
                Edits = edits,
                Provenance = [("command", Command(options))],
            });
            report.Save(options.Output);
            Tables.Show(display, new FindingEvidence { Study = pairs, Dynamics = [.. dynamics.Select(one => one.Result)], Levels = levels });
            Display.Line(string.Create(
                CultureInfo.InvariantCulture,
                $"Wrote {Path.Combine(options.Output, "report.html")}, report.md, report.json, figures and tables; study/results.json has every number. {clock.Elapsed.TotalMinutes:0.0} min, {Process.GetCurrentProcess().PeakWorkingSet64 / 1e9:0.0} GB at the most."));
            foreach (StudyFailure failure in pairs.Failures) Display.Line($"Failed: {failure.Item}: {failure.Message}");
            return pairs.Failures.Count == 0 ? 0 : 1;
        }
        finally
        {
            foreach (Opened model in models) model.Dispose();
        }
    }

    private static Opened Pca(Display display, IImageSource fitted, int components, ulong seed)
    {
        PcaModel pca = display.Step("PCA", _ => PcaModel.Fit(fitted, Math.Min(components, fitted.Ids.Count - 1), seed: seed));
        return new Opened(StudyMember.Of(pca), [pca]);
    }

    private static string Summary(StudyResult study, MemoryImages images) =>
        $"{study.Models.Count(model => !model.IsControl)} small models of seven kinds, trained on faces of 32×32 pixels drawn in code, stitched through linear maps: {study.Pairs.Count(pair => !pair.IsControl)} pairs on {images.Ids.Count} faces that no model was trained on ({study.Manifest.Split}). "
        + "Every number is measured on images that no map and no probe has seen; intervals are 95 %. The models are toys: what they show again of the published findings is told below, with the numbers that say so.";

    private static string Command(RunOptions options) => string.Join(' ', (string[])
    [
        "LatentStitching.Replication",
        .. options.Images is null ? (string[])[] : ["--images", Path.GetFileName(options.Images)],
        .. options.Attributes is null ? (string[])[] : ["--attributes", Path.GetFileName(options.Attributes)],
        .. options.Models.Count == 0 ? (string[])[] : ["--models", .. options.Models.Select(path => Path.GetFileName(path.TrimEnd('/')))],
        .. options.Count is { } count ? (string[])["--count", count.ToString(CultureInfo.InvariantCulture)] : [],
        .. options.Components is { } components ? (string[])["--components", components.ToString(CultureInfo.InvariantCulture)] : [],
        "--seed", options.Seed.ToString(CultureInfo.InvariantCulture),
        .. options.Quick ? (string[])["--quick"] : [],
    ]);
}
