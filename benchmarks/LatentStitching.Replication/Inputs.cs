using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Training;

namespace LatentStitching.Replication;

/// <summary>Opens or makes the images and the models of a run.</summary>
internal static class Inputs
{
    /// <summary>Pretrained models first: they decide the format of the images.</summary>
    public static List<ILatentModel> Pretrained(RunOptions options)
    {
        List<ILatentModel> models = [];
        foreach (string path in options.Models)
        {
            string file = Directory.Exists(path) ? Directory.EnumerateFiles(path, "model.*").Order(StringComparer.Ordinal).FirstOrDefault(candidate => !candidate.EndsWith(".json", StringComparison.Ordinal)) ?? path : path;
            models.Add(Vae.Load(file));
        }
        return models;
    }

    public static IImageSource Images(RunOptions options, ImageFormat format)
    {
        int size = (int)format.Height;
        bool grey = format.Channels == 1;
        if (options.Images is null)
        {
            if (grey) throw new ArgumentException("--images must be given with models of grey images: the faces drawn in code are RGB.");
            return new ProceduralFaces(options.Count ?? (options.Quick ? 1000 : 6000), size, options.Seed);
        }
        IImageSource source;
        if (IsIdx(options.Images)) source = IdxImages.Open(options.Images, options.Attributes, size);
        else if (options.Attributes is not null || options.Images.EndsWith(".zip", StringComparison.OrdinalIgnoreCase)) source = CelebA.Open(options.Images, options.Attributes, ImageGeometry.Squash(size), grey);
        else source = ImageFolder.Open(options.Images, ImageGeometry.Squash(size), grey);
        int count = Math.Min(options.Count ?? (options.Quick ? 500 : int.MaxValue), source.Ids.Count);
        return count < source.Ids.Count ? source.Take(count) : source;
    }

    public static Vae Train(string name, ulong seed, IImageSource images, RunOptions options, Action<double, string> progress, CancellationToken cancellationToken)
    {
        var model = Vae.Create(new VaeOptions { Name = name, Image = images.Image, LatentDimension = 32, Seed = seed });
        TrainingOptions training = new() { Epochs = options.Epochs ?? (options.Quick ? 12 : 20), BatchSize = 32, LearningRate = 1e-3, Seed = seed };
        try
        {
            // A light divergence, so that a few minutes of training give more than the mean face.
            new VaeTrainer(training) { Beta = 0.1 }.Train(model, images, new Relay(step => progress(
                Math.Min(0.999, (double)step.Step / step.TotalSteps),
                $"loss {step.Loss:0} nats, {step.ImagesPerSecond:0} images/s, {step.Remaining.TotalSeconds:0} s left")), cancellationToken);
        }
        catch
        {
            model.Dispose();
            throw;
        }
        return model;
    }

    private static bool IsIdx(string path)
    {
        string name = Path.GetFileName(path);
        return File.Exists(path) && name.Contains("idx3", StringComparison.OrdinalIgnoreCase);
    }

    private sealed class Relay(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }
}
