using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Pairing;

/// <summary>Pairs by encoding the same images with both models.</summary>
/// <remarks>Where a model takes another image size than the source of images gives, wrap it first: <see cref="LatentModelExtensions.WithImage"/>.</remarks>
public sealed class InputPairing : ILatentPairing
{
    private readonly IImageSource _images;

    /// <summary>Pairs over a source of images.</summary>
    /// <param name="images">The images; their format must be that of both models.</param>
    /// <exception cref="ArgumentNullException"><paramref name="images"/> is null.</exception>
    /// <exception cref="ArgumentException">There are no images.</exception>
    public InputPairing(IImageSource images)
    {
        ArgumentNullException.ThrowIfNull(images);
        if (images.Ids.Count == 0) throw new ArgumentException($"images must hold at least one image, but {images.Name} is empty.", nameof(images));
        _images = images;
    }

    /// <summary>Images read and encoded at once.</summary>
    /// <value>At least 1; default 256.</value>
    public int BatchSize
    {
        get;
        init => field = Guard.Positive(value, nameof(BatchSize));
    } = 256;

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A model takes images of another format.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentPairs Pair(ILatentModel source, ILatentModel target, IProgress<PairingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        RequireFormat(source, nameof(source));
        RequireFormat(target, nameof(target));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        List<Tensor> sourceBlocks = [], targetBlocks = [];
        int total = _images.Ids.Count;
        for (int start = 0; start < total; start += BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int size = Math.Min(BatchSize, total - start);
            using Tensor images = _images.Load(start, size);
            sourceBlocks.Add(source.Encode(images));
            targetBlocks.Add(target.Encode(images));
            progress?.Report(new PairingProgress { Done = start + size, Total = total });
        }
        Tensor sourceLatents = cat(sourceBlocks, 0);
        return new LatentPairs(sourceLatents, cat(targetBlocks, 0).to(sourceLatents.device), _images.Ids);
    }

    private void RequireFormat(ILatentModel model, string name)
    {
        ArgumentNullException.ThrowIfNull(model, name);
        if (model.Image != _images.Image)
        {
            throw new ArgumentException(
                $"{name} must take the images it is given, but {model.Name} takes {model.Image} and {_images.Name} gives {_images.Image}. Wrap the model: model.WithImage(images.Image).", name);
        }
    }
}
