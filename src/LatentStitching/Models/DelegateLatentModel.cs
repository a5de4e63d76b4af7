using LatentStitching.Numerics;

namespace LatentStitching.Models;

/// <summary>A model made from two functions. See <see cref="LatentModel.FromFunctions"/>.</summary>
public sealed class DelegateLatentModel : LatentModel, ILatentPrior, IModelView
{
    private readonly Func<Tensor, Tensor> _encode;
    private readonly Func<Tensor, Tensor> _decode;
    private readonly Func<long, Generator, Tensor>? _sample;

    internal DelegateLatentModel(
        string name,
        ImageFormat image,
        LatentSpace latent,
        Func<Tensor, Tensor> encode,
        Func<Tensor, Tensor> decode,
        Func<long, Generator, Tensor>? sample,
        Device? device)
        : base(name, image, latent, device)
    {
        ArgumentNullException.ThrowIfNull(encode);
        ArgumentNullException.ThrowIfNull(decode);
        _encode = encode;
        _decode = decode;
        _sample = sample;
    }

    /// <summary>The model of the library whose other space the functions show; null for functions of a caller's.</summary>
    internal ILatentModel? Viewed { get; init; }

    ILatentModel? IModelView.Viewed => Viewed;

    string IModelView.EncodingFacts => "space";

    string IModelView.DecodingFacts => "space";

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The model was made without a prior.</exception>
    public Tensor Sample(long count, ulong seed)
    {
        ThrowIfDisposed();
        Guard.Positive(count);
        if (_sample is null) throw new InvalidOperationException($"{Name} has no prior. Pass sample to LatentModel.FromFunctions.");
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using Generator generator = new(seed, Device);
        Tensor latents = _sample(count, generator);
        if (latents is null || !latents.shape.AsSpan().SequenceEqual([count, Latent.Dimension]))
        {
            throw new InvalidOperationException(
                $"sample of {Name} must return [{count}, {Latent.Dimension}], but it returned {(latents is null ? "null" : TensorGuard.Shape(latents))}.");
        }
        return latents.to(Dtype, Device).clone().MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override object? GetService(Type serviceType)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceType == typeof(ILatentPrior) && _sample is null) return null;
        return base.GetService(serviceType);
    }

    /// <inheritdoc/>
    protected override Tensor EncodeCore(Tensor images) => _encode(images);

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents) => _decode(latents);
}
