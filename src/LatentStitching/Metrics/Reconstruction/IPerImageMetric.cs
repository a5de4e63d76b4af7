namespace LatentStitching.Metrics.Reconstruction;

/// <summary>A paired metric whose value is the mean of numbers that each belong to one image alone, so that it can be measured batch by batch.</summary>
/// <remarks>A <see cref="PerImageAccumulator"/> adds batches up to what <see cref="IPairedMetric.Evaluate"/> gives for all images at once.</remarks>
public interface IPerImageMetric : IPairedMetric
{
    /// <summary>Measures each image on its own.</summary>
    /// <param name="actual">What came out, one sample a row. Not disposed.</param>
    /// <param name="reference">What should have, of the same shape. Not disposed.</param>
    /// <returns>One number a row, in row order.</returns>
    /// <exception cref="ArgumentException">The batches are not what the metric compares, or differ in shape or device.</exception>
    IReadOnlyList<double> Measure(Tensor actual, Tensor reference);
}
