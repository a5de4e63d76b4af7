using System.Diagnostics;
using LatentStitching.Mapping;
using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>One source's latents, prepared for ridge maps to many targets: the Gram matrix or kernel and its factor are made once, and each further target costs only what is its own.</summary>
/// <remarks>
/// <para>The maps are those of <see cref="RidgeFitter"/> and <see cref="RidgePathFitter"/>, float64 whatever <see cref="RidgePathOptions.MapType"/> says. With more rows than columns XᵀX + αI is factored and kept, and a fit costs 2n·d_s·d_t
/// operations. Else XXᵀ + αI is, and a fit costs next to nothing: its map holds the rows and the factor, and applied to m latents solves for whichever is fewer, m or d_t right sides (2n²·m operations) and multiplies
/// (2m·n·(d_s + d_t)); <see cref="AffineMap.Weight"/> and the algebra solve for all targets when they are asked for. <see cref="Predict"/> solves once for many targets.</para>
/// <para>Memory: two matrices of min(n, d_s)² float64, three while a strength is prepared, and one more of n·min(n, d_s) for paths. The last strength's factor is kept. Source and targets are read in place, by this and by the
/// maps of dual fits: do not change them. Such maps may outlive this.</para>
/// <para>Numerics: float64; the primal is corrected through X where it is ill-conditioned. Thread safety: every member may be called from several threads, one after the other gets its turn.</para>
/// <para>Source: Saunders, Gammerman and Vovk, "Ridge Regression Learning Algorithm in Dual Variables" (ICML 1998), for the dual form.</para>
/// </remarks>
public sealed class SharedSource : IDisposable
{
    // The dual's training error needs a solution for every target: up to so many operations it is computed for the report.
    private const double ReportedOperations = 1L << 33;
    private const long RowBlock = 1024;
    private readonly Lock _gate = new();
    private readonly Tensor _source;
    private readonly Tensor _centre; // [d], float64
    private readonly bool _dual;
    private Tensor? _moments;
    private Prepared? _prepared;
    private RoundedKernel? _rounded; // for predictions alone
    private SourceSpectrum? _spectrum;
    private bool _disposed;

    /// <summary>Prepares a source; nothing is computed before the first fit.</summary>
    /// <param name="source">Latents [n, d_s], floating point, finite, at least two rows. Not disposed: a handle is kept, no copy.</param>
    /// <param name="fitIntercept">Whether the maps have an offset, which is not penalised.</param>
    /// <exception cref="ArgumentException">The latents are not a finite floating-point matrix of at least two rows.</exception>
    public SharedSource(Tensor source, bool fitIntercept = true)
    {
        TensorGuard.FiniteMatrix(source);
        if (source.size(0) < 2) throw new ArgumentException($"source must hold at least two rows, but it holds {source.size(0)}.", nameof(source));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        FitIntercept = fitIntercept;
        _source = source.detach().DetachFromDisposeScope();
        _centre = CentredMatrix.Of(source, fitIntercept).Centre.clone().DetachFromDisposeScope();
        _dual = source.size(1) > FreeRows;
    }

    // A strength's factor, and what it tells of the source.
    private sealed class Prepared(double alpha, RidgeFactor? factor, long? rank, double? condition, double? freedom)
    {
        public double Alpha => alpha;

        public RidgeFactor? Factor => factor;

        public long? Rank => rank;

        public double? Condition => condition;

        public double? Freedom => freedom;
    }

    /// <summary>Number of rows n.</summary>
    public long Count => Live.size(0);

    /// <summary>Width of the source latents d_s.</summary>
    public long SourceDimension => Live.size(1);

    /// <summary>Whether the maps have an offset.</summary>
    public bool FitIntercept { get; }

    private long FreeRows => FitIntercept ? _source.size(0) - 1 : _source.size(0);

    private Tensor Live
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _source;
        }
    }

    /// <summary>Fits the ridge map to a target: that of <see cref="RidgeFitter"/>, in float64.</summary>
    /// <param name="target">Latents [n, d_t] of the same images, floating point, finite, on the source's device. Not disposed; of a dual fit the map keeps a handle.</param>
    /// <param name="alpha">The penalty α on ‖W‖²_F, zero or more, in squared source units, not divided by n. Zero is least squares, of several solutions the one of least norm.</param>
    /// <param name="cancellationToken">Cancels between steps; no tensor is left alive.</param>
    /// <returns>The map and its report, owned by the caller. <see cref="FitReport.TrainingR2"/> is NaN for a dual fit of more than 8.6·10⁹ = n²·d_t, where it would cost more than the fit.</returns>
    /// <exception cref="ArgumentException">The target does not fit the source, or is not a finite floating-point matrix.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="alpha"/> is negative or not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public LatentMapFit Fit(Tensor target, double alpha, CancellationToken cancellationToken = default)
    {
        using LatentPairs pairs = new(Live, target);
        Guard.NotNegative(alpha);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate) return Solve(pairs, alpha, cancellationToken);
    }

    /// <summary>Fits the ridge map whose strength is chosen on a path: that of <see cref="RidgePathFitter"/>, in float64, dense.</summary>
    /// <param name="target">Latents [n, d_t] of the same images, floating point, finite, on the source's device. Not disposed.</param>
    /// <param name="options">Options; the defaults, with this source's <see cref="FitIntercept"/>, if null. <see cref="RidgePathOptions.MapType"/> is not looked at.</param>
    /// <param name="progress">Gets the error of each strength.</param>
    /// <param name="cancellationToken">Cancels between steps; no tensor is left alive.</param>
    /// <returns>The map and its report, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The target does not fit the source or is not a finite floating-point matrix; the options have another intercept; there are too few rows; or the only strength is 0 and the source does
    /// not determine the map.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public LatentMapFit FitPath(Tensor target, RidgePathOptions? options = null, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        using LatentPairs pairs = new(Live, target);
        options ??= new RidgePathOptions { FitIntercept = FitIntercept };
        if (options.FitIntercept != FitIntercept)
        {
            throw new ArgumentException($"options must have FitIntercept {FitIntercept}, as this source has, but it is {options.FitIntercept}. Make a source for each.", nameof(options));
        }
        RidgePathFitter fitter = new(options with { MapType = ScalarType.Float64 });
        fitter.RequireRows(pairs);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            var clock = Stopwatch.StartNew();
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            CentredMatrix x = View();
            // Made with XXᵀ from as many columns as rows on, as RidgePathFitter does it.
            _spectrum ??= SourceSpectrum.Of(x, FitIntercept, (SourceDimension >= Count) == _dual ? Moments(x) : null, cancellationToken).Kept();
            return fitter.Fit(pairs, _spectrum.Over(x), clock, progress, cancellationToken);
        }
    }

    /// <summary>Predicts many targets for the same latents, by the ridge map to each: one solution of m right sides serves all targets, and no map is made.</summary>
    /// <remarks>The weights ẑ = Σᵢ sᵢ(z)·yᵢ of the target rows do not depend on the target. Cost: 2n·min(n, d_s)·m operations for them, 2m·n·d_s for the products of rows, and 2m·n·d_t a target.</remarks>
    /// <param name="latents">Source latents [m, d_s], floating point, finite, on the source's device. Not disposed.</param>
    /// <param name="targets">For each target its latents [n, d_t] of the source's images, floating point, finite. Not disposed.</param>
    /// <param name="alpha">The penalty α of all maps, as in <see cref="Fit"/>.</param>
    /// <param name="cancellationToken">Cancels between steps; no tensor is left alive.</param>
    /// <returns>For each target the predictions [m, d_t], in the dtype of <paramref name="latents"/>, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The latents or a target do not fit the source, or are not finite floating-point matrices; or there is no target.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="alpha"/> is negative or not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public IReadOnlyList<Tensor> Predict(Tensor latents, IReadOnlyList<Tensor> targets, double alpha, CancellationToken cancellationToken = default)
    {
        TensorGuard.Latents(latents, Live.size(1), "the source");
        TensorGuard.SameDevice(_source, latents, "the source", nameof(latents));
        Guard.NotEmpty(targets, "Pass the latents of each target.");
        Guard.NotNegative(alpha);
        foreach (Tensor target in targets)
        {
            TensorGuard.FiniteMatrix(target, nameof(targets));
            TensorGuard.SameRows(_source, target, "source", nameof(targets));
            TensorGuard.SameDevice(_source, target, "the source", nameof(targets));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return [.. Weigh(latents, targets, alpha, cancellationToken).Select(prediction => prediction.to_type(latents.dtype).MoveToOuterDisposeScope())];
        }
    }

    /// <summary>Frees what was prepared. A second call does nothing.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            _source.Dispose();
            _centre.Dispose();
            _moments?.Dispose();
            Forget();
            _rounded?.Dispose();
            foreach (Tensor? part in (Tensor?[])[_spectrum?.Eigenvalues, _spectrum?.Left, _spectrum?.Right]) part?.Dispose();
        }
    }

    /// <summary>Says the sizes.</summary>
    /// <returns>For example "source of 9000 rows and 512 columns, primal".</returns>
    public override string ToString() => _disposed ? "source (disposed)" : $"source of {Count} rows and {SourceDimension} columns, {(_dual ? "dual" : "primal")}";

    private LatentMapFit Solve(LatentPairs pairs, double alpha, CancellationToken cancellationToken)
    {
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = View(), y = CentredMatrix.Of(pairs.Target, FitIntercept);
        Prepared prepared = Prepare(x, alpha, cancellationToken);
        if (prepared.Factor is not { } factor) return LinearFit.Run(pairs, alpha, FitIntercept, null, cancellationToken);
        if (!_dual)
        {
            RidgeSolver.Solution solution = RidgeSolver.Primal(x, y, x.TransposeTimes(y), y.SumOfSquares(), factor, (prepared.Rank, prepared.Condition, prepared.Freedom), alpha, cancellationToken);
            return LinearFit.Finish(pairs, x, y, solution, alpha, FitIntercept, ScalarType.Float64, clock);
        }
        double residual = double.NaN, total = y.SumOfSquares();
        if (alpha == 0) residual = 0;
        else if ((double)Count * Count * pairs.TargetDimension <= ReportedOperations) residual = alpha * alpha * CentredMatrix.SumOfSquares(factor.Solve(y.Whole()));
        KernelForm form = new(factor, _source, _centre, pairs.Target, y.Centre);
        Tensor bias = FitIntercept ? y.Centre.sub(form.Times(_centre.unsqueeze(0)).squeeze(0)) : zeros(pairs.TargetDimension, ScalarType.Float64, _source.device);
        FitReport report = LinearFit.Report(pairs, "dual Cholesky, shared", alpha, prepared.Rank, prepared.Condition, prepared.Freedom, LinearFit.R2(residual, total), clock);
        return bias.isfinite().all().ToBoolean()
            ? new LatentMapFit(AffineMap.Kernel(form, bias), report)
            : new LatentMapFit(AffineMap.Own(new DenseForm(zeros(pairs.TargetDimension, SourceDimension, ScalarType.Float64, _source.device)), zeros_like(bias)), report with { Status = FitStatus.NonFiniteResult });
    }

    private Tensor[] Weigh(Tensor latents, IReadOnlyList<Tensor> targets, double alpha, CancellationToken cancellationToken)
    {
        CentredMatrix x = View(), z = CentredMatrix.About(latents, _centre);
        if (Corrected(x, z, targets, alpha, cancellationToken) is { } corrected) return corrected;
        Prepared prepared = Prepare(x, alpha, cancellationToken);
        if (prepared.Factor is not { } factor || (!_dual && RidgeSolver.Corrections(factor) > 0))
        {
            // What needs singular values, or corrections through X, needs them for each target.
            return [.. targets.Select(target =>
            {
                using LatentPairs pairs = new(_source, target);
                using LatentMapFit fit = Solve(pairs, alpha, cancellationToken);
                return fit.Map.Apply(latents);
            })];
        }
        // Weights of the target rows, [n, size].
        return Weighted(z, targets, rows => _dual ? factor.Solve(x.Times(rows.t())) : x.Times(factor.Solve(rows.t())), cancellationToken)!;
    }

    // By a float32 factor, where a float64 one does not pay for so few rows; null where it does, or where float32 falls short.
    private Tensor[]? Corrected(CentredMatrix x, CentredMatrix z, IReadOnlyList<Tensor> targets, double alpha, CancellationToken cancellationToken)
    {
        if (!_dual || alpha == 0 || _moments is not null || !CorrectedKernel.Pays(Count, z.Rows)) return null;
        _rounded ??= new RoundedKernel(x);
        cancellationToken.ThrowIfCancellationRequested();
        return _rounded.Prepare(alpha) is { } factor
            ? Weighted(z, targets, rows => CorrectedKernel.Solve(x, x.Times(rows.t()), factor, alpha, CorrectedKernel.Exact, cancellationToken), cancellationToken)
            : null;
    }

    // Predictions from the weights [n, m] of the target rows; null where there are none.
    private Tensor[]? Weighted(CentredMatrix z, IReadOnlyList<Tensor> targets, Func<Tensor, Tensor?> weigh, CancellationToken cancellationToken)
    {
        Tensor[] predictions = [.. targets.Select(target => empty(z.Rows, target.size(1), ScalarType.Float64, _source.device))];
        // The weights of a map with an offset add up to one, so that any row will do as the origin: a mean would take a pass of its own.
        CentredMatrix[] rowsOfTargets = [.. targets.Select(target => CentredMatrix.About(target, FitIntercept ? target[0].to_type(ScalarType.Float64) : zeros(target.size(1), ScalarType.Float64, _source.device)))];
        foreach ((long start, long size) in CentredMatrix.Blocks(z.Rows, RowBlock))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var scope = NewDisposeScope();
            if (weigh(z.Block(start, size)) is not { } weights) return null;
            if (FitIntercept) weights.add_(1.0 / Count);
            for (int i = 0; i < predictions.Length; i++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                predictions[i].narrow(0, start, size).copy_(rowsOfTargets[i].TransposeTimes(weights).t()).add_(rowsOfTargets[i].Centre);
            }
        }
        return predictions;
    }

    private Prepared Prepare(CentredMatrix x, double alpha, CancellationToken cancellationToken)
    {
        if (_prepared is { } ready && ready.Alpha == alpha) return ready;
        Forget();
        Tensor moments = Moments(x);
        cancellationToken.ThrowIfCancellationRequested();
        long fullRank = Math.Min(SourceDimension, FreeRows);
        Spectrum? spectrum = RidgeSolver.Reported(moments, x, _dual, fullRank, alpha);
        RidgeFactor? factor = RidgeSolver.Factor(moments.clone(), _dual, alpha, FitIntercept);
        if (factor is not null && !_dual) factor = RidgeSolver.Quick(factor);
        (long? rank, double? condition, double? freedom) = factor is null ? default : RidgeSolver.Spectral(spectrum, factor, moments.size(0), fullRank, alpha);
        _prepared = new Prepared(alpha, factor?.Kept(), rank, condition, freedom + (FitIntercept ? 1 : 0));
        return _prepared;
    }

    private void Forget()
    {
        _prepared?.Factor?.Dispose();
        _prepared = null;
    }

    private Tensor Moments(CentredMatrix x)
    {
        if (_moments is not null) return _moments;
        _rounded?.Dispose();
        _rounded = null;
        return _moments = (_dual ? x.Kernel() : x.Gram()).DetachFromDisposeScope();
    }

    private CentredMatrix View() => CentredMatrix.About(Live, _centre);
}
