using System.Globalization;

namespace LatentStitching.Models;

/// <summary>How a batch of latents lies relative to where draws of a prior lie.</summary>
public sealed record TypicalSetReport
{
    /// <summary>Rows looked at.</summary>
    public required long Count { get; init; }

    /// <summary>Width of the latents.</summary>
    public required long Dimension { get; init; }

    /// <summary>Mean Euclidean norm of the rows.</summary>
    public required double MeanNorm { get; init; }

    /// <summary>Mean norm of draws of the prior.</summary>
    public required double ExpectedNorm { get; init; }

    /// <summary>Share of rows whose norm lies outside the middle 99 % of those of the prior; 0.01 is expected.</summary>
    public required double ShareOutside { get; init; }

    /// <summary>Kolmogorov's distance between the distributions of the norm.</summary>
    public required double NormDistance { get; init; }

    /// <summary>How likely so large a distance is among as many draws of the prior.</summary>
    public required double NormPValue { get; init; }

    /// <summary>Kolmogorov's distance between the distributions of each column.</summary>
    public required IReadOnlyList<double> Distances { get; init; }

    /// <summary>How likely each of <see cref="Distances"/> is among as many draws of the prior.</summary>
    public required IReadOnlyList<double> PValues { get; init; }

    /// <summary>Share of columns whose distance has a p-value below 0.05; 0.05 is expected.</summary>
    public double ShareRejected => PValues.Count(value => value < 0.05) / (double)PValues.Count;

    /// <summary>Says the main figures.</summary>
    /// <returns>For example "norm 22.6 where 22.6 is expected (p 0.41), 1.2 % of 500 rows outside the shell, 5.1 % of 512 columns rejected at 5 %".</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"norm {MeanNorm:g4} where {ExpectedNorm:g4} is expected (p {NormPValue:g3}), {100 * ShareOutside:0.0} % of {Count} rows outside the shell, {100 * ShareRejected:0.0} % of {Dimension} columns rejected at 5 %");
}
