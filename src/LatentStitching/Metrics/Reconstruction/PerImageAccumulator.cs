using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Reconstruction;

/// <summary>A per-image metric over more images than fit in memory: batches are added one after the other, parts made elsewhere are merged.</summary>
/// <remarks>
/// <para>Keeps one number an image, 8 bytes, from which the value, its deviation and its interval come as if all images had been one batch.</para>
/// <para>Thread safety: none while it grows. One instance a thread, merged at the end.</para>
/// </remarks>
public sealed class PerImageAccumulator
{
    private readonly IPerImageMetric _metric;
    private readonly List<double> _values = [];

    /// <summary>Makes an accumulator of no images.</summary>
    /// <param name="metric">The metric. Not disposed.</param>
    public PerImageAccumulator(IPerImageMetric metric) => _metric = Guard.NotNull(metric);

    /// <summary>Number of images added.</summary>
    public int Count => _values.Count;

    /// <summary>Measures a batch and adds its images.</summary>
    /// <param name="actual">What came out, one sample a row. Not disposed.</param>
    /// <param name="reference">What should have, of the same shape. Not disposed.</param>
    /// <exception cref="ArgumentException">The metric refuses the batches; nothing is added then.</exception>
    public void Add(Tensor actual, Tensor reference) => _values.AddRange(_metric.Measure(actual, reference));

    /// <summary>Adds the images of another accumulator after those that are there.</summary>
    /// <param name="other">An accumulator of the same metric. Not changed.</param>
    /// <exception cref="ArgumentException">It measured something else.</exception>
    public void Merge(PerImageAccumulator other)
    {
        ArgumentNullException.ThrowIfNull(other);
        string mine = _metric.Info.Signature, its = other._metric.Info.Signature;
        if (its != mine) throw new ArgumentException($"other must have measured '{mine}', but it measured '{its}'.", nameof(other));
        _values.AddRange(other._values);
    }

    /// <summary>The metric over all images added.</summary>
    /// <param name="seed">Seed of the interval's resampling.</param>
    /// <returns>The value with its 95 % interval and the value of each image, in the order in which they were added.</returns>
    /// <exception cref="InvalidOperationException">No image has been added.</exception>
    public MetricValue Value(ulong seed = 0) => _values.Count > 0
        ? PairedErrors.Mean(_metric.Info, [.. _values], seed)
        : throw new InvalidOperationException("An accumulator must hold at least one image before it has a value. Call Add.");
}
