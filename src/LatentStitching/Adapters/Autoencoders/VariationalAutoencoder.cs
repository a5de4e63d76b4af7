using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>What all variational autoencoders of the library have: a Gaussian posterior, the prior N(0, I), weights under published names, and one trainer, <see cref="VaeTrainer"/>.</summary>
/// <remarks>
/// <para>Encode gives the posterior mean, which is deterministic; the whole posterior comes from <see cref="EncodePosterior"/>.</para>
/// <para>Besides the latent itself a model can be seen at the features from which the posterior is computed: <c>model.At("features")</c>, which decodes through the posterior mean.</para>
/// <para>Source: Kingma and Welling, "Auto-Encoding Variational Bayes" (arXiv:1312.6114).</para>
/// </remarks>
public abstract class VariationalAutoencoder : LatentModel, ILatentPrior, IPosteriorEncoder, IModelLevels
{
    private protected VariationalAutoencoder(string name, ImageFormat image, long dimension, VaeNetwork network, Device device)
        : base(name, image, LatentSpace.Vector(dimension), device) => Network = network;

    internal VaeNetwork Network { get; }

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount => Network.Weights.ParameterCount;

    /// <inheritdoc/>
    public virtual IReadOnlyList<string> LevelNames => ["features"];

    /// <summary>Writes the weights to a safetensors file under their published names.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        ThrowIfDisposed();
        SafeTensors.Save(path, Network.Weights.All, new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Name });
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch has another shape or dtype, is empty, or leaves [0, 1].</exception>
    public (Tensor Mean, Tensor LogVariance) EncodePosterior(Tensor images)
    {
        ThrowIfDisposed();
        TensorGuard.Images(images, Image, Name);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        List<Tensor> means = [], logVariances = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(images.size(0), BatchSize))
        {
            using var block = NewDisposeScope();
            (Tensor mean, Tensor logVariance) = Network.Encode(images.narrow(0, start, size).to(Dtype, Device));
            means.Add(mean.MoveToOuterDisposeScope());
            logVariances.Add(logVariance.MoveToOuterDisposeScope());
        }
        // A network may give both interleaved; without a copy each would keep the other's memory.
        return (cat(means, 0).contiguous().MoveToOuterDisposeScope(), cat(logVariances, 0).contiguous().MoveToOuterDisposeScope());
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public Tensor Sample(long count, ulong seed)
    {
        ThrowIfDisposed();
        Guard.Positive(count);
        using Generator generator = new(seed, Device);
        return randn([count, Latent.Dimension], Dtype, Device, generator: generator);
    }

    /// <inheritdoc/>
    ILatentModel IModelLevels.At(string level)
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(level);
        return LevelNames.Contains(level, StringComparer.Ordinal) ? SeenAt(level) : throw new ArgumentException($"level must be one of {string.Join(", ", LevelNames)}, but it is '{level}'.", nameof(level));
    }

    /// <inheritdoc/>
    protected override Tensor EncodeCore(Tensor images) => Network.Mean(Network.Features(images, training: null));

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents) => Network.Pixels(Network.Decode(latents, training: null));

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Network.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Sees the model at one of <see cref="LevelNames"/>.</summary>
    private protected virtual ILatentModel SeenAt(string level) => View(
        level,
        Network.FeatureShape,
        images => Network.Features(images, training: null),
        features => DecodeCore(Network.Mean(features)));

    /// <summary>Sees the model at another space of its own.</summary>
    private protected ILatentModel View(string level, IReadOnlyList<long> shape, Func<Tensor, Tensor> encode, Func<Tensor, Tensor> decode, Func<Tensor, Tensor>? fromLatents = null)
    {
        return new DelegateLatentModel(
            $"{Name}/{level}",
            Image,
            LatentSpace.Of((level, shape)),
            images => Live(encode)(images),
            latents => Live(decode)(latents),
            fromLatents is null ? null : (count, generator) => Live(fromLatents)(randn([count, Latent.Dimension], Dtype, Device, generator: generator)),
            Device)
        {
            BatchSize = BatchSize,
            Viewed = this,
        };
    }

    private Func<Tensor, Tensor> Live(Func<Tensor, Tensor> function)
    {
        ThrowIfDisposed();
        return function;
    }
}
