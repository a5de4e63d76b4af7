using LatentStitching.Reporting;

namespace LatentStitching.Plots;

/// <summary>A heat map of all pairs: rows decoders, columns encoders, a number in each cell, as figure 3 of the published study shows.</summary>
/// <remarks>Thread safety: static; may be called from several threads at once.</remarks>
public static class HeatMapFigure
{
    /// <summary>Draws a heat map in the colours that it has as a table. Cells of a model with itself are framed.</summary>
    /// <param name="map">The numbers, at least one.</param>
    /// <param name="options">Words and size.</param>
    /// <returns>The figure as PNG and SVG, with a table of its numbers.</returns>
    /// <exception cref="ArgumentException">The map is empty.</exception>
    public static ReportFigure Draw(ReportHeatMap map, FigureOptions options) => CellDrawing.Draw(map, options, cellWidth: 86, cellHeight: 46, grouped: false);
}
