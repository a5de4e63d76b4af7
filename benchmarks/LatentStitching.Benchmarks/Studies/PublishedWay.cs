using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Pairing;
using LatentStitching.Reporting;

namespace LatentStitching.Benchmarks.Studies;

/// <summary>All ordered pairs the way of the published studies' programs: every step over files, one image at a time.</summary>
/// <remarks>
/// For each pair both models are opened anew; each image is read from its file and encoded alone; its latent is written to a file of its own and read again from there; one ridge regression of fixed strength; each test image is mapped,
/// decoded and saved alone; the pixel error is taken over the saved files. The models, the image reader, the fitter and the error are those of this library, so the difference is the way and nothing else; latents are raw bytes, which
/// costs less than the pickles of the published programs.
/// </remarks>
internal sealed class PublishedWay(IReadOnlyList<string> weights, IImageSource images, DataSplit split, double alpha, string folder)
{
    private readonly Dictionary<string, double> _seconds = new(StringComparer.Ordinal);

    /// <summary>CPU seconds by step.</summary>
    public IReadOnlyDictionary<string, double> Seconds => _seconds;

    /// <summary>Mean pixel MSE of the saved test images, by source and target.</summary>
    public Dictionary<(string Source, string Target), double> Errors { get; } = [];

    public void Run()
    {
        using var grad = no_grad();
        foreach (string source in weights)
        {
            foreach (string target in weights)
            {
                if (source != target) Pair(source, target);
            }
        }
    }

    public static double CpuSeconds() => Process.GetCurrentProcess().TotalProcessorTime.TotalSeconds;

    private void Pair(string sourceWeights, string targetWeights)
    {
        using var scope = NewDisposeScope();
        (Vae source, Vae target) = Timed("open models", () => (Vae.Load(sourceWeights), Vae.Load(targetWeights)));
        using (source)
        using (target)
        {
            int[] rows = [.. split.MapTrain, .. split.Test];
            Timed("read images, encode, write latents", () =>
            {
                foreach (Vae model in (Vae[])[source, target])
                {
                    foreach (int row in rows) Encode(model, row);
                }
                return 0;
            });
            (Tensor from, Tensor to, Tensor test) = Timed("read latents", () => (Read(source, split.MapTrain), Read(target, split.MapTrain), Read(source, split.Test)));
            using LatentPairs pairs = new(from, to);
            using LatentMapFit fit = Timed("fit", () => new RidgeFitter(alpha).Fit(pairs));
            string decoded = Directory.CreateDirectory(Path.Combine(folder, $"{source.Name}-{target.Name}")).FullName;
            Timed("map, decode, save", () =>
            {
                for (int i = 0; i < split.Test.Count; i++)
                {
                    using var image = NewDisposeScope();
                    ImageGrid.SaveImage(Path.Combine(decoded, Number(i) + ".png"), target.Decode(fit.Map.Apply(test.narrow(0, i, 1))));
                }
                return 0;
            });
            Errors[(source.Name, target.Name)] = Timed("pixel error of the files", () =>
            {
                PixelMse metric = new();
                var saved = ImageFolder.Open(decoded, ImageGeometry.Squash((int)target.Image.Height));
                double sum = 0;
                for (int i = 0; i < split.Test.Count; i++)
                {
                    using Tensor actual = saved.Load([i]), reference = images.Load([split.Test[i]]);
                    sum += metric.Measure(actual, reference)[0];
                }
                return sum / split.Test.Count;
            });
        }
    }

    private void Encode(Vae model, int row)
    {
        using var scope = NewDisposeScope();
        Tensor latent = model.Encode(images.Load([row]));
        File.WriteAllBytes(LatentFile(model, row), MemoryMarshal.AsBytes<float>(latent.data<float>().ToArray()).ToArray());
    }

    private Tensor Read(Vae model, IReadOnlyList<int> rows) => cat([.. rows.Select(row => tensor(MemoryMarshal.Cast<byte, float>(File.ReadAllBytes(LatentFile(model, row))).ToArray()).unsqueeze(0))], 0);

    private string LatentFile(Vae model, int row) => Path.Combine(Directory.CreateDirectory(Path.Combine(folder, model.Name)).FullName, Number(row) + ".z");

    private static string Number(int row) => row.ToString("d6", CultureInfo.InvariantCulture);

    private T Timed<T>(string step, Func<T> act)
    {
        double start = CpuSeconds();
        T result = act();
        _seconds[step] = _seconds.GetValueOrDefault(step) + CpuSeconds() - start;
        return result;
    }
}
