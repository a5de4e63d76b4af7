using System.Diagnostics;
using LatentStitching.Data;
using LatentStitching.Mapping;
using LatentStitching.Numerics;
using LatentStitching.Pairing;
using TorchSharp.Modules;

namespace LatentStitching.Fitting;

/// <summary>A control: a network with one hidden layer. What a linear map leaves on the table.</summary>
/// <remarks>
/// <para>W₂·relu(W₁x + b₁) + b₂ on columns brought to mean 0 and variance 1 on both sides, least mean squared error by Adam, one seeded order of the rows a pass. After each pass the error on rows kept
/// aside is measured; the parameters of the least one are kept, and the fit stops when it has not fallen for <see cref="MlpOptions.Patience"/> passes.
/// The output is linear: with a ReLU there, latents of mean 0 could not be reached and any comparison to a linear map would be lost from the start.</para>
/// <para>Numerics: float64 for a float64 source, else float32, in which the map also comes. The same seed gives the same bytes on the same machine and number of threads. A column without variance
/// counts as 0. Cost: 6n·h·(d_s + d_t) operations a pass.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Sources: Kingma and Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015); first weights uniform within ±1/√fan-in, LeCun, Bottou, Orr and Müller, "Efficient BackProp" (1998).</para>
/// </remarks>
public sealed class MlpFitter : ILatentMapFitter
{
    private readonly MlpOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public MlpFitter(MlpOptions? options = null) => _options = options ?? new MlpOptions();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There are fewer than two pairs, of which one is kept aside.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        if (pairs.Count < 2) throw new ArgumentException($"pairs must hold at least two rows, one of them to know when to stop, but it holds {pairs.Count}.", nameof(pairs));
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        int count = checked((int)pairs.Count), held = Math.Clamp((int)Math.Round(_options.HeldOutShare * count), 1, count - 1);
        int[] order = new SplitMix64(_options.Seed).Permutation(count);
        ScalarType dtype = pairs.Source.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        Standard x = new(pairs.Source, dtype, order[held..], order[..held]), y = new(pairs.Target, dtype, order[held..], order[..held]);

        Network network = new(pairs.SourceDimension, _options, pairs.TargetDimension, x.Rows.dtype, x.Rows.device);
        Training training = x.Varies ? Train(network, x, y, progress, cancellationToken) : network.Silence(progress);
        Tensor[] best = training.Best;
        MlpMap map = new(x.Mean, x.Scale, best[0], best[1], best[2], best[3], y.Scale, y.Mean);
        return new LatentMapFit(map, new FitReport
        {
            Status = training.Diverged ? FitStatus.Diverged : FitStatus.Succeeded,
            Solver = training.Epochs == 0 ? "mean" : $"Adam, {training.Epochs} of at most {_options.MaxEpochs} passes, the best after {training.BestEpoch}",
            SampleCount = pairs.Count,
            SourceDimension = pairs.SourceDimension,
            TargetDimension = pairs.TargetDimension,
            TrainingR2 = R2(best, x.Rows, y.Rows, y),
            HeldOutR2 = R2(best, x.Held, y.Held, y),
            Elapsed = clock.Elapsed,
        });
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "network with 512 hidden units".</returns>
    public override string ToString() => $"network with {_options.HiddenWidth} hidden units";

    private Training Train(Network network, Standard x, Standard y, IProgress<FitProgress>? progress, CancellationToken cancellationToken)
    {
        SplitMix64 random = new(_options.Seed + 1);
        using var optimiser = optim.Adam(network.Parameters, _options.LearningRate);
        long every = (_options.MaxEpochs + 98) / 99;
        Training training = new() { Best = network.Copy() };
        double least = double.PositiveInfinity;
        int count = (int)x.Rows.size(0);
        for (int epoch = 1; epoch <= _options.MaxEpochs; epoch++)
        {
            int[] order = random.Permutation(count);
            for (int start = 0; start < count; start += _options.BatchSize)
            {
                cancellationToken.ThrowIfCancellationRequested();
                using var step = NewDisposeScope();
                using var grad = enable_grad();
                Tensor rows = tensor(order[start..Math.Min(count, start + _options.BatchSize)], device: x.Rows.device);
                optimiser.zero_grad();
                Tensor loss = nn.functional.mse_loss(network.Apply(x.Rows.index_select(0, rows)), y.Rows.index_select(0, rows));
                loss.backward();
                optimiser.step();
            }
            double error = network.Error(x.Held, y.Held);
            training.Epochs = epoch;
            training.Diverged = !double.IsFinite(error);
            if (error < least)
            {
                least = error;
                training.BestEpoch = epoch;
                network.CopyTo(training.Best);
            }
            bool last = training.Diverged || epoch == _options.MaxEpochs || epoch - training.BestEpoch >= _options.Patience;
            if (last || epoch % every == 0) progress?.Report(new FitProgress { Iteration = epoch, MaxIterations = last ? epoch : _options.MaxEpochs, Loss = error });
            if (last) break;
        }
        return training;
    }

    private static double R2(Tensor[] parameters, Tensor x, Tensor y, Standard target)
    {
        using var scope = NewDisposeScope();
        double residual = 0, total = 0;
        Tensor weights = target.Scale.to_type(ScalarType.Float64), mean = y.to_type(ScalarType.Float64).mean([0]);
        foreach ((long start, long size) in CentredMatrix.Blocks(x.size(0)))
        {
            using var block = NewDisposeScope();
            Tensor rows = y.narrow(0, start, size).to_type(ScalarType.Float64);
            Tensor mapped = MlpMap.Forward(x.narrow(0, start, size), parameters[0], parameters[1], parameters[2], parameters[3]).to_type(ScalarType.Float64);
            residual += mapped.sub(rows).mul(weights).square().sum().ToDouble();
            total += rows.sub(mean).mul(weights).square().sum().ToDouble();
        }
        return LinearFit.R2(residual, total);
    }

    private sealed class Training
    {
        public required Tensor[] Best { get; init; }

        public int Epochs { get; set; }

        public int BestEpoch { get; set; }

        public bool Diverged { get; set; }
    }

    /// <summary>One side's rows, standardised by the mean and deviation of those that are fitted to.</summary>
    private sealed class Standard
    {
        public Standard(Tensor values, ScalarType dtype, int[] rows, int[] held)
        {
            using var scope = NewDisposeScope();
            Tensor fitted = values.index_select(0, tensor(rows, device: values.device));
            CentredMatrix centred = CentredMatrix.Of(fitted, centre: true);
            Tensor squares = zeros_like(centred.Centre);
            foreach ((long start, long size) in CentredMatrix.Blocks(rows.Length))
            {
                using var block = NewDisposeScope();
                squares.add_(centred.Block(start, size).square().sum([0]));
            }
            Tensor deviation = squares.div(rows.Length).sqrt();
            Varies = deviation.gt(0).any().ToBoolean();
            Mean = centred.Centre.to_type(dtype).clone().MoveToOuterDisposeScope();
            Scale = where(deviation.gt(0), deviation, ones_like(deviation)).to_type(dtype).clone().MoveToOuterDisposeScope();
            Rows = fitted.to_type(dtype).sub(Mean).div_(Scale).MoveToOuterDisposeScope();
            Held = values.index_select(0, tensor(held, device: values.device)).to_type(dtype).sub(Mean).div_(Scale).MoveToOuterDisposeScope();
        }

        public Tensor Mean { get; }

        public Tensor Scale { get; }

        public Tensor Rows { get; }

        public Tensor Held { get; }

        public bool Varies { get; }
    }

    private sealed class Network
    {
        public Network(long sources, MlpOptions options, long targets, ScalarType dtype, Device device)
        {
            using Generator generator = new(options.Seed);
            Parameters =
            [
                Uniform([options.HiddenWidth, sources], sources), Uniform([options.HiddenWidth], sources),
                Uniform([targets, options.HiddenWidth], options.HiddenWidth), Uniform([targets], options.HiddenWidth),
            ];

            // Drawn on the CPU, so that every device starts alike.
            Parameter Uniform(long[] shape, long fanIn)
            {
                double bound = 1 / Math.Sqrt(fanIn);
                return new Parameter(rand(shape, ScalarType.Float64, generator: generator).mul(2 * bound).sub(bound).to_type(dtype).to(device), requires_grad: true);
            }
        }

        public Parameter[] Parameters { get; }

        public Tensor Apply(Tensor rows) => MlpMap.Forward(rows, Parameters[0], Parameters[1], Parameters[2], Parameters[3]);

        public Tensor[] Copy() => Array.ConvertAll(Parameters, parameter => parameter.detach().clone());

        public void CopyTo(Tensor[] best)
        {
            for (int i = 0; i < best.Length; i++) best[i].copy_(Parameters[i]);
        }

        public double Error(Tensor x, Tensor y)
        {
            double sum = 0;
            foreach ((long start, long size) in CentredMatrix.Blocks(x.size(0)))
            {
                using var block = NewDisposeScope();
                sum += Apply(x.narrow(0, start, size)).sub(y.narrow(0, start, size)).square().sum(ScalarType.Float64).ToDouble();
            }
            return sum / y.numel();
        }

        // A source that does not vary tells nothing: the answer is the mean.
        public Training Silence(IProgress<FitProgress>? progress)
        {
            progress?.Report(new FitProgress { Iteration = 1, MaxIterations = 1, Loss = 1 });
            return new Training { Best = Array.ConvertAll(Parameters, parameter => zeros_like(parameter.detach())) };
        }
    }
}
