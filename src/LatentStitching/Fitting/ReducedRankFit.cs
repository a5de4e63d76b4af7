using System.Diagnostics;
using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>A least-squares or ridge map before its rank is reduced, and the target directions in the order in which they are worth keeping.</summary>
internal sealed class ReducedRankFit
{
    private readonly CentredMatrix _source;
    private readonly CentredMatrix _target;
    private readonly RidgeSolver.Solution _solution;
    private readonly Tensor _directions; // V [d_t, min(d_s, d_t)]
    private readonly double[] _eigenvalues;
    private readonly double _alpha;
    private readonly bool _intercept;

    private ReducedRankFit(CentredMatrix source, CentredMatrix target, RidgeSolver.Solution solution, Tensor directions, double[] eigenvalues, double alpha, bool intercept)
    {
        _source = source;
        _target = target;
        _solution = solution;
        _directions = directions;
        _eigenvalues = eigenvalues;
        _alpha = alpha;
        _intercept = intercept;
    }

    /// <summary>All tensors belong to the dispose scope that is open at the call.</summary>
    public static ReducedRankFit Of(LatentPairs pairs, double alpha, bool intercept, CancellationToken cancellationToken)
    {
        CentredMatrix x = CentredMatrix.Of(pairs.Source, intercept);
        CentredMatrix y = CentredMatrix.Of(pairs.Target, intercept);
        RidgeSolver.Solution solution = RidgeSolver.Solve(x, y, alpha, intercept, cancellationToken);
        (Tensor values, Tensor directions) = pairs.SourceDimension < pairs.TargetDimension ? BySource(x, solution.Weight, alpha) : ByTarget(solution.Weight.t().mm(x.TransposeTimes(y)));
        return new ReducedRankFit(x, y, solution, directions, values.cpu().data<double>().ToArray(), alpha, intercept);
    }

    private static (Tensor Values, Tensor Directions) ByTarget(Tensor moments)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(moments.add(moments.t()).div(2));
        return (values.flip(0), vectors.flip(1));
    }

    // The other side of Bᵀ(XᵀX + αI)B = AᵀA, AAᵀ = P·S²·Pᵀ [d_s, d_s], for a target that is the wider: V is AᵀP with its columns, orthogonal already, brought to length one.
    private static (Tensor Values, Tensor Directions) BySource(CentredMatrix x, Tensor weight, double alpha)
    {
        (Tensor values, Tensor vectors) = linalg.eigh(x.Gram());
        Tensor root = vectors.mul(values.clamp_min(0).add(alpha).sqrt()), mapped = root.t().mm(weight);
        (Tensor energies, Tensor turned) = linalg.eigh(mapped.mm(mapped.t()));
        return (energies.flip(0), linalg.qr(mapped.t().mm(turned.flip(1))).Q);
    }

    /// <summary>Mean squared error of all ranks from 0 on pairs: in the basis V a map of rank r predicts the first r coordinates and leaves the others at the mean.</summary>
    public double[] Errors(LatentPairs pairs)
    {
        long width = pairs.TargetDimension;
        Tensor predicted = zeros(_directions.size(1), ScalarType.Float64, pairs.Source.device), left = zeros_like(predicted);
        double squares = 0;
        Tensor map = _solution.Weight.mm(_directions);
        foreach ((long start, long size) in CentredMatrix.Blocks(pairs.Count))
        {
            using var scope = NewDisposeScope();
            Tensor x = pairs.Source.narrow(0, start, size).to_type(ScalarType.Float64).sub(_source.Centre);
            Tensor targets = pairs.Target.narrow(0, start, size).to_type(ScalarType.Float64).sub(_target.Centre), y = targets.mm(_directions);
            squares += targets.square().sum().ToDouble();
            predicted.add_(y.sub(x.mm(map)).square().sum([0]));
            left.add_(y.square().sum([0]));
        }
        double[] inside = predicted.cpu().data<double>().ToArray(), outside = left.cpu().data<double>().ToArray();
        double entries = (double)pairs.Count * width;
        double[] errors = new double[Math.Min(pairs.SourceDimension, width) + 1];
        // The predicted part from the front, the other from the back: subtracting from the whole would keep its rounding errors.
        // What no direction reaches, of a target wider than the source, is left to every rank.
        double taken = 0, open = outside.Length < width ? Math.Max(0, squares - outside.Sum()) : 0;
        for (int rank = 0; rank < errors.Length; rank++)
        {
            errors[rank] = taken;
            if (rank < inside.Length) taken += inside[rank];
        }
        for (int rank = outside.Length; rank >= 0; rank--)
        {
            if (rank < outside.Length) open += outside[rank];
            if (rank < errors.Length) errors[rank] = (errors[rank] + open) / entries;
        }
        return errors;
    }

    /// <summary>The map of a rank, and its report.</summary>
    public LatentMapFit Finish(LatentPairs pairs, long rank, IReadOnlyList<RankPathPoint> path, Stopwatch clock, IProgress<FitProgress>? progress, int steps = 1)
    {
        Tensor basis = _directions.narrow(1, 0, rank);
        // At the target's full width V·Vᵀ is the identity: no rounding on top of B.
        Tensor coefficients = rank == pairs.TargetDimension ? _solution.Weight : _solution.Weight.mm(basis).mm(basis.t());
        bool smaller = rank > 0 && rank * (pairs.SourceDimension + pairs.TargetDimension) < pairs.SourceDimension * pairs.TargetDimension;
        FactoredForm? factors = smaller ? new FactoredForm(basis, _solution.Weight.mm(basis).t()) : null;
        bool determined = _alpha > 0 || _solution.Rank == pairs.SourceDimension;
        return AlignmentFit.Finish(
            pairs, _source, _target, coefficients, _intercept,
            AlignmentFit.Draft(pairs, $"{_solution.Solver}, rank {rank}", determined) with
            {
                Alpha = _alpha,
                Rank = rank,
                RankPath = path,
                ConditionNumber = _solution.ConditionNumber,
                SingularValues = [.. _eigenvalues.Take(path.Count - 1).Select(value => Math.Sqrt(Math.Max(0, value)))],
            },
            clock, progress, steps, factors);
    }
}
