using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Studies;

/// <summary>Images that are read once and then held, since every model of a study needs all of them.</summary>
/// <remarks>
/// Blocks of rows are read whole, always the same ones, so that what is held does not depend on who asked first: a model that draws may give an image's last bits differently in another batch.
/// </remarks>
internal sealed class HeldImages : IImageSource, IDisposable
{
    private readonly IImageSource _inner;
    private readonly int _block;
    private readonly bool[] _held;
    private readonly Tensor _pixels;
    private readonly Lock _gate = new();

    public HeldImages(IImageSource inner, int block)
    {
        (_inner, _block) = (inner, block);
        _held = new bool[(inner.Ids.Count + block - 1) / block];
        _pixels = empty([inner.Ids.Count, inner.Image.Channels, inner.Image.Height, inner.Image.Width], ScalarType.Float32).DetachFromDisposeScope();
    }

    public string Name => _inner.Name;

    public ImageFormat Image => _inner.Image;

    public IReadOnlyList<string> Ids => _inner.Ids;

    public AttributeTable? Attributes => _inner.Attributes;

    public string Preparation => _inner.Preparation;

    public string? ContentHash => _inner.ContentHash;

    public Tensor Load(IReadOnlyList<int> indices)
    {
        ImageSourceGuard.Indices(indices, Ids.Count);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        lock (_gate)
        {
            foreach (int block in indices.Select(index => index / _block).Distinct()) Hold(block);
        }
        return _pixels.index_select(0, tensor(indices.Select(index => (long)index).ToArray())).MoveToOuterDisposeScope();
    }

    public void Dispose() => _pixels.Dispose();

    private void Hold(int block)
    {
        if (_held[block]) return;
        int start = block * _block, count = Math.Min(_block, Ids.Count - start);
        Tensor read = _inner.Load(start, count), place = _pixels.narrow(0, start, count);
        if (read.dtype != ScalarType.Float32 || !read.shape.AsSpan().SequenceEqual(place.shape))
        {
            throw new InvalidOperationException($"Load of {Name} must return Float32 {TensorGuard.Shape(place)}, but it returned {read.dtype} {TensorGuard.Shape(read)}.");
        }
        place.copy_(read);
        _held[block] = true;
    }
}
