using System.Globalization;

namespace LatentStitching.Metrics.Distribution;

/// <summary>How much of what a model makes is like the reference, and how much of the reference it makes.</summary>
public sealed record PrecisionRecallResult
{
    /// <summary>Share of the candidate's images that lie among the reference: fidelity. Each image's value is 1 or 0.</summary>
    public required MetricValue Precision { get; init; }

    /// <summary>Share of the reference's images that lie among the candidate: variety. Each image's value is 1 or 0.</summary>
    public required MetricValue Recall { get; init; }

    /// <summary>2PR/(P + R), their harmonic mean; 0 where both are 0.</summary>
    public double FScore => Precision.Value + Recall.Value > 0 ? 2 * Precision.Value * Recall.Value / (Precision.Value + Recall.Value) : 0;

    /// <summary>Says the three.</summary>
    /// <returns>For example "precision 0.71, recall 0.52, F 0.6".</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"precision {Precision.Value:g3}, recall {Recall.Value:g3}, F {FScore:g3}");
}
