namespace LatentStitching.Reporting;

/// <summary>How a <see cref="ReportHeatMap"/> turns numbers into colours.</summary>
public enum HeatMapScale
{
    /// <summary>Even steps of the number, from the lowest to the highest. Brighter is better (for plain numbers: higher).</summary>
    Linear,

    /// <summary>Even steps of its logarithm, for positive numbers of several magnitudes. Brighter is better (for plain numbers: higher).</summary>
    Logarithmic,

    /// <summary>Blue below zero, orange above, white at zero, both ends equally far: for differences.</summary>
    Diverging,
}
