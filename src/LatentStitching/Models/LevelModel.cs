using System.Runtime.InteropServices;
using System.Security.Cryptography;
using LatentStitching.Numerics;

namespace LatentStitching.Models;

/// <summary>A model seen at one level of its latent: it encodes to that level alone, and decodes with the others held at one fixed latent.</summary>
internal sealed class LevelModel : ILatentModel, IModelView
{
    private readonly ILatentModel _inner;
    private readonly LatentLevel _level;
    private readonly float[] _rest;

    public LevelModel(ILatentModel inner, LatentLevel level, float[] rest)
    {
        _inner = inner;
        _level = level;
        _rest = rest;
        Latent = LatentSpace.Of((level.Name, level.Shape));
    }

    public string Name => $"{_inner.Name}/{_level.Name}";

    public ImageFormat Image => _inner.Image;

    public LatentSpace Latent { get; }

    ILatentModel IModelView.Viewed => _inner;

    string IModelView.EncodingFacts => $"level from {_level.Offset}";

    string IModelView.DecodingFacts => $"rest {Convert.ToHexStringLower(SHA256.HashData(MemoryMarshal.AsBytes(_rest.AsSpan())))}";

    public Tensor Encode(Tensor images)
    {
        using Tensor latents = _inner.Encode(images);
        using Tensor part = latents.narrow(1, _level.Offset, _level.Dimension);
        return part.clone();
    }

    public Tensor Decode(Tensor latents)
    {
        TensorGuard.Latents(latents, _level.Dimension, Name);
        using var scope = NewDisposeScope();
        long count = latents.size(0), after = _level.Offset + _level.Dimension;
        Tensor rest = tensor(_rest, latents.dtype, latents.device).unsqueeze(0).expand(count, -1);
        Tensor whole = cat([rest.narrow(1, 0, _level.Offset), latents, rest.narrow(1, after, rest.size(1) - after)], 1);
        return _inner.Decode(whole).MoveToOuterDisposeScope();
    }

    // What the inner model can do concerns its whole latent.
    public object? GetService(Type serviceType)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    public void Dispose()
    {
        // The wrapped model belongs to whoever made it.
    }
}
