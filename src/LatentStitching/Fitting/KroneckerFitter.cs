using System.Diagnostics;
using System.Globalization;
using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;
using LatentStitching.Numerics.Products;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits a map that is a product of one matrix over places and one over channels, by alternating least squares.</summary>
/// <remarks>
/// <para>Minimises ‖X(channel ⊗ space)ᵀ + 1bᵀ − Y‖²_F + α‖channel ⊗ space‖²_F. With one factor held the loss is a ridge problem in the other, solved exactly, so no half of a round raises it. The problem is not convex:
/// the minimum found depends on the start, which is the resampling of places by area (the identity where heights and widths agree), without randomness. A target whose places have nothing to do with the source's
/// at the same spot may need another fitter.</para>
/// <para>The factors are scaled so that the rows of the place matrix have length 1 on average.</para>
/// <para>Numerics: float64, as is the map. Cost of a round with p places and c channels: n·c·p² multiplications for the Gram matrix of places and p³/3 to solve it; 8·p² bytes. For 64×64
/// latents (p = 4096) that is minutes of processor time for some thousand images.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: Van Loan and Pitsianis, "Approximation with Kronecker products" (1993), section 5, where the alternation is given for a matrix; here for a regression.</para>
/// </remarks>
public sealed class KroneckerFitter : ILatentMapFitter
{
    private const long BlockEntries = 8L << 20;
    private const int MostReports = 100;
    private readonly KroneckerOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    public KroneckerFitter(KroneckerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs do not have the shapes' columns, or hold fewer than two rows for a map with an offset.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        StructuredFit.RequireColumns(pairs, _options.SourceShape, _options.TargetShape);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(pairs.Source, _options.FitIntercept), y = CentredMatrix.Of(pairs.Target, _options.FitIntercept);
        double total = y.SumOfSquares(), loss = double.PositiveInfinity, entries = (double)pairs.Count * pairs.TargetDimension;
        Tensor space = Resampling(x.Centre.device), channel = zeros(1);
        MomentSolver.Solution? last = null;
        int round = 0, stride = (_options.MaxIterations + MostReports - 1) / MostReports;
        bool converged = false;
        while (!converged && round < _options.MaxIterations)
        {
            round++;
            using var inner = NewDisposeScope();
            using Tensor heldSpace = space, heldChannel = channel; // of the round before: a large pair a round adds up
            (Tensor mixed, _, _) = Solve(x, y, space, overPlaces: false, cancellationToken);
            (Tensor places, double residual, last) = Solve(x, y, mixed, overPlaces: true, cancellationToken);
            double after = residual + (_options.Alpha * places.square().sum().ToDouble() * mixed.square().sum().ToDouble());
            // The loss comes from moments, which round at about 1e-16 of the target's sum of squares.
            converged = !(loss - after > Math.Max(_options.Tolerance, 1e-14) * total);
            loss = after;
            double length = Math.Sqrt(places.square().sum().ToDouble() / places.size(0));
            (space, channel) = length > 0 ? (places.div(length), mixed.mul(length)) : (places, mixed);
            (space, channel) = (space.MoveToOuterDisposeScope(), channel.MoveToOuterDisposeScope());
            bool done = converged || round == _options.MaxIterations;
            if (!done && round % stride == 0) progress?.Report(new FitProgress { Iteration = round, MaxIterations = _options.MaxIterations, Loss = loss / entries });
        }
        progress?.Report(new FitProgress { Iteration = round, MaxIterations = round, Loss = loss / entries });
        KroneckerForm form = new(space, channel);
        Tensor? bias = _options.FitIntercept ? y.Centre.sub(form.Times(x.Centre.unsqueeze(0)).squeeze(0)) : null;
        FitStatus status = !converged ? FitStatus.IterationLimitReached
            : _options.Alpha == 0 && last!.Rank < space.size(1) ? FitStatus.RankDeficient
            : FitStatus.Succeeded;
        string rounds = string.Create(CultureInfo.InvariantCulture, $"alternating least squares, {round} {(round == 1 ? "round" : "rounds")}");
        LatentMapFit fit = StructuredFit.Finish(pairs, form, bias, _options.FitIntercept, StructuredFit.Report(pairs, status, rounds, _options.Alpha) with { Iterations = round }, out _);
        return new LatentMapFit(fit.Map, fit.Report with { Elapsed = clock.Elapsed });
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "Kronecker product, alpha 0".</returns>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"Kronecker product, alpha {_options.Alpha:g6}{(_options.FitIntercept ? "" : ", without intercept")}");

    // One half of a round: with one factor held, the other by ridge regression from its moments.
    private (Tensor Factor, double Residual, MomentSolver.Solution Solution) Solve(CentredMatrix x, CentredMatrix y, Tensor held, bool overPlaces, CancellationToken cancellationToken)
    {
        long channels = _options.SourceShape[0], outputs = _options.TargetShape[0], places = Places(_options.SourceShape), reached = Places(_options.TargetShape);
        long width = overPlaces ? places : channels, results = overPlaces ? reached : outputs;
        Tensor gram = zeros(width, width, ScalarType.Float64, held.device), cross = zeros(width, results, ScalarType.Float64, held.device);
        double squares = 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(x.Rows, Math.Max(1, BlockEntries / Math.Max(x.Columns, y.Columns))))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            Tensor images = x.Block(start, size).reshape(size, channels, places), wanted = y.Block(start, size).reshape(size, outputs, reached);
            Tensor rows = overPlaces ? matmul(held, images).reshape(-1, places) : images.matmul(held.t()).transpose(1, 2).reshape(-1, channels);
            Tensor values = overPlaces ? wanted.reshape(-1, reached) : wanted.transpose(1, 2).reshape(-1, outputs);
            Product.Add(gram, rows.t(), rows);
            Product.Add(cross, rows.t(), values);
            squares += wanted.square().sum().ToDouble();
        }
        double penalty = _options.Alpha * held.square().sum().ToDouble();
        MomentSolver.Solution solution = MomentSolver.Solve(gram, cross, x.Rows * (overPlaces ? outputs : places), penalty, cancellationToken);
        double residual = squares - (2 * solution.Weight.mul(cross).sum().ToDouble()) + solution.Weight.mul(gram.mm(solution.Weight)).sum().ToDouble();
        return (solution.Weight.t(), Math.Max(0, residual), solution);
    }

    private static long Places(IReadOnlyList<long> shape) => shape[1] * shape[2];

    // [places of the target, places of the source]: each target place is the mean of the source places that it covers.
    private Tensor Resampling(Device device)
    {
        IReadOnlyList<long> from = _options.SourceShape, to = _options.TargetShape;
        using var scope = NewDisposeScope();
        Tensor unit = eye(Places(from), dtype: ScalarType.Float64, device: device);
        if (from[1] == to[1] && from[2] == to[2]) return unit.MoveToOuterDisposeScope();
        return nn.functional.interpolate(unit.reshape(-1, 1, from[1], from[2]), [to[1], to[2]], mode: InterpolationMode.Area).flatten(1).t().MoveToOuterDisposeScope();
    }
}
