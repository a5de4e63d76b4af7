using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using LatentStitching.Fitting;

namespace LatentStitching.Benchmarks.SideBySide;

/// <summary>All twenty ridge maps between five spaces of 512, 512, 768, 12288 and 12288 columns, 9,000 pairs, and their predictions of 500 held-out rows: here from five shared sources, there by twenty fits.</summary>
/// <remarks>
/// CPU seconds, one thread each; the other side runs after this one. Its float32 predictions are told relative to the float64 ones here.
/// </remarks>
internal static class StudyComparison
{
    private const double Alpha = 1000;

    public static int Run(bool small)
    {
        set_num_threads(1);
        (long n, long held, long[] widths) = small ? (900L, 50L, (long[])[51, 51, 77, 1229, 1229]) : (9000L, 500L, [512, 512, 768, 12288, 12288]);
        string folder = Directory.CreateTempSubdirectory("latentstitching-study-").FullName;
        try
        {
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            Tensor[] spaces = Spaces(n + held, widths);
            for (int i = 0; i < spaces.Length; i++) SklearnComparison.Write($"{folder}/space{i}.bin", spaces[i]);
            File.WriteAllText($"{folder}/plan.json", JsonSerializer.Serialize(new { n, held, spaces = widths, alpha = Alpha }));
            long before = Peak();
            Dictionary<(int, int), Tensor> predictions = [];
            double total = 0;
            for (int i = 0; i < spaces.Length; i++)
            {
                int[] others = [.. Enumerable.Range(0, spaces.Length).Where(j => j != i)];
                TimeSpan start = Process.GetCurrentProcess().TotalProcessorTime;
                using SharedSource source = new(spaces[i].narrow(0, 0, n));
                IReadOnlyList<Tensor> mapped = source.Predict(spaces[i].narrow(0, n, held).to_type(ScalarType.Float64), [.. others.Select(j => spaces[j].narrow(0, 0, n))], Alpha);
                double seconds = (Process.GetCurrentProcess().TotalProcessorTime - start).TotalSeconds;
                total += seconds;
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"source {i} ({widths[i]} columns): {seconds:0.0} CPU s for four targets"));
                foreach ((int j, Tensor prediction) in others.Zip(mapped)) predictions[(i, j)] = prediction;
            }
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"twenty maps: {total:0.0} CPU s; peak of memory {Peak() / 1e9:0.00} GB, of which {before / 1e9:0.00} GB before the first fit"));
            JsonElement theirs;
            try
            {
                theirs = SklearnComparison.Python(folder);
            }
            catch (Exception exception) when (exception is System.ComponentModel.Win32Exception or InvalidOperationException)
            {
                Console.Error.WriteLine($"Skipped: python3 with scikit-learn is needed for the other side. {exception.Message}");
                return 0;
            }
            double other = theirs.EnumerateObject().Sum(entry => entry.Value.GetDouble());
            double largest = predictions.Max(entry => SklearnComparison.Error(SklearnComparison.Read($"{folder}/{entry.Key.Item1}-{entry.Key.Item2}.bin", held, widths[entry.Key.Item2]), entry.Value));
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"scikit-learn: {other:0.0} CPU s, {other / total:0.00} times ours; its float32 predictions differ from ours by up to {largest:0.0e+0}"));
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Up to 512 shared factors under a falling spectrum of each space's own, with non-zero means.
    private static Tensor[] Spaces(long rows, long[] widths)
    {
        using Generator generator = new(0);
        Tensor Normal(long n, long d) => randn([n, d], ScalarType.Float32, generator: generator);
        Tensor shared = Normal(rows, widths.Min());
        return Array.ConvertAll(widths, width =>
        {
            using var scope = NewDisposeScope();
            Tensor spectrum = arange(1, width + 1, ScalarType.Float32).reciprocal();
            Tensor space = shared.mm(Normal(shared.size(1), width)).div_((float)Math.Sqrt(shared.size(1))).add_(Normal(rows, width).mul_(0.3f)).mul_(spectrum);
            return space.index_select(1, randperm(width, generator: generator)).mul_(10).add_(0.5f).MoveToOuterDisposeScope();
        });
    }

    private static long Peak()
    {
        string? line = File.Exists("/proc/self/status") ? File.ReadLines("/proc/self/status").FirstOrDefault(entry => entry.StartsWith("VmHWM:", StringComparison.Ordinal)) : null;
        return line is null ? Process.GetCurrentProcess().PeakWorkingSet64 : 1024 * long.Parse(line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
    }
}
