using LatentStitching.Models;

namespace LatentStitching.Data;

/// <summary>A view of some images of a source.</summary>
internal sealed class ImageSubset : IImageSource
{
    private readonly IImageSource _inner;
    private readonly int[] _indices;

    public ImageSubset(IImageSource inner, int[] indices)
    {
        _inner = inner;
        _indices = indices;
        Ids = [.. indices.Select(index => inner.Ids[index])];
        Attributes = inner.Attributes?.Select(indices);
    }

    public string Name => _inner.Name;

    public ImageFormat Image => _inner.Image;

    public IReadOnlyList<string> Ids { get; }

    public AttributeTable? Attributes { get; }

    public string Preparation => _inner.Preparation;

    public string? ContentHash => _inner.ContentHash;

    public Tensor Load(IReadOnlyList<int> indices)
    {
        ImageSourceGuard.Indices(indices, _indices.Length);
        return _inner.Load([.. indices.Select(index => _indices[index])]);
    }
}
