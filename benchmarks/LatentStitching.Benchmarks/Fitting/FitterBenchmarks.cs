using BenchmarkDotNet.Attributes;
using LatentStitching.Fitting;
using LatentStitching.Pairing;

namespace LatentStitching.Benchmarks.Fitting;

/// <summary>Fitters on latents of the studies' sizes. Read the ratios to libtorch's own least squares, which truncates silently.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "The harness calls GlobalCleanup.")]
public class FitterBenchmarks
{
    private Tensor _source = null!;
    private Tensor _target = null!;
    private LatentPairs _pairs = null!;

    [Params(9000)]
    public long Count { get; set; }

    [Params(512)]
    public long SourceDimension { get; set; }

    [Params(768)]
    public long TargetDimension { get; set; }

    [Params(1)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(Threads);
        using var scope = NewDisposeScope();
        using Generator generator = new(0);
        // A falling spectrum, as latents have: condition number about the width.
        Tensor spectrum = arange(1, SourceDimension + 1, dtype: ScalarType.Float32).reciprocal();
        Tensor factors = randn([Count, SourceDimension], ScalarType.Float32, generator: generator).mul(spectrum);
        Tensor mixing = linalg.qr(randn([SourceDimension, SourceDimension], ScalarType.Float32, generator: generator)).Q;
        Tensor map = randn([SourceDimension, TargetDimension], ScalarType.Float32, generator: generator);
        Tensor source = factors.mm(mixing).add(0.5f);
        Tensor target = source.mm(map).add(randn([Count, TargetDimension], ScalarType.Float32, generator: generator).mul(0.1f));
        _source = source.DetachFromDisposeScope();
        _target = target.DetachFromDisposeScope();
        _pairs = new LatentPairs(_source, _target);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _pairs.Dispose();
        _source.Dispose();
        _target.Dispose();
    }

    [Benchmark(Baseline = true, Description = "torch.linalg.lstsq, float32")]
    public double TorchLeastSquares()
    {
        using var scope = NewDisposeScope();
        Tensor x = _source - _source.mean([0]), y = _target - _target.mean([0]);
        return linalg.lstsq(x, y).Solution[0, 0].ToDouble();
    }

    [Benchmark(Description = "least squares")]
    public double LeastSquares() => Fit(new LeastSquaresFitter());

    [Benchmark(Description = "ridge, one strength")]
    public double Ridge() => Fit(new RidgeFitter(1));

    [Benchmark(Description = "ridge, 24 strengths by leave-one-out")]
    public double RidgePath() => Fit(new RidgePathFitter());

    private double Fit(ILatentMapFitter fitter)
    {
        using LatentMapFit fit = fitter.Fit(_pairs);
        return fit.Report.TrainingR2;
    }
}
