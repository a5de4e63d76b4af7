using LatentStitching.Reporting;
using ScottPlot;
using ScottPlot.Plottables;

namespace LatentStitching.Plots;

/// <summary>Curves with bands of intervals: training dynamics, support sets, a quality along checkpoints.</summary>
/// <remarks>Colours are told apart with any colour vision, and each curve has a mark of its own. Thread safety: static; may be called from several threads at once.</remarks>
public static class LineFigure
{
    /// <summary>Draws curves.</summary>
    /// <param name="series">The curves, at least one, with different names.</param>
    /// <param name="options">Words and size.</param>
    /// <param name="lines">Axes; null for the defaults.</param>
    /// <returns>The figure as PNG and SVG, with a table of its numbers.</returns>
    /// <exception cref="ArgumentException">There is no curve, a name is used twice, lists have different lengths, a number is not finite, x does not rise, or a number is not positive on a logarithmic axis.</exception>
    public static ReportFigure Draw(IReadOnlyList<LineSeries> series, FigureOptions options, LineOptions? lines = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        lines ??= new LineOptions();
        Check(series, lines);
        Plot plot = Drawing.Start(options);
        Func<double, double> x = lines.LogarithmicX ? Math.Log10 : value => value;
        Func<double, double> y = lines.LogarithmicY ? Math.Log10 : value => value;
        for (int i = 0; i < series.Count; i++)
        {
            LineSeries one = series[i];
            double[] xs = [.. one.X.Select(x)];
            if (one is { Lower: { } lower, Upper: { } upper })
            {
                FillY band = plot.Add.FillY(xs, [.. lower.Select(y)], [.. upper.Select(y)]);
                band.FillColor = Drawing.Colour(i).WithAlpha(0.18);
                band.LineWidth = 0;
                band.LegendText = "";
            }
            Scatter line = plot.Add.Scatter(xs, (double[])[.. one.Y.Select(y)], Drawing.Colour(i));
            line.LineWidth = 2;
            line.LinePattern = Drawing.Pattern(i);
            line.MarkerShape = Drawing.Marker(i);
            line.MarkerSize = 7;
            line.LegendText = PlotFont.Spell(one.Name);
        }
        if (lines.LogarithmicX) plot.Axes.Bottom.TickGenerator = Drawing.LogarithmicTicks(series.Min(one => one.X.Min()), series.Max(one => one.X.Max()));
        if (lines.LogarithmicY) plot.Axes.Left.TickGenerator = Drawing.LogarithmicTicks(series.Min(one => (one.Lower ?? one.Y).Min()), series.Max(one => (one.Upper ?? one.Y).Max()));
        Drawing.Legend(plot, series.Count);
        return Drawing.Finish(plot, options, Drawing.Describe(options.Caption, "Curves", series.Select(one => one.Name), series.SelectMany(one => one.Y)), Table(series, options));
    }

    private static ReportTable Table(IReadOnlyList<LineSeries> series, FigureOptions options)
    {
        bool banded = series.Any(one => one.Lower is not null);
        ReportColumn[] ends = banded ? [ReportColumn.Number("lower"), ReportColumn.Number("upper")] : [];
        ReportTable table = new(options.Caption, [ReportColumn.Text("curve"), ReportColumn.Number("x"), ReportColumn.Number("y"), .. ends]);
        foreach (LineSeries one in series)
        {
            for (int i = 0; i < one.X.Count; i++)
            {
                object?[] band = banded ? [one.Lower?[i], one.Upper?[i]] : [];
                table.AddRow([one.Name, one.X[i], one.Y[i], .. band]);
            }
        }
        return table;
    }

    private static void Check(IReadOnlyList<LineSeries> series, LineOptions lines)
    {
        ArgumentNullException.ThrowIfNull(series);
        if (series.Count == 0) throw new ArgumentException("series must hold at least one curve, but it is empty.", nameof(series));
        foreach (LineSeries one in series)
        {
            if (string.IsNullOrWhiteSpace(one.Name)) throw new ArgumentException("series must have names, but one is blank.", nameof(series));
            if (series.Count(other => other.Name == one.Name) > 1) throw new ArgumentException($"series must have different names, but several are \"{one.Name}\".", nameof(series));
            if (one.X.Count == 0 || one.Y.Count != one.X.Count || (one.Lower is null) != (one.Upper is null) || (one.Lower?.Count ?? one.X.Count) != one.X.Count || (one.Upper?.Count ?? one.X.Count) != one.X.Count)
            {
                throw new ArgumentException(
                    $"series must have lists of one length, but those of \"{one.Name}\" are X {one.X.Count}, Y {one.Y.Count}, Lower {Length(one.Lower)}, Upper {Length(one.Upper)}. Pass a value for each x, and both ends or none.",
                    nameof(series));
            }
            if (one.X.Concat(one.Y).Concat(one.Lower ?? []).Concat(one.Upper ?? []).Any(value => !double.IsFinite(value)))
            {
                throw new ArgumentException($"series must hold finite numbers, but \"{one.Name}\" holds others. Leave such points out.", nameof(series));
            }
            if (Enumerable.Range(1, one.X.Count - 1).Any(i => one.X[i] <= one.X[i - 1])) throw new ArgumentException($"series must have rising x, but those of \"{one.Name}\" are not. Sort the points.", nameof(series));
            if ((lines.LogarithmicX && one.X[0] <= 0) || (lines.LogarithmicY && one.Y.Concat(one.Lower ?? []).Min() <= 0))
            {
                throw new ArgumentException($"series must hold positive numbers on a logarithmic axis, but \"{one.Name}\" holds others. Use a linear axis.", nameof(series));
            }
        }
    }

    private static string Length(IReadOnlyList<double>? values) => values is null ? "none" : values.Count.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
