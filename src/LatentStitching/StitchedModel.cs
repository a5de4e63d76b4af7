using LatentStitching.Mapping;
using LatentStitching.Models;

namespace LatentStitching;

/// <summary>The encoder of one model joined to the decoder of another through a map: itself a model, whose latent is the target's.</summary>
/// <remarks>
/// <see cref="Encode"/> gives ẑ = map(source.Encode(x)), <see cref="Decode"/> is the target's, and <see cref="Translate"/> is both: target.Decode(map(source.Encode(x))).
/// Disposing it disposes the map, not the two models.
/// </remarks>
public sealed class StitchedModel : ILatentModel
{
    private bool _disposed;

    /// <summary>Joins two models.</summary>
    /// <param name="source">The model whose encoder is used. Not disposed.</param>
    /// <param name="map">From the source's latents to the target's. Disposed with the stitched model.</param>
    /// <param name="target">The model whose decoder is used. Not disposed.</param>
    /// <exception cref="ArgumentException">A width does not fit, or the models take images of different formats.</exception>
    public StitchedModel(ILatentModel source, ILatentMap map, ILatentModel target)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(target);
        if (map.SourceDimension != source.Latent.Dimension || map.TargetDimension != target.Latent.Dimension)
        {
            throw new ArgumentException(
                $"map must lead from {source.Latent.Dimension} to {target.Latent.Dimension} columns, the latent widths of {source.Name} and {target.Name}, but it leads from {map.SourceDimension} to {map.TargetDimension}.",
                nameof(map));
        }
        if (source.Image != target.Image)
        {
            throw new ArgumentException(
                $"target must take the images of source, but {target.Name} takes {target.Image} and {source.Name} takes {source.Image}. Wrap one: model.WithImage(format).", nameof(target));
        }
        Source = source;
        Map = map;
        Target = target;
    }

    /// <summary>The model whose encoder is used.</summary>
    public ILatentModel Source { get; }

    /// <summary>The map from the source's latents to the target's.</summary>
    public ILatentMap Map { get; }

    /// <summary>The model whose decoder is used.</summary>
    public ILatentModel Target { get; }

    /// <inheritdoc/>
    public string Name => $"{Source.Name} → {Target.Name}";

    /// <inheritdoc/>
    public ImageFormat Image => Source.Image;

    /// <summary>The target's latent.</summary>
    public LatentSpace Latent => Target.Latent;

    /// <summary>Encodes images with the source and maps the latents into the target's space.</summary>
    /// <param name="images">Image batch [n, c, h, w], floating point, values in [0, 1]. Not disposed.</param>
    /// <returns>Latent batch [n, target width], owned by the caller.</returns>
    public Tensor Encode(Tensor images)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        using Tensor latents = Source.Encode(images);
        return Map.Apply(latents);
    }

    /// <inheritdoc/>
    public Tensor Decode(Tensor latents)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Target.Decode(latents);
    }

    /// <summary>Shows images to the source and returns what the target makes of them.</summary>
    /// <param name="images">Image batch [n, c, h, w], floating point, values in [0, 1]. Not disposed.</param>
    /// <returns>Image batch of the same shape, owned by the caller.</returns>
    public Tensor Translate(Tensor images) => this.Reconstruct(images);

    /// <inheritdoc/>
    /// <remarks>The target's prior is the stitched model's: both decode the same latents. What takes images is not handed on.</remarks>
    public object? GetService(Type serviceType)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        if (serviceType.IsInstanceOfType(this)) return this;
        return serviceType == typeof(ILatentPrior) ? Target.GetService(serviceType) : null;
    }

    /// <summary>Disposes the map. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Map.Dispose();
    }

    /// <summary>Says the two models and the widths.</summary>
    /// <returns>For example "vae → pca: 10 → 64".</returns>
    public override string ToString() => $"{Name}: {Map.SourceDimension} → {Map.TargetDimension}";
}
