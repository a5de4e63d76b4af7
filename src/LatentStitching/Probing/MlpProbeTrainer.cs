using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Numerics;
using TorchSharp.Modules;

namespace LatentStitching.Probing;

/// <summary>Trains the control that is not linear: one hidden layer, all attributes at once on the rows that each uses.</summary>
/// <remarks>
/// <para>Least mean logistic loss of the logits by Adam, on columns brought to mean 0 and variance 1, one seeded order of the rows a pass. After each pass the loss on rows kept aside is measured; the parameters of
/// the least one are kept, and training stops when it has not fallen for <see cref="Patience"/> passes.</para>
/// <para>Numerics: float64 for float64 latents, else float32. The same seed gives the same bytes on the same machine and number of threads.</para>
/// <para>Sources: Kingma and Ba, "Adam: A Method for Stochastic Optimization" (ICLR 2015); a control beside linear probes: Hewitt and Liang, "Designing and Interpreting Probes with Control Tasks" (EMNLP 2019).</para>
/// </remarks>
public sealed class MlpProbeTrainer
{
    private const double HeldOutShare = 0.1;

    /// <summary>Number of hidden units.</summary>
    /// <value>At least 1; default 256.</value>
    public long HiddenWidth
    {
        get;
        init => field = Guard.Positive(value, nameof(HiddenWidth));
    } = 256;

    /// <summary>The most passes over the rows.</summary>
    /// <value>At least 1; default 100.</value>
    public int MaxEpochs
    {
        get;
        init => field = Guard.Positive(value, nameof(MaxEpochs));
    } = 100;

    /// <summary>Passes without a better loss on the rows kept aside after which training stops.</summary>
    /// <value>At least 1; default 5.</value>
    public int Patience
    {
        get;
        init => field = Guard.Positive(value, nameof(Patience));
    } = 5;

    /// <summary>Rows a step.</summary>
    /// <value>At least 1; default 128.</value>
    public int BatchSize
    {
        get;
        init => field = Guard.Positive(value, nameof(BatchSize));
    } = 128;

    /// <summary>Step size of Adam.</summary>
    /// <value>Positive; default 0.001.</value>
    public double LearningRate
    {
        get;
        init => field = Guard.Positive(value, nameof(LearningRate));
    } = 1e-3;

    /// <summary>Fixes the rows kept aside, the first weights and the order of the rows.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <summary>The choices that a result depends on.</summary>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"probe|model:mlp|hidden:{HiddenWidth}|seed:{Seed}");

    /// <summary>Trains.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite, at least ten rows. Not disposed, not changed.</param>
    /// <param name="labels">Labels of the n rows; each attribute learns from the rows it uses.</param>
    /// <param name="progress">Told after each pass the loss on the rows kept aside, or null.</param>
    /// <param name="cancellationToken">Cancels; no tensor is left alive.</param>
    /// <returns>The probes, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The latents are not a finite matrix with a row a label, there are fewer than ten, or an attribute has one class only.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public MlpProbes Train(Tensor latents, ProbeLabels labels, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ProbeGuard.Inputs(latents, labels);
        if (labels.Count < 10) throw new ArgumentException($"latents must hold at least 10 rows, some of them to know when to stop, but it holds {labels.Count}.", nameof(latents));
        cancellationToken.ThrowIfCancellationRequested();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        ScalarType type = latents.dtype == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
        int[] order = new SplitMix64(Seed).Permutation(labels.Count);
        int held = (int)Math.Ceiling(HeldOutShare * labels.Count);
        Tensor rows = latents.to_type(type), label = ProbeColumns.Labels(labels, latents.device).to_type(type), mask = ProbeColumns.Mask(labels, latents.device).to_type(type);
        Tensor judged = ProbeColumns.Places(order[..held], latents.device), fitted = rows.index_select(0, ProbeColumns.Places(order[held..], latents.device));
        Tensor mean = fitted.mean([0]), deviation = fitted.sub(mean).square().mean([0]).sqrt();
        Tensor scale = where(deviation.gt(0), deviation.reciprocal(), zeros_like(deviation));
        Parameter[] parameters = Start(latents.size(1), labels.Names.Count, type, latents.device);
        Tensor[] best = Array.ConvertAll(parameters, parameter => parameter.detach().clone());
        using (var optimiser = optim.Adam(parameters, LearningRate))
        {
            SplitMix64 random = new(Seed + 1);
            double least = double.PositiveInfinity;
            int since = 0;
            for (int epoch = 1; epoch <= MaxEpochs && since < Patience; epoch++)
            {
                int[] turn = random.Permutation(labels.Count - held);
                for (int start = 0; start < turn.Length; start += BatchSize)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    using var step = NewDisposeScope();
                    using var tracked = enable_grad();
                    Tensor places = ProbeColumns.Places(turn[start..Math.Min(turn.Length, start + BatchSize)].Select(place => order[held + place]), latents.device);
                    optimiser.zero_grad();
                    Loss(parameters, places).backward();
                    optimiser.step();
                }
                using var measure = NewDisposeScope();
                double loss = Loss(parameters, judged).ToDouble();
                since++;
                if (loss < least)
                {
                    (least, since) = (loss, 0);
                    for (int i = 0; i < best.Length; i++) best[i].copy_(parameters[i]);
                }
                progress?.Report(new FitProgress { Iteration = epoch, MaxIterations = MaxEpochs, Loss = loss });
            }
        }
        // The columns' mean and scale go into the first layer.
        Tensor first = best[0].mul(scale);
        return new MlpProbes(labels.Names, [first, best[1].sub(first.mv(mean)), best[2], best[3]]);

        Tensor Loss(Tensor[] network, Tensor places)
        {
            Tensor own = label.index_select(0, places), used = mask.index_select(0, places);
            Tensor logit = MlpProbes.Forward(rows.index_select(0, places).sub(mean).mul(scale), network);
            return logit.clamp_min(0).sub(own.mul(logit)).add(logit.abs().neg().exp().log1p()).mul(used).sum().div(used.sum().clamp_min(1));
        }
    }

    // Uniform within ±1/√fan-in, drawn on the CPU, so that every device starts alike.
    private Parameter[] Start(long columns, long attributes, ScalarType type, Device device)
    {
        using Generator generator = new(Seed);
        return [Uniform([HiddenWidth, columns], columns), Uniform([HiddenWidth], columns), Uniform([attributes, HiddenWidth], HiddenWidth), Uniform([attributes], HiddenWidth)];

        Parameter Uniform(long[] shape, long fanIn)
        {
            double bound = 1 / Math.Sqrt(fanIn);
            return new Parameter(rand(shape, ScalarType.Float64, generator: generator).mul(2 * bound).sub(bound).to_type(type).to(device), requires_grad: true);
        }
    }
}
