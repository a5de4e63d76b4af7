using LatentStitching.Reporting;

namespace LatentStitching.Plots;

/// <summary>A matrix of levels against levels, within and across models, in square cells.</summary>
/// <remarks>Thread safety: static; may be called from several threads at once.</remarks>
public static class MatrixFigure
{
    /// <summary>Draws a matrix in the colours that it has as a table. Lines part the models: neighbours whose names differ before the first "/" ("glow/z1", "glow/z2", "vae/z").</summary>
    /// <param name="map">The numbers, at least one.</param>
    /// <param name="options">Words and size.</param>
    /// <returns>The figure as PNG and SVG, with a table of its numbers.</returns>
    /// <exception cref="ArgumentException">The map is empty.</exception>
    public static ReportFigure Draw(ReportHeatMap map, FigureOptions options) => CellDrawing.Draw(map, options, cellWidth: 54, cellHeight: 54, grouped: true);
}
