using System.Diagnostics;
using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Pairing;

namespace LatentStitching.Benchmarks.Fitting;

/// <summary>One million rows of 768 → 512, made and added block by block on one thread: the time of the sums, of the fits from them, and the most memory that the process held.</summary>
internal static class MillionRows
{
    private const int Rows = 1_000_000;
    private const int Block = 8192;
    private const int Source = 768;
    private const int Target = 512;

    public static int Run()
    {
        set_num_threads(1);
        using Generator generator = new(0);
        using Tensor map = randn([Source, Target], ScalarType.Float32, generator: generator).mul_(0.1f);
        using PairStatistics statistics = new(Source, Target);
        TimeSpan adding = TimeSpan.Zero;
        // Refilled in place: glibc does not find the room of an aligned block again for the next of its size, and fresh ones grow the process by one a round.
        using Tensor source = empty(Block, Source, ScalarType.Float32), target = empty(Block, Target, ScalarType.Float32), noise = empty(Block, Target, ScalarType.Float32);
        for (int start = 0; start < Rows; start += Block)
        {
            using var scope = NewDisposeScope();
            source.normal_(30, 1, generator);
            noise.normal_(0, 1, generator);
            target.copy_(noise).addmm_(source, map);
            int size = Math.Min(Block, Rows - start);
            adding += Processor(() => statistics.Add(source.narrow(0, 0, size), target.narrow(0, 0, size)));
        }
        Tell($"sums of {statistics.Count} rows, {Source} → {Target}", adding);
        RidgePathOptions path = new() { Criterion = RidgeCriterion.GeneralisedCrossValidation };
        foreach (IStatisticsFitter fitter in (IStatisticsFitter[])[new LeastSquaresFitter(), new RidgeFitter(1), new RidgePathFitter(path)])
        {
            Tell($"{fitter}", Processor(() => fitter.Fit(statistics).Dispose()));
        }
        using var process = Process.GetCurrentProcess();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"peak resident memory: {process.PeakWorkingSet64 / 1e6:0} MB"));
        return 0;
    }

    private static TimeSpan Processor(Action work)
    {
        TimeSpan start = Environment.CpuUsage.TotalTime;
        work();
        return Environment.CpuUsage.TotalTime - start;
    }

    private static void Tell(string what, TimeSpan time) => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {time.TotalSeconds:0.00} s of one core"));
}
