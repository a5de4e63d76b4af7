using System.Text.Json.Nodes;
using LatentStitching.Adapters.Weights;
using LatentStitching.Latents;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>What the generators have in common: a prior and a decoder of their own, and an encoder by whatever inversion is attached.</summary>
/// <remarks>
/// Without an inversion <see cref="LatentModel.Decode"/> and <see cref="Sample"/> work, which is all that <see cref="Pairing.PriorPairing"/> asks of either side;
/// <see cref="LatentModel.Encode"/> says what to attach.
/// </remarks>
public abstract class GanModel : LatentModel, ILatentPrior, IEncodingAbility
{
    private Recoder? _owned;

    private protected GanModel(string name, ImageFormat image, LatentSpace latent, Device device)
        : base(name, image, latent, device)
    {
    }

    /// <summary>How images become latents.</summary>
    /// <value>
    /// A <see cref="Recoder"/>, a <see cref="LatentOptimisation"/>, a <see cref="HybridInversion"/>, or one of the caller's; null, the default, for none. Not disposed with the model.
    /// Set it before the model is shared between threads.
    /// </value>
    public IGanInversion? Inversion { get; set; }

    bool IEncodingAbility.CanEncode => Inversion is not null;

    /// <summary>Number of trainable numbers of the generator.</summary>
    public long ParameterCount => Weights.ParameterCount;

    /// <summary>The generator's weights.</summary>
    internal abstract WeightSet Weights { get; }

    /// <summary>What its images are made by: a hash of the weights and how they are used.</summary>
    internal string Fingerprint => $"{ModelFingerprint.OfWeights(Weights.All)} {Use}";

    /// <summary>How the weights are used, where there is a choice.</summary>
    private protected virtual string Use => "";

    /// <summary>Whether the mean of the prior is no latent to start a search from.</summary>
    internal virtual bool OnlyDirectionMatters => false;

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public Tensor Sample(long count, ulong seed)
    {
        ThrowIfDisposed();
        Guard.Positive(count);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using Generator generator = new(seed, Device);
        return SampleCore(count, generator).MoveToOuterDisposeScope();
    }

    /// <summary>Decodes with gradients and without the clamp to [0, 1], which has none outside.</summary>
    internal Tensor Generate(Tensor latents)
    {
        ThrowIfDisposed();
        return DecodeCore(latents);
    }

    /// <summary>Images for training, with gradients of the weights.</summary>
    /// <param name="count">How many.</param>
    /// <param name="generator">Latents and noise.</param>
    /// <param name="learning">Whether what the model keeps of its draws follows these: not where held-out images are judged.</param>
    internal virtual Tensor Draw(long count, Generator generator, bool learning) => Generate(randn([count, Latent.Dimension], Dtype, Device, generator: generator));

    /// <summary>The family's opponent, with first weights of its own.</summary>
    internal abstract Discriminator NewDiscriminator(ulong seed);

    /// <summary>The generator, which an inversion may ask for gradients, and the inversion.</summary>
    internal override ModelDescription? DescribeEncoding()
    {
        if (Describe() is not { } generator || Inversion is null) return Describe();
        if (IDescribedInversion.Of(Inversion) is not { } inversion) return null;
        ModelDescription own = generator.Without([.. generator.Configuration.Select(option => option.Key).Where(key => key.StartsWith(RecoderFolder.Option, StringComparison.Ordinal))]);
        own.Configuration["inversion"] = new JsonObject { [inversion.Kind] = inversion.Configuration.DeepClone() };
        (string Name, Tensor Tensor)[] weights = [.. own.Weights.Where(weight => !weight.Name.StartsWith(RecoderFolder.RecoderPrefix, StringComparison.Ordinal))];
        return new ModelDescription(own.Kind, own.Configuration, [.. weights, .. inversion.Weights.Select(weight => ($"inversion.{weight.Name}", weight.Tensor))]);
    }

    internal override IReadOnlyList<(string Name, Tensor Tensor)> DescribeWeights() => Weights.All;

    /// <summary>Attaches a recoder that goes with the model.</summary>
    internal void Own(Recoder recoder)
    {
        _owned = recoder;
        Inversion = recoder;
    }

    /// <summary>Rows of the prior.</summary>
    internal virtual Tensor SampleCore(long count, Generator generator) => randn([count, Latent.Dimension], Dtype, Device, generator: generator);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">No inversion is attached.</exception>
    protected override Tensor EncodeCore(Tensor images) =>
        Inversion is { } inversion
            ? inversion.Invert(this, images)
            : throw new InvalidOperationException(
                $"{Name} has no encoder of its own. Attach one: model.Inversion = a Recoder, a LatentOptimisation or a HybridInversion. To pair it with another model none is needed: new PriorPairing {{ From = PriorSide.Source }} where it is the source, PriorSide.Target where it is the target.");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        _owned?.Dispose();
        base.Dispose(disposing);
    }
}
