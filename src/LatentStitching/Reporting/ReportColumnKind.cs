namespace LatentStitching.Reporting;

/// <summary>What a column of a <see cref="ReportTable"/> holds.</summary>
public enum ReportColumnKind
{
    /// <summary>Words.</summary>
    Text,

    /// <summary>Plain numbers.</summary>
    Number,

    /// <summary>Measured values of one signature.</summary>
    Metric,
}
