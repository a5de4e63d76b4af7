using BenchmarkDotNet.Attributes;
using LatentStitching.Fitting;
using LatentStitching.Pairing;

namespace LatentStitching.Benchmarks.Fitting;

/// <summary>Adding rows to statistics and fitting from them. Read the time a row: it does not grow with the rows that went before.</summary>
[MemoryDiagnoser]
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1001", Justification = "The harness calls GlobalCleanup.")]
public class StreamingBenchmarks
{
    private Tensor _source = null!;
    private Tensor _target = null!;
    private LatentPairs _pairs = null!;
    private PairStatistics _statistics = null!;

    [Params(16384)]
    public long Count { get; set; }

    [Params(768)]
    public long SourceDimension { get; set; }

    [Params(512)]
    public long TargetDimension { get; set; }

    [Params(1)]
    public int Threads { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        set_num_threads(Threads);
        using Generator generator = new(0);
        _source = randn([Count, SourceDimension], ScalarType.Float32, generator: generator);
        _target = randn([Count, TargetDimension], ScalarType.Float32, generator: generator);
        _pairs = new LatentPairs(_source, _target);
        _statistics = PairStatistics.Of([_pairs]);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _statistics.Dispose();
        _pairs.Dispose();
        _source.Dispose();
        _target.Dispose();
    }

    [Benchmark(Baseline = true, Description = "XᵀX and XᵀY as whole products, float64")]
    public double WholeProducts()
    {
        using var scope = NewDisposeScope();
        Tensor x = _source.to_type(ScalarType.Float64), y = _target.to_type(ScalarType.Float64);
        Tensor xc = x - x.mean([0]), yc = y - y.mean([0]);
        return xc.t().mm(xc)[0, 0].ToDouble() + xc.t().mm(yc)[0, 0].ToDouble();
    }

    [Benchmark(Description = "statistics of the rows")]
    public long Add()
    {
        using PairStatistics statistics = PairStatistics.Of([_pairs]);
        return statistics.Count;
    }

    [Benchmark(Description = "merge of two statistics")]
    public long Merge()
    {
        using PairStatistics statistics = new(SourceDimension, TargetDimension);
        statistics.Merge(_statistics);
        return statistics.Count;
    }

    [Benchmark(Description = "least squares from statistics")]
    public double LeastSquares() => Fit(new LeastSquaresFitter());

    [Benchmark(Description = "ridge, 24 strengths by generalised cross-validation, from statistics")]
    public double RidgePath() => Fit(new RidgePathFitter(new RidgePathOptions { Criterion = RidgeCriterion.GeneralisedCrossValidation }));

    [Benchmark(Description = "check of the pairing")]
    public double Check() => _pairs.CheckPairing().PValue;

    private double Fit(IStatisticsFitter fitter)
    {
        using LatentMapFit fit = fitter.Fit(_statistics);
        return fit.Report.TrainingR2;
    }
}
