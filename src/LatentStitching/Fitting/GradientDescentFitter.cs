using System.Diagnostics;
using System.Globalization;
using LatentStitching.Mapping;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits an affine map by gradient steps, with the penalties of the studies that fitted theirs so. Where only the minimum matters, <see cref="ShrunkRidgeFitter"/> has it exactly.</summary>
/// <remarks>
/// <para>Minimises ‖ZW + 1b − Y‖²_F/(n·d_t) + (λ_k + λ/2)‖W‖²_F + λ_a/n·‖ZW + 1b‖²_F with λ_k <see cref="GradientDescentOptions.KernelPenalty"/>, λ_a
/// <see cref="GradientDescentOptions.ActivityPenalty"/> and λ <see cref="GradientDescentOptions.WeightDecay"/>, from the map of zeros, a random one, or one of the caller's. The minimum is ridge
/// regression with α = (λ_k + λ/2)·n·d_t/(1 + λ_a·d_t), which the report gives, times 1/(1 + λ_a·d_t).</para>
/// <para>Gradients of batches differ from that of all pairs, so that steps of one size wander about the minimum and never reach it: on batches they shrink to zero (<see cref="GradientDescentOptions.CosineDecay"/>).</para>
/// <para>The latents are taken as they are: columns of very different scales or far from zero make the steps slow. Standardise them, or take a closed form.</para>
/// <para>Numerics: float64 throughout, the map too. A step on all pairs costs 2d_s²·d_t operations after n·d_s² once (4n·d_s·d_t where d_s &gt; n), one on a batch of m pairs
/// 4m·d_s·d_t.</para>
/// <para>Status: see <see cref="GradientDescentOptions.Tolerance"/>; <see cref="FitStatus.Diverged"/> where the objective overflows, passes 10⁶ times its start, or ends above ten times it. The
/// start is the larger of the objective there and at the map of zeros. A diverged fit's map is zero. What the source leaves undetermined is not noticed.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: <see href="https://arxiv.org/abs/2207.06812">Asperti and Tonelli, "Comparing the latent space of generative models" (2022)</see>, whose objective this is; the decay: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts" (ICLR 2017), eq. 5, without restarts.</para>
/// </remarks>
public sealed class GradientDescentFitter : ILatentMapFitter
{
    private const double RunawayFactor = 1e6;
    private const double UselessFactor = 10;
    private const int MostReports = 99; // and one at the end

    private readonly GradientDescentOptions _options;
    private readonly double[]? _start; // [d_s + 1, d_t], the offset last
    private readonly long _startSource;
    private readonly long _startTarget;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="start">The map to start from, or null for <see cref="GradientDescentOptions.Initial"/>. Copied, not disposed.</param>
    /// <exception cref="ArgumentException">The options give Adam a momentum, or <paramref name="start"/> has an offset and the options want none.</exception>
    public GradientDescentFitter(GradientDescentOptions? options = null, AffineMap? start = null)
    {
        _options = options ?? new GradientDescentOptions();
        if (_options is { Optimiser: GradientOptimiser.Adam, Momentum: > 0 })
        {
            throw new ArgumentException($"options must leave Momentum at 0 with Adam, which has its own, but it is {_options.Momentum.ToString(CultureInfo.InvariantCulture)}. Use Sgd for a momentum of yours.", nameof(options));
        }
        if (start is null) return;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        if (!_options.FitIntercept && start.Bias.count_nonzero().ToInt64() > 0)
        {
            throw new ArgumentException("start must have no offset where FitIntercept is false, but its offset is not zero.", nameof(start));
        }
        (_startSource, _startTarget) = (start.SourceDimension, start.TargetDimension);
        _start = cat([start.Weight.to_type(ScalarType.Float64).t(), start.Bias.to_type(ScalarType.Float64).unsqueeze(0)]).contiguous().cpu().data<double>().ToArray();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold too few rows for the intercept or for rows to be held out, or the start has other widths.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        long held = RequireHeldOut(pairs);
        if (_start is not null && (_startSource != pairs.SourceDimension || _startTarget != pairs.TargetDimension))
        {
            throw new ArgumentException(
                $"pairs must have the widths of the start, {_startSource} → {_startTarget}, but they are {pairs.SourceDimension} → {pairs.TargetDimension}.", nameof(pairs));
        }
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using Generator generator = new(_options.Seed);
        Tensor source = pairs.Source, target = pairs.Target;
        Tensor? heldSource = null, heldTarget = null;
        if (held > 0)
        {
            Tensor order = Shuffled(pairs.Count, generator, source.device);
            (heldSource, heldTarget) = (source.index_select(0, order.narrow(0, 0, held)), target.index_select(0, order.narrow(0, 0, held)));
            Tensor kept = order.narrow(0, held, pairs.Count - held);
            (source, target) = (source.index_select(0, kept), target.index_select(0, kept));
        }
        PenalisedError objective = new(source, target, _options);
        Tensor parameters = Start(pairs, generator);
        Func<double>? heldError = held == 0
            ? null
            : () => PenalisedError.SumOfSquaredErrors(heldSource!, heldTarget!, parameters) / ((double)held * pairs.TargetDimension);
        Outcome outcome = Descend(objective, parameters, heldError, generator, progress, cancellationToken);

        double shrinkage = 1 + (_options.ActivityPenalty * pairs.TargetDimension);
        FitReport report = new()
        {
            Status = outcome.Status,
            Solver = Solver(objective.Rows, outcome.StoppedEarly),
            SampleCount = pairs.Count,
            SourceDimension = pairs.SourceDimension,
            TargetDimension = pairs.TargetDimension,
            Alpha = (_options.KernelPenalty + (_options.WeightDecay / 2)) * objective.Rows * pairs.TargetDimension / shrinkage,
            Iterations = outcome.Steps,
            TrainingR2 = LinearFit.R2(
                PenalisedError.SumOfSquaredErrors(source, target, parameters), CentredMatrix.Of(target, _options.FitIntercept).SumOfSquares()),
            HeldOutR2 = held == 0
                ? null
                : LinearFit.R2(PenalisedError.SumOfSquaredErrors(heldSource!, heldTarget!, parameters), CentredMatrix.Of(heldTarget!, _options.FitIntercept).SumOfSquares()),
            Elapsed = clock.Elapsed,
        };
        return ExplicitFit.Finish(
            parameters.narrow(0, 0, pairs.SourceDimension),
            _options.FitIntercept ? parameters[pairs.SourceDimension] : null,
            report);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "gradient descent, Adam at 0.01".</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"gradient descent, {_options.Optimiser} at {_options.LearningRate:g6}{(_options.FitIntercept ? "" : ", without intercept")}");

    private Outcome Descend(
        PenalisedError objective, Tensor parameters, Func<double>? heldError, Generator generator, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        Tensor gradient = zeros_like(parameters);
        long batch = Math.Min(_options.BatchSize ?? objective.Rows, objective.Rows);
        bool whole = batch == objective.Rows;
        GradientStep step = new(_options, parameters, _options.CosineDecay ?? !whole);
        long every = (_options.MaxIterations + MostReports - 1) / MostReports;

        double loss = objective.Evaluate(parameters, gradient);
        double reference = Math.Max(loss, objective.TargetMeanSquare);
        double goal = (_options.Tolerance ?? 0) * Math.Max(objective.GradientNormAtZero, gradient.norm().ToDouble());
        bool converged = _options.Tolerance is not null && gradient.norm().ToDouble() <= goal;
        bool runaway = !double.IsFinite(loss);
        double least = heldError?.Invoke() ?? 0;
        Tensor? best = heldError is null ? null : parameters.clone();
        long steps = 0, waited = 0;

        bool Ended() => converged || runaway || steps == _options.MaxIterations || (best is not null && waited >= _options.Patience);

        while (!Ended())
        {
            using var pass = NewDisposeScope();
            Tensor? order = whole ? null : Shuffled(objective.Rows, generator, parameters.device);
            for (long start = 0; start < objective.Rows && steps < _options.MaxIterations && !runaway; start += batch)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var single = NewDisposeScope();
                if (order is not null) loss = objective.Evaluate(parameters, gradient, order.narrow(0, start, Math.Min(batch, objective.Rows - start)));
                step.Take(parameters, gradient);
                steps++;
                if (whole) loss = objective.Evaluate(parameters, gradient);
                runaway = !(loss <= RunawayFactor * reference);
                if (progress is not null && steps % every == 0 && steps < _options.MaxIterations)
                {
                    progress.Report(new FitProgress { Iteration = steps, MaxIterations = _options.MaxIterations, Loss = loss });
                }
            }
            if (runaway) break;
            if (_options.Tolerance is not null)
            {
                if (!whole) objective.Evaluate(parameters, gradient);
                converged = gradient.norm().ToDouble() <= goal;
            }
            if (best is null) continue;
            double error = heldError!();
            waited = error < least ? 0 : waited + 1;
            if (waited > 0) continue;
            least = error;
            best.copy_(parameters);
        }
        if (best is not null && !runaway) parameters.copy_(best);
        loss = objective.Evaluate(parameters, gradient);
        bool diverged = runaway || !(loss <= UselessFactor * reference);
        if (diverged) parameters.zero_();
        progress?.Report(new FitProgress { Iteration = steps, MaxIterations = steps, Loss = loss });
        bool stoppedEarly = best is not null && waited >= _options.Patience;
        return new Outcome(
            diverged ? FitStatus.Diverged : converged || stoppedEarly || _options.Tolerance is null ? FitStatus.Succeeded : FitStatus.IterationLimitReached,
            steps,
            stoppedEarly);
    }

    private long RequireHeldOut(LatentPairs pairs)
    {
        if (_options.HeldOutFraction == 0) return 0;
        long held = Math.Max(1, (long)Math.Round(_options.HeldOutFraction * pairs.Count));
        long least = _options.FitIntercept ? 2 : 1;
        if (pairs.Count - held >= least) return held;
        throw new ArgumentException(
            $"pairs must keep at least {least} {(least == 1 ? "row" : "rows")} to fit on, but of its {pairs.Count} a HeldOutFraction of {_options.HeldOutFraction.ToString(CultureInfo.InvariantCulture)} holds out {held}. Lower the fraction.",
            nameof(pairs));
    }

    private Tensor Start(LatentPairs pairs, Generator generator)
    {
        long d = pairs.SourceDimension, t = pairs.TargetDimension, rows = _options.FitIntercept ? d + 1 : d;
        if (_start is not null) return tensor(_start).reshape(d + 1, t).narrow(0, 0, rows).to(pairs.Source.device).clone();
        Tensor parameters = zeros(rows, t, ScalarType.Float64, pairs.Source.device);
        if (_options.Initial == MapInitialisation.GlorotUniform)
        {
            double limit = Math.Sqrt(6.0 / (d + t));
            parameters.narrow(0, 0, d).copy_(rand([d, t], ScalarType.Float64, generator: generator).mul(2 * limit).sub(limit));
        }
        return parameters;
    }

    // Drawn on the CPU, so that the device does not change the order.
    private static Tensor Shuffled(long count, Generator generator, Device device) => rand([count], ScalarType.Float64, generator: generator).argsort().to(device);

    private string Solver(long rows, bool stoppedEarly)
    {
        string batches = _options.BatchSize is { } size && size < rows ? $"batches of {size}" : "full batch";
        return $"{(_options.Optimiser == GradientOptimiser.Adam ? "Adam" : "SGD")}, {batches}{(stoppedEarly ? ", stopped early" : "")}";
    }

    private sealed record Outcome(FitStatus Status, long Steps, bool StoppedEarly);
}
