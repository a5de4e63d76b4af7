namespace LatentStitching.Metrics.Distribution;

/// <summary>Turns images into feature vectors whose distributions are compared.</summary>
/// <remarks>Resizing and scaling belong to the extractor: numbers made with different ones are not comparable, and <see cref="Signature"/> must tell them apart.</remarks>
public interface IFeatureExtractor : IDisposable
{
    /// <summary>What decides the features, in lower case without '|' and ':', for example "inception-2048,tensorflow".</summary>
    string Signature { get; }

    /// <summary>Number of features of an image.</summary>
    long Dimension { get; }

    /// <summary>Computes features.</summary>
    /// <param name="images">Image batch [n, c, h, w], floating point, values in [0, 1]. Not disposed.</param>
    /// <returns>float32 [n, <see cref="Dimension"/>], owned by the caller.</returns>
    /// <exception cref="ArgumentException">The images are not what the extractor takes.</exception>
    Tensor Extract(Tensor images);
}
