using LatentStitching.Data;
using LatentStitching.Models;

namespace LatentStitching.Replication;

/// <summary>A source read once and kept as one tensor.</summary>
internal sealed class MemoryImages : IImageSource, IDisposable
{
    private readonly Tensor _pixels;

    public MemoryImages(IImageSource source, Action<double, string> progress)
    {
        const int Block = 256;
        Name = source.Name;
        Image = source.Image;
        Ids = source.Ids;
        Attributes = source.Attributes;
        using var scope = NewDisposeScope();
        Tensor pixels = empty(Ids.Count, Image.Channels, Image.Height, Image.Width, ScalarType.Float32);
        for (int start = 0; start < Ids.Count; start += Block)
        {
            int size = Math.Min(Block, Ids.Count - start);
            using Tensor batch = source.Load(start, size);
            using Tensor place = pixels.narrow(0, start, size);
            place.copy_(batch);
            progress((double)(start + size) / Ids.Count, $"{start + size} of {Ids.Count}");
        }
        _pixels = pixels.DetachFromDisposeScope();
    }

    public string Name { get; }

    public ImageFormat Image { get; }

    public IReadOnlyList<string> Ids { get; }

    public AttributeTable? Attributes { get; }

    public Tensor Load(IReadOnlyList<int> indices)
    {
        using Tensor rows = tensor(indices.Select(index => (long)index).ToArray());
        return _pixels.index_select(0, rows);
    }

    public void Dispose() => _pixels.Dispose();
}
