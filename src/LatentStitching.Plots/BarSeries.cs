using LatentStitching.Reporting;

namespace LatentStitching.Plots;

/// <summary>Bars of one colour: a number for each category.</summary>
public sealed record BarSeries
{
    /// <summary>Its name in the legend, for example a model.</summary>
    public required string Name { get; init; }

    /// <summary>The numbers; their labels are the categories, for example attributes, and the same in the same order in every series.</summary>
    public required IReadOnlyList<ReportNumber> Values { get; init; }
}
