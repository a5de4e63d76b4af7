using System.Diagnostics;
using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Reduced-rank fits of fewer pairs than columns: two matrices [n, n] serve every rank, every fold and every strength, and no [d_t, d_s] or [d_t, d_t] is formed.</summary>
/// <remarks>The tensors belong to the dispose scope that was open when it was made.</remarks>
internal sealed class DualReducedRankFit
{
    private readonly LatentPairs _pairs;
    private readonly bool _intercept;
    private readonly CentredMatrix _source;
    private readonly CentredMatrix _target;
    private readonly Tensor _sourceKernel; // XXᵀ, [n, n]
    private readonly Tensor _targetKernel; // YYᵀ, [n, n]
    private readonly DualReducedRank _solver;

    private DualReducedRankFit(LatentPairs pairs, bool intercept, CancellationToken cancellationToken)
    {
        _pairs = pairs;
        _intercept = intercept;
        _source = CentredMatrix.Of(pairs.Source, intercept);
        _target = CentredMatrix.Of(pairs.Target, intercept);
        _sourceKernel = _source.Kernel();
        cancellationToken.ThrowIfCancellationRequested();
        _targetKernel = _target.Kernel();
        cancellationToken.ThrowIfCancellationRequested();
        _solver = DualReducedRank.Of(_sourceKernel, _target, pairs.SourceDimension);
        cancellationToken.ThrowIfCancellationRequested();
    }

    /// <summary>The highest rank that n pairs may have.</summary>
    public long HighestRank => _pairs.Count;

    private double TargetSum => _targetKernel.trace().ToDouble();

    /// <summary>Whether the rows' side is the smaller on both.</summary>
    public static bool Applies(LatentPairs pairs) => pairs.Count < Math.Min(pairs.SourceDimension, pairs.TargetDimension);

    public static DualReducedRankFit Of(LatentPairs pairs, bool intercept, CancellationToken cancellationToken) => new(pairs, intercept, cancellationToken);

    /// <summary>The strengths of the default path and the mean squared leave-one-out errors of their maps of full rank, ascending; empty where the source does not vary.</summary>
    public List<RidgePathPoint> Strengths(CancellationToken cancellationToken)
    {
        List<RidgePathPoint> points = [];
        if (_solver.Rank == 0) return points;
        double entries = (double)_pairs.Count * _pairs.TargetDimension;
        foreach (double alpha in RidgePathSelection.Strengths(new RidgePathOptions { FitIntercept = _intercept }, _solver.MeanEigenvalue, isDetermined: false))
        {
            cancellationToken.ThrowIfCancellationRequested();
            points.Add(new RidgePathPoint { Alpha = alpha, Error = _solver.Errors(alpha, _intercept).LeaveOneOut / entries, DegreesOfFreedom = _solver.DegreesOfFreedom(alpha) + (_intercept ? 1 : 0) });
        }
        return points;
    }

    /// <summary>Mean squared errors of all ranks on held rows, by maps fitted to the rest.</summary>
    public double[] HeldOut(long[] rest, long[] held, double alpha)
    {
        using var scope = NewDisposeScope();
        Tensor fitted = tensor(rest, device: _sourceKernel.device), left = tensor(held, device: _sourceKernel.device);
        (Tensor source, Tensor sourceCross, _) = About(_sourceKernel, fitted, left);
        (Tensor target, Tensor targetCross, double squares) = About(_targetKernel, fitted, left);
        RankDirections directions = DualReducedRank.Of(source, target, _pairs.SourceDimension).Directions(alpha);
        return Mean(directions.Errors(sourceCross, targetCross, squares, HighestRank), held.Length);
    }

    /// <summary>The directions of all ranks by all pairs, and their mean squared training errors.</summary>
    public (RankDirections Directions, double[] Errors) Full(double alpha)
    {
        RankDirections directions = _solver.Directions(alpha);
        return (directions, Mean(directions.Errors(_sourceKernel, _targetKernel, TargetSum, HighestRank), _pairs.Count));
    }

    /// <summary>The map of a rank, and its report.</summary>
    public LatentMapFit Finish(RankDirections directions, long rank, double alpha, IReadOnlyList<RankPathPoint> path, Stopwatch clock, IProgress<FitProgress>? progress, int steps = 1)
    {
        rank = Math.Min(rank, directions.Count);
        LinearForm form = Form(directions, rank).With(part => part.contiguous());
        double error = path[(int)rank].TrainingError;
        progress?.Report(new FitProgress { Iteration = steps, MaxIterations = steps, Loss = error });
        return LinearFit.Finish(form, _source.Centre, _target.Centre, _intercept, new FitReport
        {
            Status = alpha > 0 || _solver.Rank == _pairs.SourceDimension ? FitStatus.Succeeded : FitStatus.RankDeficient,
            Solver = $"dual eigendecompositions, rank {rank}",
            SampleCount = _pairs.Count,
            SourceDimension = _pairs.SourceDimension,
            TargetDimension = _pairs.TargetDimension,
            Alpha = alpha,
            Rank = rank,
            RankPath = path,
            ConditionNumber = _solver.ConditionNumber,
            SingularValues = [.. directions.Eigenvalues.cpu().data<double>().Select(Math.Sqrt)],
            TrainingR2 = LinearFit.R2(error * _pairs.Count * _pairs.TargetDimension, TargetSum),
            Elapsed = clock.Elapsed,
        });
    }

    private LinearForm Form(RankDirections directions, long rank)
    {
        long source = _pairs.SourceDimension, target = _pairs.TargetDimension, held = Math.Max(1, rank);
        // One direction stays even of rank 0, scaled to nothing, so that the factors have a shape.
        Tensor left = rank > 0 ? _target.TransposeTimes(directions.Target.narrow(1, 0, rank)) : zeros(target, 1, ScalarType.Float64, _target.Centre.device);
        Tensor right = rank > 0 ? _source.TransposeTimes(directions.Source.narrow(1, 0, rank)).t() : zeros(1, source, ScalarType.Float64, _target.Centre.device);
        return held * (source + target) < source * target ? new FactoredForm(left, right) : new DenseForm(left.mm(right));
    }

    private double[] Mean(double[] sums, long rows) => Array.ConvertAll(sums, sum => sum / ((double)rows * _pairs.TargetDimension));

    // Inner products of some rows among themselves [k, k], of others with them [m, k], and the others' summed squares, all about the mean of the former.
    private (Tensor Own, Tensor Cross, double Squares) About(Tensor kernel, Tensor rows, Tensor others)
    {
        Tensor own = kernel.index_select(0, rows).index_select(1, rows), cross = kernel.index_select(0, others).index_select(1, rows);
        double squares = kernel.diagonal().index_select(0, others).sum().ToDouble();
        if (!_intercept) return (own, cross, squares);
        Tensor means = own.mean([0], keepdim: true), othersMeans = cross.mean([1], keepdim: true);
        double mean = means.mean().ToDouble();
        squares += (others.size(0) * mean) - (2 * othersMeans.sum().ToDouble());
        return (own.sub(means).sub_(means.t()).add_(mean), cross.sub(othersMeans).sub_(means).add_(mean), squares);
    }
}
