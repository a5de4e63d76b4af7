using System.Diagnostics;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Models;

namespace LatentStitching.Replication;

/// <summary>The main job: images, models, all pairs stitched, all of them measured on images that no map has seen.</summary>
internal static class Run
{
    public static int Execute(RunOptions options, CancellationToken cancellationToken)
    {
        Display display = new();
        try
        {
            Study(options, display, cancellationToken);
            return 0;
        }
        catch (OperationCanceledException)
        {
            Display.Line("Stopped.");
            return 130;
        }
        catch (Exception exception) when (exception is ArgumentException or IOException or InvalidDataException or UnauthorizedAccessException or FormatException)
        {
            // What the user gave cannot be used; the text says why and what to do.
            Console.Error.WriteLine(exception.Message);
            return 2;
        }
    }

    private static void Study(RunOptions options, Display display, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        set_num_threads(options.Threads > 0 ? options.Threads : throw new ArgumentException($"--threads must be positive, but it is {options.Threads}."));
        Directory.CreateDirectory(options.Output);
        List<ILatentModel> models = Inputs.Pretrained(options);
        List<Pair> pairs = [];
        Vae? random = null;
        MemoryImages? images = null;
        try
        {
            ImageFormat format = models.Count > 0 ? models[0].Image : ImageFormat.Rgb(64);
            IImageSource source = Inputs.Images(options, format);
            using IDisposable? archive = source as IDisposable;
            images = display.Step($"Images ({source.Name}, {format})", progress => new MemoryImages(source, progress));
            int fifth = images.Ids.Count / 5;
            if (fifth < 20) throw new ArgumentException($"--count must leave at least 100 images, but there are {images.Ids.Count}.");
            var split = DataSplit.Create(images.Ids.Count, images.Ids.Count - (2 * fifth), fifth, fifth, options.Seed);
            IImageSource fitted = images.Select(split.MapTrain), test = images.Select(split.Test);

            models.Insert(0, display.Step("PCA", _ => PcaModel.Fit(fitted, Math.Min(options.Components ?? 64, fitted.Ids.Count - 1), seed: options.Seed)));
            if (options.Models.Count == 0)
            {
                // Small networks gain little from a second thread; two trainings at once gain all of it.
                set_num_threads(1);
                models.AddRange(display.Steps([.. ((int[])[1, 2]).Select(number => ($"VAE {number}", (Func<Action<double, string>, Vae>)(progress =>
                    Inputs.Train($"vae-{number}", options.Seed + (ulong)number, fitted, options, progress, cancellationToken))))], parallel: options.Threads > 1));
                set_num_threads(options.Threads);
            }
            random = Vae.Create(new VaeOptions { Name = "random", Image = format, LatentDimension = models[^1].Latent.Dimension, Seed = options.Seed + 1000 });

            using EncodedImages encoded = display.Step("Encoding", progress => new EncodedImages(fitted, [.. models, random], progress, cancellationToken));
            display.Step("Stitching", progress =>
            {
                // The untrained encoder is a source only: the control that any trained one must beat.
                (ILatentModel Source, ILatentModel Target)[] jobs =
                    [.. from target in models from candidate in models.Append((ILatentModel)random) where candidate != target select (candidate, target)];
                foreach ((ILatentModel from, ILatentModel to) in jobs)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    progress((double)pairs.Count / jobs.Length, $"{from.Name} → {to.Name}");
                    StitchResult stitch = Stitcher.Fit(from, to, new StitchOptions { Pairing = encoded }, cancellationToken);
                    pairs.Add(new Pair(from, to, stitch, stitch.Evaluate(test, options.Seed, cancellationToken)));
                }
                return pairs.Count;
            });

            Results results = new(options, images, split, models, pairs, clock);
            results.Show(display);
            results.Write();
        }
        finally
        {
            foreach (Pair pair in pairs) pair.Dispose();
            foreach (ILatentModel model in models) model.Dispose();
            random?.Dispose();
            images?.Dispose();
        }
    }
}
