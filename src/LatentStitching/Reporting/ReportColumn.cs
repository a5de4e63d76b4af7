using LatentStitching.Numerics;

namespace LatentStitching.Reporting;

/// <summary>A column of a <see cref="ReportTable"/>.</summary>
public sealed record ReportColumn
{
    private ReportColumn(string name, ReportColumnKind kind)
    {
        Name = Guard.NotBlank(name);
        Kind = kind;
    }

    /// <summary>The heading.</summary>
    public string Name { get; }

    /// <summary>What it holds.</summary>
    public ReportColumnKind Kind { get; }

    /// <summary>A column of words.</summary>
    /// <param name="name">The heading.</param>
    /// <returns>The column.</returns>
    public static ReportColumn Text(string name) => new(name, ReportColumnKind.Text);

    /// <summary>A column of plain numbers: int, long, float or double.</summary>
    /// <param name="name">The heading.</param>
    /// <returns>The column.</returns>
    public static ReportColumn Number(string name) => new(name, ReportColumnKind.Number);

    /// <summary>A column of measured values, <see cref="Metrics.MetricValue"/> or <see cref="BoundedMetric"/>, of one signature.</summary>
    /// <param name="name">The heading.</param>
    /// <returns>The column.</returns>
    public static ReportColumn Metric(string name) => new(name, ReportColumnKind.Metric);
}
