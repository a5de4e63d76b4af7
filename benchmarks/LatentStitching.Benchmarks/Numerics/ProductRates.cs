using System.Diagnostics;
using System.Globalization;
using LatentStitching.Fitting;
using LatentStitching.Numerics.Products;
using LatentStitching.Pairing;

namespace LatentStitching.Benchmarks.Numerics;

/// <summary>The library's matrix products beside libtorch's on the shapes that fits are made of, and fits on one and two threads. Wall time, the least of several: for a machine that does nothing else.</summary>
internal static class ProductRates
{
    private const int Repeats = 7;

    public static int Run()
    {
        Console.WriteLine("| product | numbers, sums | threads | libtorch, Gflop/s | ours, Gflop/s |");
        Console.WriteLine("|---|---|---:|---:|---:|");
        foreach ((long m, long n, long k) in ((long, long, long)[])[(768, 768, 9000), (512, 12288, 9000), (3000, 3000, 12288), (9000, 768, 768)])
        {
            foreach ((ScalarType numbers, ScalarType sums) in ((ScalarType, ScalarType)[])[(ScalarType.Float64, ScalarType.Float64), (ScalarType.Float32, ScalarType.Float64), (ScalarType.Float32, ScalarType.Float32)])
            {
                foreach (int threads in (int[])[1, 2]) Compare(m, n, k, numbers, sums, threads);
            }
        }
        Console.WriteLine();
        Console.WriteLine("| fit of 9,000 pairs | one thread, ms | two threads, ms |");
        Console.WriteLine("|---|---:|---:|");
        foreach ((long source, long target) in ((long, long)[])[(512, 768), (512, 12288)])
        {
            using Tensor x = randn(9000, source), y = randn(9000, target);
            using LatentPairs pairs = new(x, y);
            foreach (bool fast in (bool[])[false, true])
            {
                RidgeFitter fitter = new(new RidgeOptions { Alpha = 1, Fast = fast });
                double[] times = [.. ((int[])[1, 2]).Select(threads => Time(threads, () =>
                {
                    using LatentMapFit fit = fitter.Fit(pairs);
                }))];
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {fitter} {source} → {target} | {times[0]:0} | {times[1]:0} |"));
            }
        }
        return 0;
    }

    private static void Compare(long m, long n, long k, ScalarType numbers, ScalarType sums, int threads)
    {
        using Tensor left = randn([m, k], numbers), right = randn([k, n], numbers), sum = zeros([m, n], sums);
        double theirs = Time(threads, () =>
        {
            using var scope = NewDisposeScope();
            if (numbers == sums) sum.addmm_(left, right, beta: 1, alpha: 1);
            else sum.add_(left.mm(right));
        });
        double ours = Time(threads, () => Product.Add(sum, left, right)), operations = 2.0 * m * n * k / 1e6;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {m}×{k} by {k}×{n} | {numbers}, {sums} | {threads} | {operations / theirs:0} | {operations / ours:0} |"));
    }

    // Milliseconds.
    private static double Time(int threads, Action action)
    {
        set_num_threads(threads);
        double best = double.PositiveInfinity;
        for (int repeat = 0; repeat < Repeats; repeat++)
        {
            var clock = Stopwatch.StartNew();
            action();
            best = Math.Min(best, clock.Elapsed.TotalMilliseconds);
        }
        return best;
    }
}
