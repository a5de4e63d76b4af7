using System.Globalization;

namespace LatentStitching.Metrics;

/// <summary>One measured number with its uncertainty and everything that decides it.</summary>
public sealed record MetricValue
{
    /// <summary>What was measured.</summary>
    public required MetricInfo Info { get; init; }

    /// <summary>The number, in the metric's unit.</summary>
    public required double Value { get; init; }

    /// <summary>Lower end of the 95 % interval.</summary>
    public required double Lower { get; init; }

    /// <summary>Upper end of the 95 % interval.</summary>
    public required double Upper { get; init; }

    /// <summary>Standard deviation of the per-image values (not of their mean), with n − 1; NaN for one image.</summary>
    public required double StandardDeviation { get; init; }

    /// <summary>The value of each image, in row order; their mean is <see cref="Value"/>.</summary>
    public required IReadOnlyList<double> PerImage { get; init; }

    /// <summary>The metric's signature with the number of images and how the interval was made.</summary>
    public string Signature => $"{Info.Signature}|n:{PerImage.Count}|ci:{Bootstrap.Signature}";

    /// <summary>Says the value and its interval.</summary>
    /// <returns>For example "0.02233 [0.02201, 0.02266]".</returns>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Value:g4} [{Lower:g4}, {Upper:g4}]");
}
