namespace LatentStitching.Metrics;

/// <summary>A number that compares row i of one batch with row i of another.</summary>
public interface IPairedMetric
{
    /// <summary>What the metric is.</summary>
    MetricInfo Info { get; }

    /// <summary>Measures.</summary>
    /// <param name="actual">What came out, one sample a row. Not disposed.</param>
    /// <param name="reference">What should have, of the same shape. Not disposed.</param>
    /// <param name="seed">Seed of the interval's resampling.</param>
    /// <returns>The value with its 95 % interval and the value of each row.</returns>
    MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0);
}
