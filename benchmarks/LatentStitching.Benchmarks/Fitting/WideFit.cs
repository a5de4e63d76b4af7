using System.Diagnostics;
using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Pairing;

namespace LatentStitching.Benchmarks.Fitting;

/// <summary>One ridge fit between two spaces of 12,288 columns from 9,000 pairs: how much memory it takes beside the pairs and the map it returns.</summary>
internal static class WideFit
{
    public static int Run(bool fast, bool small)
    {
        (long rows, long columns) = small ? (3000L, 4096L) : (9000L, 12288L);
        set_num_threads(1);
        using Generator generator = new(0);
        Tensor Space()
        {
            Tensor space = randn([rows, columns], ScalarType.Float32, generator: generator);
            using Tensor spectrum = arange(1, columns + 1, ScalarType.Float32).rsqrt();
            space.mul_(spectrum);
            space.add_(0.5f);
            return space;
        }
        using Tensor source = Space(), target = Space();
        using LatentPairs pairs = new(source, target);
        double before = Status("VmRSS:");
        TimeSpan start = Process.GetCurrentProcess().TotalProcessorTime;
        using LatentMapFit fit = new RidgeFitter(new RidgeOptions { Alpha = 1000, Fast = fast }).Fit(pairs);
        double seconds = (Process.GetCurrentProcess().TotalProcessorTime - start).TotalSeconds;
        Console.WriteLine(fit.Report);
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{seconds:0} CPU s; {before:0.00} GB before the fit, {Status("VmHWM:") - before:0.00} GB more at its peak, of which {fit.Affine.ParameterCount * 8 / 1e9:0.00} GB are the map"));
        return 0;
    }

    internal static double Status(string entry) =>
        long.Parse(File.ReadLines("/proc/self/status").First(line => line.StartsWith(entry, StringComparison.Ordinal)).Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024 / 1e9;
}
