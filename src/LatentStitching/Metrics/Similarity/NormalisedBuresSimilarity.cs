using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Similarity;

/// <summary>Normalised Bures similarity of the kernels XXᵀ and YYᵀ: the fidelity of the two spaces, and the cosine of their Procrustes angle.</summary>
/// <remarks>
/// <para>tr((K^½·L·K^½)^½)/√(tr K·tr L) = ‖XᵀY‖_*/(‖X‖·‖Y‖) of centred rows, from 0 to 1. Small directions count more than in CKA, which squares what this sums. The Bures distance of the kernels is
/// <see cref="ProcrustesNormalisation.SizeAndShape"/>.</para>
/// <para>Numerics: float64. Cost: that of <see cref="ProcrustesDistance"/>.</para>
/// <para>Sources: Tang, Maddox, Dickens, Diethe and Damianou, "Similarity of Neural Networks with Gradients" (2020, arXiv:2003.11498); equal to the Procrustes cosine by Harvey, Larsen and Williams, "Duality of Bures and
/// Shape Distances" (2023, arXiv:2311.11436).</para>
/// </remarks>
public sealed class NormalisedBuresSimilarity : SimilarityMeasure, IStatisticsMeasure
{
    /// <inheritdoc/>
    public override SimilarityInfo Info { get; } = Shapes.Info with
    {
        Id = "nbs-score",
        Name = "normalised Bures similarity",
        Direction = MetricDirection.HigherIsBetter,
        Reference = "Tang et al. (2020, arXiv:2003.11498); Harvey, Larsen and Williams, Duality of Bures and Shape Distances (2023, arXiv:2311.11436)",
        Highest = 1,
        OfItself = 1,
        IsMetric = false,
    };

    /// <inheritdoc/>
    public double Measure(SimilarityStatistics statistics)
    {
        ArgumentNullException.ThrowIfNull(statistics);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (double x, double y, double nuclear) = Shapes.Norms(statistics, Info);
        return RequireFinite(Math.Min(nuclear / x / y, 1), Info.Id, nameof(statistics));
    }

    /// <inheritdoc/>
    protected override IReadOnlyDictionary<string, Tensor> PrepareCore(Tensor latents, string name) => Shapes.Prepare(RotationAlignment.Configuration(latents), unit: true);

    /// <inheritdoc/>
    protected override double MeasureCore(PreparedLatents x, PreparedLatents y) => Math.Min(linalg.svdvals(x[Shapes.Rows].t().mm(y[Shapes.Rows])).sum().ToDouble(), 1);
}
