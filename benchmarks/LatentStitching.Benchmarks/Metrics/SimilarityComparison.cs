using System.Globalization;
using LatentStitching.Metrics.Similarity;

namespace LatentStitching.Benchmarks.Metrics;

/// <summary>Linear CKA beside the n × n form that other tools compute, and mutual kNN beside one whole matrix of distances: CPU seconds, extra memory and values of both sides, in one run on one thread.</summary>
internal static class SimilarityComparison
{
    public static int Run()
    {
        set_num_threads(1);
        using Generator generator = new(0);
        // Compiles what is measured below.
        using (Tensor x = Latents(generator, 200, 8))
        {
            Of(() => new LinearCka(CkaEstimator.Biased).Measure(x, x) + new LinearCka().Measure(x, x) + new MutualKnn(10, NeighbourMetric.Euclidean).Measure(x, x));
        }
        using (Tensor x = Latents(generator, 10_000, 512))
        using (Tensor noise = Latents(generator, 10_000, 512))
        using (Tensor y = noise.add_(x))
        {
            Side blocks = Of(() => new MutualKnn(10, NeighbourMetric.Euclidean).Measure(x, y));
            Tell("mutual kNN, n 10000, 512, k 10", blocks);
            Side whole = Of(() => WholeMatrix(x, y, 10));
            Tell("one whole distance matrix a side, float64, topk", whole);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio of times {whole.Seconds / blocks.Seconds:0.0}, of memory {whole.Megabytes / blocks.Megabytes:0.0}, difference of values {Math.Abs(whole.Value - blocks.Value):0.0e+0}"));
        }
        using (Tensor x = Latents(generator, 9000, 512))
        using (Tensor mixing = randn([512, 768], ScalarType.Float32, generator: generator))
        using (Tensor noise = Latents(generator, 9000, 768))
        using (Tensor y = x.mm(mixing).add_(noise))
        {
            Side biased = Of(() => new LinearCka(CkaEstimator.Biased).Measure(x, y)), debiased = Of(() => new LinearCka().Measure(x, y));
            Tell("linear CKA, n 9000, 512 and 768, biased", biased);
            Tell("linear CKA, n 9000, 512 and 768, debiased", debiased);
            Side square = Of(() => NxN(x, y));
            Tell("the n × n form: H·K·H twice an HSIC, three HSICs, float32", square);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio of times {square.Seconds / biased.Seconds:0}, difference of values {Math.Abs(square.Value - biased.Value):0.0e+0}"));
        }
        return 0;
    }

    private static Tensor Latents(Generator generator, long rows, long columns)
    {
        using var scope = NewDisposeScope();
        Tensor spectrum = arange(1, columns + 1, dtype: ScalarType.Float32).pow(-0.5f);
        return randn([rows, columns], ScalarType.Float32, generator: generator).mul(spectrum).add(0.5f).MoveToOuterDisposeScope();
    }

    private static double NxN(Tensor x, Tensor y)
    {
        using var scope = NewDisposeScope();
        long n = x.size(0);
        Tensor centring = eye(n) - (1f / n), k = x.mm(x.t()), l = y.mm(y.t());
        double Hsic(Tensor a, Tensor b)
        {
            using var step = NewDisposeScope();
            return centring.mm(a).mm(centring).mul(centring.mm(b).mm(centring)).sum(ScalarType.Float64).ToDouble();
        }
        return Hsic(k, l) / Math.Sqrt(Hsic(k, k)) / Math.Sqrt(Hsic(l, l));
    }

    private static double WholeMatrix(Tensor x, Tensor y, int count)
    {
        using var scope = NewDisposeScope();
        Tensor Neighbours(Tensor latents)
        {
            Tensor rows = latents.to_type(ScalarType.Float64), squares = rows.square().sum([1]);
            Tensor distances = squares.unsqueeze(0) + squares.unsqueeze(1) - (rows.mm(rows.t()) * 2);
            distances.diagonal().fill_(double.PositiveInfinity);
            return distances.topk(count, 1, largest: false).indexes;
        }
        return Neighbours(x).unsqueeze(2).eq(Neighbours(y).unsqueeze(1)).sum(ScalarType.Float64).ToDouble() / (x.size(0) * count);
    }

    private static Side Of(Func<double> measure)
    {
        GC.Collect();
        long before = Resident(), peak = before;
        using CancellationTokenSource stop = new();
        // A side thread looks every 5 ms: the process's own peak would be that of whatever came before.
        Thread watch = new(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                peak = Math.Max(peak, Resident());
                Thread.Sleep(5);
            }
        });
        watch.Start();
        TimeSpan start = Environment.CpuUsage.TotalTime;
        double value = measure();
        double seconds = (Environment.CpuUsage.TotalTime - start).TotalSeconds;
        stop.Cancel();
        watch.Join();
        return new Side(value, seconds, (peak - before) / 1e6);
    }

    private static long Resident() => Environment.WorkingSet;

    private static void Tell(string what, Side side) =>
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {side.Seconds:0.00} s of one core, {side.Megabytes:0} MB extra, value {side.Value:0.0000000000}"));

    private sealed record Side(double Value, double Seconds, double Megabytes);
}
