namespace LatentStitching.Metrics.Similarity;

/// <summary>A number that says how alike two latent spaces are, from the same images in both: row i of one batch belongs to row i of the other. The widths may differ.</summary>
/// <remarks>
/// <para>What can be worked out from one side is worked out once: prepare a reference, then measure as many candidates as there are beside it. <c>measure.Measure(x, y)</c> on tensors prepares both,
/// <c>measure.Evaluate(x, y)</c> also gives an interval, the signature and warnings: <c>SimilarityMeasureExtensions</c>.</para>
/// <para>A measure holds its options and nothing else; it is immutable, and one may be used on several threads at once, each with its own dispose scope.</para>
/// </remarks>
public interface ISimilarityMeasure
{
    /// <summary>What the measure is.</summary>
    SimilarityInfo Info { get; }

    /// <summary>Works out all that depends on one side alone.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed, and shared by the result.</param>
    /// <param name="name">What errors call the batch.</param>
    /// <returns>The batch, ready to be compared. Owned by the caller.</returns>
    /// <exception cref="ArgumentException">The batch is not a finite matrix, has too few rows, or is such that the measure is not defined for it.</exception>
    PreparedLatents Prepare(Tensor latents, string name = "latents");

    /// <summary>Measures.</summary>
    /// <param name="x">One side, or the source where the measure has a direction. Not disposed.</param>
    /// <param name="y">The other side, or the target. Not disposed.</param>
    /// <returns>The value, finite. Computed in float64.</returns>
    /// <exception cref="ArgumentException">The sides were prepared by another measure, or differ in their number of rows or in their device.</exception>
    double Measure(PreparedLatents x, PreparedLatents y);

    /// <summary>Says what a reader of the value must know beyond it, for example that so few rows make it high for any two spaces.</summary>
    /// <param name="rows">Number of rows n.</param>
    /// <param name="xColumns">Width of one side.</param>
    /// <param name="yColumns">Width of the other.</param>
    /// <returns>One sentence, or null where there is nothing to say.</returns>
    string? Warning(long rows, long xColumns, long yColumns) => null;
}
