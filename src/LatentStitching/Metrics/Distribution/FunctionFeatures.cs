using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>An extractor of a function, whose output is checked.</summary>
internal sealed class FunctionFeatures(string signature, long dimension, Func<Tensor, Tensor> extract, IDisposable? owned) : IFeatureExtractor
{
    private bool _disposed;

    public string Signature => signature;

    public long Dimension => dimension;

    public Tensor Extract(Tensor images)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TensorGuard.Images(images);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor features = extract(images);
        if (features is null || features.dim() != 2 || features.size(0) != images.size(0) || features.size(1) != dimension)
        {
            string came = features is null ? "null" : TensorGuard.Shape(features);
            throw new InvalidOperationException($"The extractor '{signature}' must give features [{images.size(0)}, {dimension}], but it gave {came}.");
        }
        // A function may hand its input or something it keeps back: the caller gets a tensor of its own.
        return features.to(ScalarType.Float32, features.device, copy: true).MoveToOuterDisposeScope();
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        owned?.Dispose();
    }
}
