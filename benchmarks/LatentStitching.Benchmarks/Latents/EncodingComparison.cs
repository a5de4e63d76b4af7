using System.Globalization;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Benchmarks.Adapters;
using LatentStitching.Data;
using LatentStitching.Latents;
using LatentStitching.Models;
using SkiaSharp;

namespace LatentStitching.Benchmarks.Latents;

/// <summary>The encoding pipeline, file and checksums included, beside a loop that reads and encodes in turn and beside the model alone on images in memory, with one thread of libtorch.</summary>
internal static class EncodingComparison
{
    private const int Batch = 256;
    private const int Side = 64;

    /// <summary>Prints one line a set of images and model.</summary>
    /// <param name="count">Images of each kind; the large model encodes a quarter of them.</param>
    /// <param name="rounds">Rounds at least.</param>
    /// <param name="celebA">A zip of aligned CelebA pictures, or null.</param>
    /// <param name="which">Part of the lines' names to time; empty for all.</param>
    public static int Run(int count, int rounds, string? celebA, string which)
    {
        set_num_threads(1);
        string folder = Directory.CreateTempSubdirectory("encoding-").FullName;
        try
        {
            Console.WriteLine($"Batches of {Batch}, {Environment.ProcessorCount} cores; medians in turns; seconds by the clock, in brackets of the processor; ratios: throughput of the pipeline as a share.");
            Console.WriteLine("| images | model | pipeline | in turn | model alone | pipeline to in turn | pipeline to model alone |");
            Console.WriteLine("|---|---|---:|---:|---:|---:|---:|");
            using Vae small = Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(Side) });
            using AspertiVae large = AspertiVae.Create();
            foreach ((string name, Func<IImageSource> open) in Sources(count, folder, celebA))
            {
                foreach ((LatentModel model, int share) in ((LatentModel, int)[])[(small, 1), (large, 4)])
                {
                    string line = $"{count / share} {name} | {model.Name}";
                    if (line.Contains(which, StringComparison.OrdinalIgnoreCase)) Compare(line, open().Take(count / share), model, rounds, Path.Combine(folder, "bank"));
                }
            }
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IEnumerable<(string Name, Func<IImageSource> Open)> Sources(int count, string folder, string? celebA)
    {
        yield return ("images drawn in code, 64×64", () => new ProceduralFaces(count));
        yield return ("PNG files, 64×64", () => Pictures(Path.Combine(folder, "png"), count, SKEncodedImageFormat.Png));
        yield return celebA is null
            ? ("JPEG files, 64×64", () => Pictures(Path.Combine(folder, "jpeg"), count, SKEncodedImageFormat.Jpeg))
            : ("CelebA files, JPEG of 178×218 squashed to 64×64", () => CelebA.Open(celebA));
    }

    private static void Compare(string name, IImageSource images, LatentModel model, int rounds, string path)
    {
        int count = images.Ids.Count;
        using Tensor memory = images.LoadAll();
        Interleaved.Medians[] times = Interleaved.Time(TimeSpan.Zero, rounds, Pipeline, InTurn, Alone);
        (double wall, double turn, double alone) = (times[0].Wall, times[1].Wall, times[2].Wall);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {Text(times[0])} | {Text(times[1])} | {Text(times[2])} | {turn / wall:0.00} | {alone / wall:0.00} |"));

        void Pipeline()
        {
            using LatentBank bank = EncodingPipeline.Encode(model, images, path, new EncodingOptions { BatchSize = Batch });
            File.Delete(path);
        }

        void InTurn() => Loop(start => images.Load(start, Math.Min(Batch, count - start)));

        void Alone() => Loop(start => memory.narrow(0, start, Math.Min(Batch, count - start)));

        void Loop(Func<int, Tensor> load)
        {
            for (int start = 0; start < count; start += Batch)
            {
                using Tensor batch = load(start), latents = model.Encode(batch);
            }
        }
    }

    private static string Text(Interleaved.Medians times) => string.Create(CultureInfo.InvariantCulture, $"{times.Wall:0.00} ({times.Processor:0.00})");

    private static ImageFolder Pictures(string folder, int count, SKEncodedImageFormat format)
    {
        if (Directory.Exists(folder)) return ImageFolder.Open(folder, ImageGeometry.Squash(Side));
        Directory.CreateDirectory(folder);
        ProceduralFaces faces = new(count);
        for (int i = 0; i < count; i++)
        {
            using var scope = NewDisposeScope();
            byte[] pixels = faces.Load(i, 1).mul(255).round().to_type(ScalarType.Byte).permute(0, 2, 3, 1).contiguous().bytes.ToArray();
            using SKBitmap bitmap = new(new SKImageInfo(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque));
            for (int p = 0; p < Side * Side; p++) bitmap.SetPixel(p % Side, p / Side, new SKColor(pixels[3 * p], pixels[(3 * p) + 1], pixels[(3 * p) + 2]));
            using SKData data = bitmap.Encode(format, 90);
            File.WriteAllBytes(Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"{i:D5}.{(format == SKEncodedImageFormat.Png ? "png" : "jpg")}")), data.ToArray());
        }
        return ImageFolder.Open(folder, ImageGeometry.Squash(Side));
    }
}
