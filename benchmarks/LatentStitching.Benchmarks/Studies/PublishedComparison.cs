using System.Diagnostics;
using System.Globalization;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Models;
using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Benchmarks.Studies;

/// <summary>The twelve pairs of four VAEs by <see cref="PublishedWay"/> and by a study: in one process, with one thread of libtorch, on the same files.</summary>
/// <remarks>With a folder of shared models and data: the four CelebA VAEs of YannDubs/disentangling-vae on real faces. Without: small VAEs and faces made in code. Each way runs once on few images before it is timed.</remarks>
internal static class PublishedComparison
{
    private const double Alpha = 1;
    private const int Tests = 100;
    private const int Probed = 200;

    public static int Run(string? shared, int count)
    {
        set_num_threads(1);
        string folder = Directory.CreateTempSubdirectory("latentstitching-published-").FullName;
        try
        {
            (string[] weights, IImageSource images) = Inputs(shared, count + Probed + Tests, folder);
            Console.WriteLine($"{weights.Length} models, {weights.Length * (weights.Length - 1)} pairs, {images.Name}: {count} images fit the maps, {Tests} are measured");
            Measure(weights, images, 20, folder, tell: false);
            Measure(weights, images, count, folder, tell: true);
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static void Measure(string[] weights, IImageSource images, int count, string folder, bool tell)
    {
        int all = images.Ids.Count;
        DataSplit same = DataSplit.Create(all, count, 0, Tests, seed: 1), more = DataSplit.Create(all, count, Probed, Tests, seed: 1);
        string at = Directory.CreateDirectory(Path.Combine(folder, $"{count}")).FullName;
        PublishedWay published = new(weights, images, same, Alpha, at);
        (double publishedCpu, double publishedWall, _) = Timed(() =>
        {
            published.Run();
            return 0;
        });
        Steps steps = new();
        (double cpu, double wall, StudyResult result) = Timed(() => Study(weights, images, Path.Combine(at, "same"), new StitchingStudyOptions
        {
            Split = same, Fitter = new RidgeFitter(Alpha), LatentMetrics = [new LatentMse()], Similarities = [], ImageMetrics = [new PixelMse()], Attributes = [],
            GaussianDimension = 0, UntrainedControls = [], Paths = false, Sharpness = false, Examples = 0,
        }, steps));
        Steps allSteps = new();
        (double everythingCpu, double everythingWall, StudyResult everything) = Timed(() => Study(weights, images, Path.Combine(at, "everything"), new StitchingStudyOptions { Split = more }, allSteps));
        if (!tell) return;
        // An encoding is needed once a model, not once for each pair that the model is in.
        const string Encoding = "read images, encode, write latents";
        double once = publishedCpu - (published.Seconds[Encoding] * (1 - (1.0 / (2 * (weights.Length - 1)))));
        double difference = result.Pairs.Max(pair => Math.Abs(pair.Number(StudyQuantity.Image, "pixel MSE")!.Value.Value - published.Errors[(pair.Source, pair.Target)]));
        Console.WriteLine("\n| way | CPU s | wall s | CPU, published over this |\n|---|---:|---:|---:|");
        Line("published way, both models of every pair encoded anew", publishedCpu, publishedWall, publishedCpu);
        Line("published way, each model's latents encoded once (by its own step times)", once, double.NaN, publishedCpu);
        Line("study, the same numbers", cpu, wall, publishedCpu);
        Line($"study, everything on ({everything.Manifest.Attributes.Count} attributes, {everything.Pairs.Count} pairs with controls, {everything.Paths.Count} paths)", everythingCpu, everythingWall, publishedCpu);
        Console.WriteLine($"\nthe published way, step by step: {string.Join("; ", published.Seconds.Select(step => Text($"{step.Key} {step.Value:0.0} s")))}");
        Console.WriteLine($"the study of the same numbers: {steps}\nthe study with everything on: {allSteps}");
        Console.WriteLine(Text($"encoded once, over the study of the same numbers: {once / cpu:0.0}"));
        Console.WriteLine(Text($"largest difference of the pixel MSE of a pair between the two ways, {result.Pairs.Average(pair => pair.Number(StudyQuantity.Image)!.Value.Value):0.0000} in the mean, by rounding to bytes: {difference:0.0e+0}"));
    }

    private static void Line(string way, double cpu, double wall, double published) =>
        Console.WriteLine(Text($"| {way} | {cpu:0.0} | {(double.IsNaN(wall) ? "" : Text($"{wall:0.0}"))} | {published / cpu:0.0} |"));

    private static StudyResult Study(string[] weights, IImageSource images, string folder, StitchingStudyOptions options, Steps steps)
    {
        Vae[] models = [.. weights.Select(path => Vae.Load(path))];
        StudyResult result = StitchingStudy.Run([.. models.Select(model => new StudyMember(model) { Family = ModelFamily.Vae })], images, folder, options, steps);
        foreach (Vae model in models) model.Dispose();
        return result.Failures.Count == 0 ? result : throw new InvalidOperationException($"The study failed: {result.Failures[0]}");
    }

    private static (double Cpu, double Wall, T Result) Timed<T>(Func<T> act)
    {
        double start = PublishedWay.CpuSeconds();
        var clock = Stopwatch.StartNew();
        T result = act();
        return (PublishedWay.CpuSeconds() - start, clock.Elapsed.TotalSeconds, result);
    }

    private static (string[] Weights, IImageSource Images) Inputs(string? shared, int count, string folder)
    {
        string files = Directory.CreateDirectory(Path.Combine(folder, "images")).FullName;
        if (shared is not null)
        {
            string zip = Path.Combine(shared, "data/celeba/img_align_celeba_5000.zip");
            using CelebA faces = CelebA.Open(zip, Path.Combine(shared, "data/celeba/attributes.csv"), ImageGeometry.Squash(64));
            using (System.IO.Compression.ZipArchive archive = System.IO.Compression.ZipFile.OpenRead(zip))
            {
                foreach (string id in faces.Ids.Take(count))
                {
                    using Stream from = archive.GetEntry(id)!.Open(), to = File.Create(Path.Combine(files, id));
                    from.CopyTo(to);
                }
            }
            string[] models = [.. ((string[])["VAE_celeba", "betaH_celeba", "betaB_celeba", "btcvae_celeba"]).Select(name => Path.Combine(shared, "models/disentangling-vae", name, "model.pt"))];
            return (models, new LabelledFolder("CelebA files", files, faces.Attributes!.Select([.. Enumerable.Range(0, count)])));
        }
        ProceduralFaces drawn = new(count, 64);
        string[] weights = [.. Enumerable.Range(1, 4).Select(seed => Path.Combine(folder, $"vae-{seed}.safetensors"))];
        for (int i = 0; i < weights.Length; i++)
        {
            using var model = Vae.Create(new VaeOptions { Name = $"vae-{i + 1}", LatentDimension = 10, Seed = (ulong)i + 1 });
            model.SaveWeights(weights[i]);
        }
        for (int row = 0; row < count; row++)
        {
            using Tensor image = drawn.Load([row]);
            ImageGrid.SaveImage(Path.Combine(files, $"{row:d6}.png"), image);
        }
        return (weights, new LabelledFolder("files of procedural faces", files, drawn.Attributes));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    /// <summary>CPU seconds of a study by kind of part.</summary>
    private sealed class Steps : IProgress<StudyProgress>
    {
        private readonly Dictionary<string, double> _seconds = new(StringComparer.Ordinal);
        private double _last = PublishedWay.CpuSeconds();

        public void Report(StudyProgress value)
        {
            double now = PublishedWay.CpuSeconds();
            _seconds[value.Step] = _seconds.GetValueOrDefault(value.Step) + now - _last;
            _last = now;
        }

        public override string ToString() => string.Join("; ", _seconds.Select(step => Text($"{step.Key} {step.Value:0.0} s")));
    }

    /// <summary>A folder of images with labels that were told elsewhere.</summary>
    private sealed class LabelledFolder(string name, string path, AttributeTable attributes) : IImageSource
    {
        private readonly ImageFolder _files = ImageFolder.Open(path, ImageGeometry.Squash(64));

        public string Name => name;

        public ImageFormat Image => _files.Image;

        public IReadOnlyList<string> Ids => _files.Ids;

        public AttributeTable Attributes => attributes;

        AttributeTable? IImageSource.Attributes => attributes;

        public Tensor Load(IReadOnlyList<int> indices) => _files.Load(indices);
    }
}
