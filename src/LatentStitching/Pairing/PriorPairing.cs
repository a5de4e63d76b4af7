using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Pairing;

/// <summary>Pairs without any image at hand: latents drawn from one model's prior are decoded by that model and encoded by the other.</summary>
/// <remarks>
/// How the published studies pair a GAN, which has no encoder of its own: Badrinath et al., "All Roads Lead to Rome? Exploring Representational Similarities Between Latent Spaces of
/// Generative Image Models" (arXiv:2407.13449), and Asperti and Tonelli, "Comparing the latent space of generative models" (arXiv:2207.06812).
/// The pairs then live on generated images: say so next to any number that comes from them.
/// </remarks>
public sealed class PriorPairing : ILatentPairing
{
    /// <summary>Number of pairs.</summary>
    /// <value>At least 1; by default, when null, four times the source's latent width, but no fewer than 1,000 and no more than 20,000.</value>
    public long? Count
    {
        get;
        init => field = value is null ? null : Guard.Positive(value.Value, nameof(Count));
    }

    /// <summary>Seed of the draw.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <summary>Whose prior is sampled.</summary>
    /// <value>
    /// Default <see cref="PriorSide.Auto"/>: the target's if it has one, because the decoder's true latents are then known; the source's where the target has none, or where the source cannot encode, a generator
    /// without an inversion.
    /// </value>
    public PriorSide From { get; init; }

    /// <summary>Latents decoded and encoded at once.</summary>
    /// <value>At least 1; default 256.</value>
    public long BatchSize
    {
        get;
        init => field = Guard.Positive(value, nameof(BatchSize));
    } = 256;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The side asked for has no prior, or neither has, or the other side cannot encode, or the models take images of different formats.</exception>
    /// <exception cref="InvalidOperationException">A prior gave latents of another shape than it was asked for.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentPairs Pair(ILatentModel source, ILatentModel target, IProgress<PairingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(target);
        if (source.Image != target.Image)
        {
            throw new ArgumentException(
                $"target must take the images of source, but {target.Name} takes {target.Image} and {source.Name} takes {source.Image}. Wrap one: model.WithImage(format).", nameof(target));
        }
        bool fromTarget = From == PriorSide.Target || (From == PriorSide.Auto && target.GetService<ILatentPrior>() is not null && !(Encodes(target) && !Encodes(source)));
        ILatentModel drawn = fromTarget ? target : source;
        ILatentModel other = fromTarget ? source : target;
        ILatentPrior prior = drawn.GetService<ILatentPrior>() ?? throw new ArgumentException(
            From == PriorSide.Auto
                ? $"source or target must have a prior, but neither {source.Name} nor {target.Name} has one. Pass images: new StitchOptions {{ Pairing = new InputPairing(images) }}."
                : $"{(fromTarget ? nameof(target) : nameof(source))} must have a prior, but {drawn.Name} has none. Sample the other side, or pass images.",
            fromTarget ? nameof(target) : nameof(source));
        if (!Encodes(other))
        {
            string side = fromTarget ? nameof(source) : nameof(target);
            throw new ArgumentException(
                $"{side} must encode the images drawn from {drawn.Name}, but {other.Name} has no encoder of its own. Attach an inversion to it, or draw from it where {drawn.Name} encodes: new PriorPairing {{ From = PriorSide.{(fromTarget ? PriorSide.Source : PriorSide.Target)} }}.",
                side);
        }

        long count = Count ?? Math.Clamp(4 * source.Latent.Dimension, 1000, 20000);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor latents = prior.Sample(count, Seed);
        if (!latents.shape.AsSpan().SequenceEqual([count, drawn.Latent.Dimension]))
        {
            throw new InvalidOperationException(
                $"The prior of {drawn.Name} must return [{count}, {drawn.Latent.Dimension}], but it returned {TensorGuard.Shape(latents)}.");
        }
        List<Tensor> encoded = [];
        for (long start = 0; start < count; start += BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            long size = Math.Min(BatchSize, count - start);
            using Tensor images = drawn.Decode(latents.narrow(0, start, size));
            encoded.Add(other.Encode(images));
            progress?.Report(new PairingProgress { Done = start + size, Total = count });
        }
        Tensor others = cat(encoded, 0);
        return fromTarget ? new LatentPairs(others, latents.to(others.device)) : new LatentPairs(latents, others.to(latents.device));
    }

    private static bool Encodes(ILatentModel model) => model.GetService<IEncodingAbility>()?.CanEncode ?? true;
}
