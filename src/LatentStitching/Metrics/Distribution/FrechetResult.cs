using System.Globalization;

namespace LatentStitching.Metrics.Distribution;

/// <summary>A Fréchet distance with what its reader must know.</summary>
public sealed record FrechetResult
{
    /// <summary>The distance. It has no interval: the resampled distance of a set is biased upwards by as much as the distance itself.</summary>
    public required MetricValue Distance { get; init; }

    /// <summary>The kernel distance (KID) of the same features, which is unbiased and has an interval; null where there was no need of it or the features are not there.</summary>
    public required MetricValue? KernelDistance { get; init; }

    /// <summary>What speaks against the distance; empty if nothing does.</summary>
    public required IReadOnlyList<FrechetWarning> Warnings { get; init; }

    /// <summary>‖μ₁ − μ₂‖²: the part of the distance that the means make.</summary>
    public required double MeanPart { get; init; }

    /// <summary>Says the distance, the kernel distance and the warnings.</summary>
    /// <returns>For example "12.64 (KID 0.0021 [0.0012, 0.003]; FewImages)".</returns>
    public override string ToString()
    {
        string distance = Distance.Value.ToString("g4", CultureInfo.InvariantCulture);
        IEnumerable<string> beside = Warnings.Select(warning => warning.ToString());
        if (KernelDistance is not null) beside = beside.Prepend($"KID {KernelDistance}");
        string text = string.Join("; ", beside);
        return text.Length == 0 ? distance : $"{distance} ({text})";
    }
}
