using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Studies;

namespace LatentStitching.Replication;

/// <summary>Opens the images and the models that the user gave.</summary>
internal static class Inputs
{
    /// <summary>The user's models, all on the image format of the first.</summary>
    public static IEnumerable<Opened> Models(IReadOnlyList<string> paths)
    {
        ImageFormat? format = null;
        foreach (string path in paths)
        {
            LatentModel model = File.Exists(Path.Combine(path, "config.json")) ? LatentModel.Load(path) : Vae.Load(WeightFile(path));
            format ??= model.Image;
            if (model.Image.Channels != format.Channels)
            {
                model.Dispose();
                throw new ArgumentException($"--models must take images of equally many channels, but {path} takes {model.Image} and the first takes {format}.");
            }
            ILatentModel seen = model.WithImage(format);
            yield return new Opened(StudyMember.Of(seen), seen == model ? [model] : [seen, model]);
        }
    }

    /// <summary>The user's images, or faces drawn in code, at a format.</summary>
    public static IImageSource Images(RunOptions options, ImageFormat format, int drawn)
    {
        int size = (int)format.Height;
        bool grey = format.Channels == 1;
        if (options.Images is null)
        {
            if (grey) throw new ArgumentException("--images must be given with models of grey images: the faces drawn in code are RGB.");
            return new ProceduralFaces(options.Count ?? drawn, size, options.Seed);
        }
        IImageSource source;
        if (IsIdx(options.Images)) source = IdxImages.Open(options.Images, options.Attributes, size);
        else if (options.Attributes is not null || options.Images.EndsWith(".zip", StringComparison.OrdinalIgnoreCase)) source = CelebA.Open(options.Images, options.Attributes, ImageGeometry.Squash(size), grey);
        else source = ImageFolder.Open(options.Images, ImageGeometry.Squash(size), grey);
        int count = Math.Min(options.Count ?? (options.Quick ? 500 : int.MaxValue), source.Ids.Count);
        return count < source.Ids.Count ? source.Take(count) : source;
    }

    // Published VAEs lie in folders of their own.
    private static string WeightFile(string path) => Directory.Exists(path)
        ? Directory.EnumerateFiles(path, "model.*").Order(StringComparer.Ordinal).FirstOrDefault(file => !file.EndsWith(".json", StringComparison.Ordinal)) ?? path
        : path;

    private static bool IsIdx(string path) => File.Exists(path) && Path.GetFileName(path).Contains("idx3", StringComparison.OrdinalIgnoreCase);
}
