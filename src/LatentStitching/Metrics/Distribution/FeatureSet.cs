using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>The features of a set of images, computed once and compared with any number of other sets.</summary>
/// <remarks>
/// <para>Keeps the features in float32, and what metrics derive from them alone: moments, distances to neighbours, kernel sums. So a reference set costs its pass and its sums once.</para>
/// <para>Thread safety: none, as derived numbers are kept at their first use.</para>
/// </remarks>
public sealed class FeatureSet : IDisposable
{
    private readonly Tensor _values; // [n, d], float32, on the CPU
    private readonly Dictionary<object, object> _derived = [];
    private FeatureStatistics? _statistics;
    private bool _disposed;

    /// <summary>Takes features that the caller has.</summary>
    /// <param name="features">[n, d], floating point, finite. Copied as float32; not disposed.</param>
    /// <param name="signature">What decides the features, for reports: lower-case letters, digits, '-', '.', '+' and ','.</param>
    /// <exception cref="ArgumentException">The features are not a finite matrix, or the signature is blank or has other characters.</exception>
    public FeatureSet(Tensor features, string signature)
    {
        TensorGuard.FiniteMatrix(features);
        Features = FeatureSignature.Require(signature);
        using var grad = no_grad();
        using Tensor detached = features.detach();
        _values = detached.to(ScalarType.Float32, CPU, copy: true).DetachFromDisposeScope();
    }

    /// <summary>What decides the features: the extractor's signature.</summary>
    public string Features { get; }

    /// <summary>Number of images.</summary>
    public long Count => _values.size(0);

    /// <summary>Number of features of an image.</summary>
    public long Dimension => _values.size(1);

    /// <summary>Mean and covariance, computed at the first use. They belong to the set: not to be disposed.</summary>
    /// <exception cref="ObjectDisposedException">The set has been disposed.</exception>
    public FeatureStatistics Statistics
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_statistics is not null) return _statistics;
            FeatureStatistics statistics = new(Features, Dimension);
            statistics.Add(_values);
            return _statistics = statistics;
        }
    }

    /// <summary>The features, [n, d]; they belong to the set.</summary>
    internal Tensor Values
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _values;
        }
    }

    /// <summary>Computes the features of images in memory.</summary>
    /// <param name="extractor">The extractor. Not disposed.</param>
    /// <param name="images">Image batch [n, c, h, w] in [0, 1]. Not disposed.</param>
    /// <returns>The set, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The extractor refuses the images, or its features are not finite.</exception>
    public static FeatureSet Of(IFeatureExtractor extractor, Tensor images)
    {
        ArgumentNullException.ThrowIfNull(extractor);
        TensorGuard.Images(images);
        using var scope = NewDisposeScope();
        Tensor features = extractor.Extract(images);
        return new FeatureSet(features, extractor.Signature);
    }

    /// <summary>Computes the features of an image source, batch by batch.</summary>
    /// <param name="extractor">The extractor. Not disposed.</param>
    /// <param name="images">The images, at least one.</param>
    /// <param name="batchSize">How many images to hold at once, at least 1.</param>
    /// <param name="progress">Told the number of images done after each batch.</param>
    /// <param name="cancellationToken">Cancels between batches; no tensor is left alive.</param>
    /// <returns>The set, owned by the caller.</returns>
    /// <exception cref="ArgumentException">There are no images, the extractor refuses them, or its features are not finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public static FeatureSet Of(IFeatureExtractor extractor, IImageSource images, int batchSize = 64, IProgress<int>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(extractor);
        ArgumentNullException.ThrowIfNull(images);
        Guard.Positive(batchSize);
        int count = images.Ids.Count;
        if (count == 0) throw new ArgumentException("images must hold at least one image, but it holds none.", nameof(images));
        using var scope = NewDisposeScope();
        Tensor features = empty(count, extractor.Dimension, ScalarType.Float32);
        for (int start = 0; start < count; start += batchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            int size = Math.Min(batchSize, count - start);
            features.narrow(0, start, size).copy_(extractor.Extract(images.Load(start, size)));
            progress?.Report(start + size);
        }
        return new FeatureSet(features, extractor.Signature);
    }

    /// <summary>Writes the features to a safetensors file: "features" [n, d], float32, with their signature and a checksum in the metadata.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="ArgumentException">The path is blank.</exception>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void Save(string path)
    {
        Guard.NotBlank(path);
        using var scope = NewDisposeScope();
        FeatureFile.Save(path, FeatureFile.Set, Features, [("features", Values)]);
    }

    /// <summary>Reads features from a safetensors file.</summary>
    /// <param name="path">The file.</param>
    /// <returns>The set, owned by the caller.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is not a whole, well-formed feature set.</exception>
    public static FeatureSet Load(string path)
    {
        Guard.NotBlank(path);
        using var scope = NewDisposeScope();
        (string features, Dictionary<string, Tensor> tensors) = FeatureFile.Load(path, FeatureFile.Set);
        return new FeatureSet(tensors["features"], features);
    }

    /// <summary>Frees the features. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _values.Dispose();
        _statistics?.Dispose();
    }

    /// <summary>Says the sizes.</summary>
    /// <returns>For example "5000 images, inception-2048,tensorflow".</returns>
    public override string ToString() => $"{Count} images, {Features}";

    /// <summary>A number or array that follows from this set alone, computed at the first use.</summary>
    internal T Derived<T>(object key, Func<Tensor, T> compute)
        where T : notnull
    {
        if (_derived.TryGetValue(key, out object? there)) return (T)there;
        T value = compute(Values);
        _derived.Add(key, value);
        return value;
    }

    /// <summary>Requires two sets of the same features with enough images each.</summary>
    internal static void RequirePair(FeatureSet candidate, FeatureSet reference, long least)
    {
        ArgumentNullException.ThrowIfNull(candidate);
        ArgumentNullException.ThrowIfNull(reference);
        FeatureGuard.Same(candidate.Features, candidate.Dimension, reference.Features, reference.Dimension);
        FeatureGuard.Enough(candidate.Count, least, nameof(candidate));
        FeatureGuard.Enough(reference.Count, least, nameof(reference));
    }
}
