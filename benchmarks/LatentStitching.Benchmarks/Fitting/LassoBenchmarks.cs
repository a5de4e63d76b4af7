using BenchmarkDotNet.Attributes;
using LatentStitching.Fitting;
using LatentStitching.Pairing;

namespace LatentStitching.Benchmarks.Fitting;

/// <summary>Ten sparse targets at once, against plain cyclic coordinate descent on residuals, one target after the other, to the same duality gap.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "The harness calls GlobalCleanup.")]
public class LassoBenchmarks
{
    private const double Tolerance = 1e-4;
    private LatentPairs _pairs = null!;
    private double _largest;

    [Params(9000)]
    public long Count { get; set; } = 9000;

    [Params(768)]
    public long SourceDimension { get; set; } = 768;

    [Params(10)]
    public long TargetDimension { get; set; } = 10;

    /// <summary>Of the strength at which all coefficients are zero.</summary>
    [Params(0.1, 0.02)]
    public double Strength { get; set; } = 0.02;

    [Params(1)]
    public int Threads { get; set; } = 1;

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(Threads);
        using var scope = NewDisposeScope();
        using Generator generator = new(0);
        // A falling spectrum, mixed: neighbouring columns are correlated, as latents are.
        Tensor spectrum = arange(1, SourceDimension + 1, dtype: ScalarType.Float32).pow(-0.5f);
        Tensor mixing = linalg.qr(randn([SourceDimension, SourceDimension], ScalarType.Float32, generator: generator)).Q;
        Tensor source = randn([Count, SourceDimension], ScalarType.Float32, generator: generator).mul(spectrum).mm(mixing);
        Tensor map = randn([SourceDimension, TargetDimension], ScalarType.Float32, generator: generator);
        map = map.mul(rand([SourceDimension, TargetDimension], ScalarType.Float32, generator: generator).lt(0.05f));
        Tensor target = source.mm(map);
        target = target.add(randn([Count, TargetDimension], ScalarType.Float32, generator: generator).mul(target.std()));
        _pairs = new LatentPairs(source, target);
        _largest = LassoFitter.AlphaMax(_pairs);
    }

    [GlobalCleanup]
    public void Cleanup() => _pairs.Dispose();

    [Benchmark(Baseline = true, Description = "cyclic coordinate descent on residuals")]
    public double Naive()
    {
        using var scope = NewDisposeScope();
        int n = (int)Count, d = (int)SourceDimension;
        Tensor x = _pairs.Source.to_type(ScalarType.Float64), y = _pairs.Target.to_type(ScalarType.Float64);
        double[] columns = (x - x.mean([0])).t().contiguous().data<double>().ToArray(), targets = (y - y.mean([0])).t().contiguous().data<double>().ToArray();
        double sum = 0;
        for (int k = 0; k < TargetDimension; k++) sum += CyclicDescent.Solve(columns, targets.AsSpan(k * n, n).ToArray(), n, d, Strength * _largest, Tolerance);
        return sum;
    }

    [Benchmark(Description = "lasso, working sets")]
    public double Lasso() => Fit(new LassoFitter(new LassoOptions { Alpha = Strength * _largest, Tolerance = Tolerance }));

    [Benchmark(Description = "lasso, working sets, to 1e-10")]
    public double LassoExact() => Fit(new LassoFitter(new LassoOptions { Alpha = Strength * _largest, Tolerance = 1e-10 }));

    [Benchmark(Description = "multi-task lasso")]
    public double MultiTask() => Fit(new MultiTaskLassoFitter(new MultiTaskLassoOptions { Alpha = Strength * MultiTaskLassoFitter.AlphaMax(_pairs), Tolerance = Tolerance }));

    private double Fit(ILatentMapFitter fitter)
    {
        using LatentMapFit fit = fitter.Fit(_pairs);
        return fit.EnsureSucceeded().Report.TrainingR2;
    }
}
