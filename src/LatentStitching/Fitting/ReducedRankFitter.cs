using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits the best map of a given rank, or of the smallest rank that predicts about as well as the best.</summary>
/// <remarks>
/// <para>Minimises ‖X·B − Y‖²_F + α‖B‖²_F over matrices of rank r: B_r = B·V_r·V_rᵀ with B the least-squares or ridge solution and V_r the first r eigenvectors of Bᵀ(XᵀX + αI)B = Bᵀ·XᵀY,
/// which for α = 0 are the right singular vectors of the fitted X·B. At full rank it is least squares, or ridge.</para>
/// <para>Without <see cref="ReducedRankOptions.Rank"/>: the pairs are shuffled by the seed and dealt to the folds; each fold is predicted by maps of every rank from the others; of the ranks whose mean held-out error lies within
/// one standard error of the least, the smallest is taken. That may be 0, the target's mean, where the source predicts nothing.</para>
/// <para>The report: <see cref="FitReport.RankPath"/> has the errors of every rank from 0, <see cref="FitReport.Rank"/> the map's rank, <see cref="FitReport.SingularValues"/> the square roots of the eigenvalues: for α = 0 the
/// training error grows by the square of each that is left out. Status and solver are those of B. Numerics: float64 throughout, result in the dtype of the source. Cost: that of B and one symmetric eigendecomposition
/// [d_t, d_t], and the same for every fold.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Sources: Izenman, "Reduced-Rank Regression for the Multivariate Linear Model", Journal of Multivariate Analysis 5 (1975); with a penalty: Mukherjee and Zhu, "Reduced Rank Ridge Regression and Its Kernel
/// Extensions", Statistical Analysis and Data Mining 4 (2011); the rule of one standard error: Breiman, Friedman, Olshen and Stone, "Classification and Regression Trees" (1984), section 3.4.3.</para>
/// </remarks>
public sealed class ReducedRankFitter : ILatentMapFitter
{
    private readonly ReducedRankOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults, which choose the rank, if null.</param>
    public ReducedRankFitter(ReducedRankOptions? options = null) => _options = options ?? new ReducedRankOptions();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer rows than folds, fewer than two for a map with an intercept, or fewer columns than the rank.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        int most = (int)Math.Min(pairs.SourceDimension, pairs.TargetDimension);
        if (_options.Rank > most)
        {
            throw new ArgumentException(
                $"pairs must have at least {_options.Rank} columns on both sides for a map of rank {_options.Rank}, but they are {pairs.SourceDimension} → {pairs.TargetDimension}. Lower Rank.", nameof(pairs));
        }
        if (_options.Rank is null && pairs.Count < _options.Folds)
        {
            throw new ArgumentException($"pairs must hold at least {_options.Folds} rows for {_options.Folds} folds, but it holds {pairs.Count}. Lower Folds, or give a Rank.", nameof(pairs));
        }
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        int steps = _options.Rank is null ? _options.Folds + 1 : 1;
        double[][] heldOut = _options.Rank is null ? HeldOut(pairs, most, steps, progress, cancellationToken) : [];

        Unreduced full = Unreduced.Of(pairs, _options, cancellationToken);
        double[] training = full.Errors(pairs, most);
        List<RankPathPoint> path = [.. Enumerable.Range(0, most + 1).Select(rank => Point(rank, training[rank], heldOut))];
        int chosen = (int?)_options.Rank ?? Choose(path);

        // At the target's full width V·Vᵀ is the identity: no rounding on top of B.
        Tensor basis = full.Directions.narrow(1, 0, chosen);
        Tensor coefficients = chosen == pairs.TargetDimension ? full.Solution.Weight : full.Solution.Weight.mm(basis).mm(basis.t());
        bool determined = _options.Alpha > 0 || full.Solution.Rank == pairs.SourceDimension;
        return AlignmentFit.Finish(
            pairs, full.Source, full.Target, coefficients, _options.FitIntercept,
            AlignmentFit.Draft(pairs, $"{full.Solution.Solver}, rank {chosen}", determined) with
            {
                Alpha = _options.Alpha,
                Rank = chosen,
                RankPath = path,
                ConditionNumber = full.Solution.ConditionNumber,
                SingularValues = [.. full.Eigenvalues.Take(most).Select(value => Math.Sqrt(Math.Max(0, value)))],
            },
            clock, progress, steps);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "reduced rank 8" or "reduced rank, chosen by 5 folds".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"reduced rank{(_options.Rank is { } rank ? $" {rank}" : $", chosen by {_options.Folds} folds")}{(_options.Alpha > 0 ? $", alpha {_options.Alpha:g6}" : "")}{(_options.FitIntercept ? "" : ", without intercept")}");

    // The mean squared error of every rank on each fold: [folds][ranks from 0].
    private double[][] HeldOut(LatentPairs pairs, int most, int steps, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        using Generator generator = new(_options.Seed);
        using Tensor shuffled = randperm(pairs.Count, generator: generator);
        long[] order = shuffled.data<long>().ToArray();
        double[][] errors = new double[_options.Folds][];
        for (int fold = 0; fold < _options.Folds; fold++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            // Dealt like cards, so that the folds differ by one row at most.
            using LatentPairs held = pairs.Select([.. order.Where((_, place) => place % _options.Folds == fold)]);
            using LatentPairs rest = pairs.Select([.. order.Where((_, place) => place % _options.Folds != fold)]);
            errors[fold] = Unreduced.Of(rest, _options, cancellationToken).Errors(held, most);
            progress?.Report(new FitProgress { Iteration = fold + 1, MaxIterations = steps, Loss = errors[fold].Min() });
        }
        return errors;
    }

    private static RankPathPoint Point(int rank, double training, double[][] heldOut)
    {
        if (heldOut.Length == 0) return new RankPathPoint { Rank = rank, TrainingError = training };
        double mean = heldOut.Average(fold => fold[rank]);
        double variance = heldOut.Sum(fold => Math.Pow(fold[rank] - mean, 2)) / (heldOut.Length - 1);
        return new RankPathPoint { Rank = rank, TrainingError = training, HeldOutError = mean, StandardError = Math.Sqrt(variance / heldOut.Length) };
    }

    private static int Choose(List<RankPathPoint> path)
    {
        RankPathPoint best = path.MinBy(point => point.HeldOutError)!;
        return (int)path.First(point => point.HeldOutError <= best.HeldOutError + best.StandardError).Rank;
    }

    // The map before its rank is reduced, and the target directions in the order in which they are worth keeping.
    private sealed class Unreduced
    {
        public required CentredMatrix Source { get; init; }
        public required CentredMatrix Target { get; init; }
        public required RidgeSolver.Solution Solution { get; init; }
        public required Tensor Directions { get; init; } // [d_t, d_t]
        public required double[] Eigenvalues { get; init; }

        public static Unreduced Of(LatentPairs pairs, ReducedRankOptions options, CancellationToken cancellationToken)
        {
            CentredMatrix x = CentredMatrix.Of(pairs.Source, options.FitIntercept);
            CentredMatrix y = CentredMatrix.Of(pairs.Target, options.FitIntercept);
            RidgeSolver.Solution solution = RidgeSolver.Solve(x, y, options.Alpha, options.FitIntercept, cancellationToken);
            Tensor moments = solution.Weight.t().mm(x.TransposeTimes(y));
            (Tensor values, Tensor vectors) = linalg.eigh(moments.add(moments.t()).div(2));
            return new Unreduced { Source = x, Target = y, Solution = solution, Directions = vectors.flip(1), Eigenvalues = values.flip(0).cpu().data<double>().ToArray() };
        }

        /// <summary>Mean squared error of ranks 0 to most on pairs: in the basis V a rank r predicts the first r coordinates and leaves the others at the mean.</summary>
        public double[] Errors(LatentPairs pairs, int most)
        {
            long width = pairs.TargetDimension;
            Tensor predicted = zeros(width, ScalarType.Float64, pairs.Source.device), left = zeros_like(predicted);
            Tensor map = Solution.Weight.mm(Directions);
            foreach ((long start, long size) in CentredMatrix.Blocks(pairs.Count))
            {
                using var scope = NewDisposeScope();
                Tensor x = pairs.Source.narrow(0, start, size).to_type(ScalarType.Float64).sub(Source.Centre);
                Tensor y = pairs.Target.narrow(0, start, size).to_type(ScalarType.Float64).sub(Target.Centre).mm(Directions);
                predicted.add_(y.sub(x.mm(map)).square().sum([0]));
                left.add_(y.square().sum([0]));
            }
            double[] inside = predicted.cpu().data<double>().ToArray(), outside = left.cpu().data<double>().ToArray();
            double entries = (double)pairs.Count * width;
            return [.. Enumerable.Range(0, most + 1).Select(rank => (inside.Take(rank).Sum() + outside.Skip(rank).Sum()) / entries)];
        }
    }
}
