namespace LatentStitching.Metrics.Similarity;

/// <summary>A similarity measure that needs only means and second moments, so that the rows can come in batches and be forgotten.</summary>
public interface IStatisticsMeasure : ISimilarityMeasure
{
    /// <summary>Measures from moments.</summary>
    /// <param name="statistics">Moments of as many rows as <see cref="SimilarityInfo.MinimumRows"/> at least. Not changed, not disposed.</param>
    /// <returns>The value that <see cref="ISimilarityMeasure.Measure"/> has on the rows, up to rounding: moments hold squares, so a distance near 0 keeps half of its digits, and a canonical correlation loses
    /// the square of the condition number where rows lose the number itself.</returns>
    /// <exception cref="ArgumentException">There are too few rows, one side does not vary, or the measure is not defined for the sides.</exception>
    double Measure(SimilarityStatistics statistics);
}
