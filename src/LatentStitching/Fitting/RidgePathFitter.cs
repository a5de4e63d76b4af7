using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits an affine map by ridge regression whose strength is chosen by exact leave-one-out error. The default fitter: nobody has to guess a strength.</summary>
/// <remarks>
/// <para>For each strength of <see cref="RidgePathOptions.Alphas"/> the error of predicting every row by a fit without it is known from one eigendecomposition of the smaller of XᵀX and XXᵀ;
/// the least error wins, for all target columns together or for each of its own. Plain least squares (α = 0) is the path's end where the source determines the map.
/// A strength under which a row has leverage 1 (1 − h of 10⁻¹⁰ or less, or as much as rounding leaves of it), as under least squares the only row that a column varies in, has no such error: infinite, it is not taken.
/// With <see cref="RidgePathOptions.Groups"/> all rows of a group are left out together, as exactly and from the same decomposition: for rows that are not independent, and for k-fold cross-validation.
/// With <see cref="RidgePathOptions.Criterion"/> the strengths are compared by generalised cross-validation instead, which also works from statistics.</para>
/// <para>Of large pairs, where one strength is chosen for all columns, only those strengths are evaluated that may be the least; the others are known to lie within a bound that keeps them above it
/// (<see cref="RidgePathPoint.ErrorBound"/>, <see cref="RidgePathOptions.ExactPath"/>). The choice is that of the whole path.</para>
/// <para>Numerics: float64 throughout, the map too unless <see cref="RidgePathOptions.MapType"/> says otherwise; of a source with directions below 10⁻⁵ of its largest singular value that are more than rounding, a singular value decomposition takes the place of the
/// eigendecomposition, at several times the cost and 16·n·d_s bytes more. Cost: with r = min(n, d_s), one symmetric eigendecomposition of size r, 2n·r operations a strength for the leverages, and 2n·r·d_t for each one evaluated (usually one to
/// three; of targets wider than 2·d_s, 2n·r² and once 2n·r·d_t); with groups up to 3n·r² + 6n·r·d_t for each strength, and a copy of the target and 8·n·r bytes where their rows lie apart; from statistics, size d_s and 2·d_s·d_t operations a strength.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Sources: see <see cref="RidgeCriterion"/>; Rifkin and Lippert, "Notes on Regularized Least Squares", MIT-CSAIL-TR-2007-025.</para>
/// </remarks>
[SuppressMessage("ApiDesign", "RS0026:Do not add multiple public overloads with optional parameters", Justification = "The two differ in their first argument's type, so a call is never ambiguous.")]
public sealed class RidgePathFitter : ILatentMapFitter, IStatisticsFitter
{
    private readonly RidgePathOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <exception cref="ArgumentException"><paramref name="options"/> has groups, and a criterion that leaves no rows out.</exception>
    public RidgePathFitter(RidgePathOptions? options = null)
    {
        _options = options ?? new RidgePathOptions();
        if (_options is { Groups: not null, Criterion: RidgeCriterion.GeneralisedCrossValidation })
        {
            throw new ArgumentException(
                "options must leave rows out where it has Groups, but Criterion is GeneralisedCrossValidation, which leaves none out. Set Criterion to LeaveOneOut, or leave Groups null.", nameof(options));
        }
    }

    private long LeastRows => _options.FitIntercept ? 3 : 2;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than three rows (two without an intercept) or another number than <see cref="RidgePathOptions.Groups"/> has labels, the only strength is 0 and they do not determine
    /// the map, or under every strength a row has leverage 1 or a group determines a part of the map alone.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        RequireRows(pairs);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        SourceSpectrum source = SourceSpectrum.Of(CentredMatrix.Of(pairs.Source, _options.FitIntercept), _options.FitIntercept, moments: null, cancellationToken);
        return Fit(pairs, source, clock, progress, cancellationToken);
    }

    internal void RequireRows(LatentPairs pairs)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        if (pairs.Count < LeastRows)
        {
            throw new ArgumentException($"pairs must hold at least {LeastRows} rows to leave one out, but it holds {pairs.Count}. Use RidgeFitter with a strength of your own.", nameof(pairs));
        }
        if (_options.Groups is { } labels && labels.Count != pairs.Count)
        {
            throw new ArgumentException($"pairs must hold a row for each of the {labels.Count} labels of Groups, but it holds {pairs.Count}. Label each row of these pairs, in their order.", nameof(pairs));
        }
    }

    /// <summary>Fits to a source that is decomposed, within the caller's dispose scope.</summary>
    internal LatentMapFit Fit(LatentPairs pairs, SourceSpectrum source, Stopwatch clock, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        bool intercept = _options.FitIntercept;
        CentredMatrix x = source.Source, y = CentredMatrix.Of(pairs.Target, intercept);
        if (source.Rank == 0) return LinearFit.Run(pairs, 0, intercept, progress, cancellationToken, mapType: _options.MapType);
        cancellationToken.ThrowIfCancellationRequested();
        var path = RidgePath.Of(source, y);

        double[] alphas = Strengths(path.MeanEigenvalue, path.IsDetermined, path.Rank, pairs.SourceDimension, pairs.Count, nameof(pairs));
        RidgePathSelection selection = new(_options, pairs.Count, pairs.TargetDimension);
        RowGroups? groups = _options.Groups is { } labels ? RowGroups.Of(labels) : null;
        // Groups of one row are what leave-one-out leaves out.
        GroupedPath? grouped = groups is { IsSingle: false } ? GroupedPath.Of(path, pairs.Target, groups) : null;
        if (grouped is not null) Evaluate(selection, path, alphas, pairs.Count, grouped.Errors, progress, cancellationToken);
        else if (_options is { Criterion: RidgeCriterion.LeaveOneOut, PerTarget: false, ExactPath: false } && LeaveOneOutSearch.IsWorthwhile(path, alphas.Length)) Search(selection, path, alphas, progress, cancellationToken);
        else Evaluate(selection, path, alphas, pairs.Count, !_options.PerTarget && path.TotalsAreCheaper(alphas.Length) ? path.Totals : path.Errors, progress, cancellationToken);
        double targetSum = path.TargetSumOfSquares;
        // Leaving a row out moves the mean too: yᵢ minus the mean of the others is n/(n−1) times yᵢ − ȳ.
        double leftOutSum = grouped?.Variation() ?? (targetSum * (intercept ? Math.Pow(pairs.Count / (pairs.Count - 1.0), 2) : 1));
        RidgePathSelection.Choice choice = selection.Choose();
        double leftOut = choice.LeaveOneOutSumOfSquares!.Value;
        double? leftOutR2 = double.IsPositiveInfinity(leftOut) ? null : LinearFit.R2(leftOut, leftOutSum);
        if (leftOutR2 is null && _options.Criterion == RidgeCriterion.LeaveOneOut) RequireJudged(pairs, grouped?.IsJudged ?? path.IsJudged(path.Source.LeverageLeft(alphas[^1])), grouped is not null);
        // The eigendecomposition squares the condition of X; least squares deserves the solver that does not.
        Tensor weights = Weights(choice.Alphas, path.Weights, () => RidgeSolver.Solve(x, y, 0, intercept, cancellationToken).Weight, pairs.Source.device);
        return LinearFit.Finish(x.Centre, y.Centre, weights, intercept, new FitReport
        {
            Status = FitStatus.Succeeded,
            Solver = path.IsPrimal ? "primal eigendecomposition" : "dual eigendecomposition",
            SampleCount = pairs.Count,
            SourceDimension = pairs.SourceDimension,
            TargetDimension = pairs.TargetDimension,
            Alpha = _options.PerTarget ? double.NaN : choice.Alphas[0],
            AlphaPerTarget = _options.PerTarget ? choice.Alphas : null,
            Path = selection.Points,
            Criterion = _options.Criterion,
            DegreesOfFreedom = choice.DegreesOfFreedom,
            Rank = path.Rank,
            ConditionNumber = path.ConditionNumber,
            TrainingR2 = LinearFit.R2(choice.ResidualSumOfSquares, targetSum),
            LeaveOneOutR2 = grouped is null ? leftOutR2 : null,
            CrossValidatedR2 = groups is null ? null : leftOutR2,
            Folds = groups?.Count,
            Elapsed = clock.Elapsed,
        }, _options.MapType);
    }

    private static void RequireJudged(LatentPairs pairs, bool judged, bool grouped)
    {
        if (judged) return;
        (string what, string one, string leverage) = grouped ? ("groups", "group", "") : ("rows", "row", " (its leverage is 1)");
        throw new ArgumentException(
            $"pairs must let some strength be judged by leaving {what} out, but under each of them one {one} alone determines a part of the map{leverage}. Add a larger strength to Alphas, or use RidgeFitter with a strength of your own.",
            nameof(pairs));
    }

    // Errors by strength: of what is left out and of training, each a target or summed.
    private void Evaluate(RidgePathSelection selection, RidgePath path, double[] alphas, long rows, Func<double, Tensor> errorsOf, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        for (int i = 0; i < alphas.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Tensor errors = errorsOf(alphas[i]);
            Tensor score = _options.Criterion == RidgeCriterion.LeaveOneOut ? errors[0] : RidgePathSelection.Generalised(errors[1], rows, path.DegreesLeft(alphas[i]));
            double error = selection.Add(alphas[i], path.DegreesOfFreedom(alphas[i]), score, errors[1], errors[0]);
            progress?.Report(new FitProgress { Iteration = i + 1, MaxIterations = alphas.Length, Loss = error });
        }
    }

    private static void Search(RidgePathSelection selection, RidgePath path, double[] alphas, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        var search = LeaveOneOutSearch.Run(path, alphas, cancellationToken);
        for (int i = 0; i < alphas.Length; i++)
        {
            Tensor errors = tensor((double[])[search.Errors[i]]), training = tensor((double[])[search.Training[i]]);
            double error = selection.Add(alphas[i], path.DegreesOfFreedom(alphas[i]), errors, training, errors, search.Bounds[i]);
            progress?.Report(new FitProgress { Iteration = i + 1, MaxIterations = alphas.Length, Loss = error });
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException"><see cref="RidgePathOptions.Criterion"/> is leave-one-out, which needs rows.</exception>
    /// <exception cref="ArgumentException">The statistics hold fewer than three rows (two without an intercept), or the only strength is 0 and they do not determine the map.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(PairStatistics statistics, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        if (_options.Criterion == RidgeCriterion.LeaveOneOut)
        {
            throw new InvalidOperationException(
                "Criterion must be GeneralisedCrossValidation for a fit from statistics, but it is LeaveOneOut, and there are no rows to leave out. "
                + "Pass new RidgePathOptions { Criterion = RidgeCriterion.GeneralisedCrossValidation }, or fit from pairs.");
        }
        StatisticsFit.RequireRows(statistics, LeastRows, "to compare strengths");
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Moments moments = statistics.Moments(_options.FitIntercept);
        var path = MomentPath.Of(moments, cancellationToken);
        if (path.Rank == 0) return StatisticsFit.Run(statistics, 0, _options.FitIntercept, _options.MapType, progress, cancellationToken);

        double[] alphas = Strengths(path.MeanEigenvalue, path.IsDetermined, path.Rank, statistics.SourceDimension, statistics.Count, nameof(statistics));
        RidgePathSelection selection = new(_options, statistics.Count, statistics.TargetDimension);
        for (int i = 0; i < alphas.Length; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Tensor training = path.TrainingErrors(alphas[i]);
            Tensor score = RidgePathSelection.Generalised(training, statistics.Count, path.DegreesLeft(alphas[i]));
            double error = selection.Add(alphas[i], path.DegreesOfFreedom(alphas[i]), score, training, null);
            progress?.Report(new FitProgress { Iteration = i + 1, MaxIterations = alphas.Length, Loss = error });
        }
        RidgePathSelection.Choice choice = selection.Choose();
        Tensor weights = Weights(choice.Alphas, path.Weights, () => MomentSolver.Solve(moments, 0, cancellationToken).Weight, moments.Gram.device);
        return StatisticsFit.Finish(moments, weights, new FitReport
        {
            Status = FitStatus.Succeeded,
            Solver = "primal eigendecomposition" + StatisticsFit.Suffix,
            SampleCount = statistics.Count,
            SourceDimension = statistics.SourceDimension,
            TargetDimension = statistics.TargetDimension,
            Alpha = _options.PerTarget ? double.NaN : choice.Alphas[0],
            AlphaPerTarget = _options.PerTarget ? choice.Alphas : null,
            Path = selection.Points,
            Criterion = _options.Criterion,
            DegreesOfFreedom = choice.DegreesOfFreedom,
            Rank = path.Rank,
            ConditionNumber = path.ConditionNumber,
            TrainingR2 = LinearFit.R2(choice.ResidualSumOfSquares, moments.TargetSquares.sum().ToDouble()),
            Elapsed = clock.Elapsed,
        }, _options.MapType);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "ridge, strength by leave-one-out".</returns>
    public override string ToString() =>
        $"ridge, strength by {(_options.Groups is not null ? "leave-one-group-out" : _options.Criterion == RidgeCriterion.LeaveOneOut ? "leave-one-out" : "generalised cross-validation")}"
        + $"{(_options.PerTarget ? ", one a target" : "")}{(_options.FitIntercept ? "" : ", without intercept")}";

    private double[] Strengths(double meanEigenvalue, bool isDetermined, long rank, long columns, long rows, string name)
    {
        double[] usable = RidgePathSelection.Strengths(_options, meanEigenvalue, isDetermined);
        if (usable.Length > 0) return usable;
        throw new ArgumentException(
            $"{name} must determine the map where 0 is the only strength, but the source has rank {rank} with {columns} columns and {rows} rows. Add a positive strength to Alphas.", name);
    }

    private static Tensor Weights(double[] chosen, Func<Tensor, Tensor> ridge, Func<Tensor> leastSquares, Device device)
    {
        if (chosen.All(alpha => alpha > 0)) return ridge(tensor(chosen, device: device));
        Tensor plain = leastSquares();
        if (chosen.All(alpha => alpha == 0)) return plain;
        Tensor alphas = tensor(chosen, device: device);
        return where(alphas.eq(0).unsqueeze(0), plain, ridge(alphas));
    }
}
