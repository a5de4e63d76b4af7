using BenchmarkDotNet.Attributes;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Latents;
using LatentStitching.Models;
using SkiaSharp;

namespace LatentStitching.Benchmarks.Latents;

/// <summary>Encoding 1,536 picture files of 64×64 (and 1,536 CelebA files of 178×218, where they are there) with one thread: the model alone on images in memory, a loop that reads and encodes in turn, and the pipeline into a file.</summary>
[WarmupCount(1)]
[IterationCount(5)]
[InvocationCount(1, 1)]
public class EncodingBenchmarks
{
    private const int Count = 1536;
    private const int Batch = 256;
    private const string CelebAPath = "../shared/data/celeba/img_align_celeba_5000.zip";

    private string _folder = "";
    private IImageSource _images = null!;
    private Tensor _memory = null!;
    private Vae _model = null!;

    [ParamsSource(nameof(Sources))]
    public string Files { get; set; } = "";

    public static IEnumerable<string> Sources => FindCelebA() is null ? ["png", "jpeg"] : ["png", "jpeg", "celeba"];

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(1);
        _folder = Directory.CreateTempSubdirectory("encoding-").FullName;
        if (Files == "celeba")
        {
            _images = CelebA.Open(FindCelebA()!).Take(Count);
        }
        else
        {
            string pictures = Directory.CreateDirectory(Path.Combine(_folder, "pictures")).FullName;
            Write(pictures, Files == "png" ? SKEncodedImageFormat.Png : SKEncodedImageFormat.Jpeg);
            _images = ImageFolder.Open(pictures, ImageGeometry.Squash(64));
        }
        _memory = _images.LoadAll();
        _model = Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(64) });
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _memory.Dispose();
        _model.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Benchmark(Baseline = true)]
    public long ModelAlone()
    {
        using var scope = NewDisposeScope();
        long rows = 0;
        for (int start = 0; start < Count; start += Batch)
        {
            using Tensor images = _memory.narrow(0, start, Batch), latents = _model.Encode(images);
            rows += latents.size(0);
        }
        return rows;
    }

    [Benchmark]
    public long ReadAndEncodeInTurn()
    {
        long rows = 0;
        for (int start = 0; start < Count; start += Batch)
        {
            using Tensor images = _images.Load(start, Batch), latents = _model.Encode(images);
            rows += latents.size(0);
        }
        return rows;
    }

    [Benchmark]
    public long Pipeline()
    {
        string path = Path.Combine(_folder, "bank");
        using (LatentBank bank = EncodingPipeline.Encode(_model, _images, path, new EncodingOptions { BatchSize = Batch }))
        {
            File.Delete(path);
            return bank.Count;
        }
    }

    private static void Write(string folder, SKEncodedImageFormat format)
    {
        ProceduralFaces faces = new(Count);
        for (int i = 0; i < Count; i++)
        {
            using Tensor face = faces.Load(i, 1);
            using var scope = NewDisposeScope();
            byte[] pixels = face.mul(255).round().to_type(ScalarType.Byte).permute(0, 2, 3, 1).contiguous().bytes.ToArray();
            using SKBitmap bitmap = new(new SKImageInfo(64, 64, SKColorType.Rgba8888, SKAlphaType.Opaque));
            for (int p = 0; p < 64 * 64; p++) bitmap.SetPixel(p % 64, p / 64, new SKColor(pixels[3 * p], pixels[(3 * p) + 1], pixels[(3 * p) + 2]));
            using SKData data = bitmap.Encode(format, 90);
            File.WriteAllBytes(Path.Combine(folder, $"{i:D4}.{(format == SKEncodedImageFormat.Png ? "png" : "jpg")}"), data.ToArray());
        }
    }

    private static string? FindCelebA()
    {
        for (DirectoryInfo? folder = new(Environment.CurrentDirectory); folder is not null; folder = folder.Parent)
        {
            if (Path.Combine(folder.FullName, CelebAPath) is var path && File.Exists(path)) return path;
        }
        return null;
    }
}
