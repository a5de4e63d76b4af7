using LatentStitching.Reporting;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace LatentStitching.Plots;

/// <summary>Bars with intervals, side by side for several series: probe accuracies, rankings.</summary>
/// <remarks>Bars start at zero. Thread safety: static; may be called from several threads at once.</remarks>
public static class BarFigure
{
    private const double Group = 0.8;
    private const int BarPoints = 14;

    /// <summary>Draws bars.</summary>
    /// <param name="series">The series, at least one, with different names and the same labels in the same order.</param>
    /// <param name="options">Words and size. The titles of the axes belong to the axes as drawn.</param>
    /// <param name="horizontal">Whether bars lie, the first category at the top: for many or long labels.</param>
    /// <returns>The figure as PNG and SVG, with a table of its numbers.</returns>
    /// <exception cref="ArgumentException">There is no series or no number, a name is used twice, labels differ, or a number is not finite.</exception>
    public static ReportFigure Draw(IReadOnlyList<BarSeries> series, FigureOptions options, bool horizontal = false)
    {
        ArgumentNullException.ThrowIfNull(options);
        string[] labels = Check(series);
        Plot plot = Drawing.Start(options);
        double width = Group / series.Count;
        for (int s = 0; s < series.Count; s++)
        {
            List<Bar> bars = [];
            for (int i = 0; i < labels.Length; i++)
            {
                double offset = (s - ((series.Count - 1) / 2.0)) * width;
                double place = horizontal ? -i - offset : i + offset;
                ReportNumber number = series[s].Values[i];
                bars.Add(new Bar { Position = place, Value = number.Value, Size = 0.92 * width, FillColor = Drawing.Colour(s), LineWidth = 0, Orientation = horizontal ? Orientation.Horizontal : Orientation.Vertical });
            }
            BarPlot drawn = plot.Add.Bars(bars);
            drawn.LegendText = PlotFont.Spell(series[s].Name);
            foreach ((Bar bar, ReportNumber number) in bars.Zip(series[s].Values)) Interval(plot, bar.Position, number, horizontal);
        }
        Axes(plot, series, labels, horizontal);
        Drawing.Legend(plot, series.Count);
        int? height = horizontal ? Math.Min(4000, 110 + (labels.Length * Math.Max(22, BarPoints * series.Count))) : null;
        return Drawing.Finish(
            plot, options, Drawing.Describe(options.Caption, "Bars", series.Select(one => one.Name), series.SelectMany(one => one.Values).Select(number => number.Value)), Table(series, labels, options), height: height);
    }

    // Dark on the light end of a bar and on the ground alike.
    private static void Interval(Plot plot, double place, ReportNumber number, bool horizontal)
    {
        if (double.IsNaN(number.Lower)) return;
        LinePlot line = horizontal ? plot.Add.Line(number.Lower, place, number.Upper, place) : plot.Add.Line(place, number.Lower, place, number.Upper);
        line.Color = Drawing.Ink;
        line.LineWidth = 1.5f;
    }

    private static void Axes(Plot plot, IReadOnlyList<BarSeries> series, string[] labels, bool horizontal)
    {
        double[] ends = [0, .. series.SelectMany(one => one.Values).SelectMany(number => (double[])[number.Value, number.Lower, number.Upper]).Where(value => !double.IsNaN(value))];
        (double low, double high) = (ends.Min(), ends.Max());
        double room = 0.06 * (high - low);
        (low, high) = (low < 0 ? low - room : 0, high > 0 ? high + room : 0);
        if (low == high) high = 1;
        string[] spelled = Array.ConvertAll(labels, PlotFont.Spell);
        IAxis names = horizontal ? plot.Axes.Left : plot.Axes.Bottom;
        names.TickGenerator = new NumericManual([.. Enumerable.Range(0, labels.Length).Select(i => horizontal ? -(double)i : i)], spelled);
        names.MajorTickStyle.Length = 0;
        if (horizontal)
        {
            plot.Axes.SetLimits(low, high, -labels.Length + 0.4, 0.6);
            plot.Grid.YAxisStyle.IsVisible = false;
        }
        else
        {
            plot.Axes.SetLimits(-0.6, labels.Length - 0.4, low, high);
            plot.Grid.XAxisStyle.IsVisible = false;
            double widest = spelled.Max(label => PlotFont.Width(label, 12));
            if (widest * labels.Length < 560) return;
            names.TickLabelStyle.Rotation = -45;
            names.TickLabelStyle.Alignment = Alignment.UpperRight;
            names.MinimumSize = (float)((0.71 * widest) + 24);
        }
    }

    private static ReportTable Table(IReadOnlyList<BarSeries> series, string[] labels, FigureOptions options)
    {
        bool banded = series.Any(one => one.Values.Any(number => !double.IsNaN(number.Lower)));
        ReportColumn[] columns = [.. series.SelectMany(one => banded ? (ReportColumn[])[ReportColumn.Number(one.Name), ReportColumn.Number($"{one.Name}, lower"), ReportColumn.Number($"{one.Name}, upper")] : [ReportColumn.Number(one.Name)])];
        ReportTable table = new(options.Caption, [ReportColumn.Text("of"), .. columns]);
        for (int i = 0; i < labels.Length; i++)
        {
            IEnumerable<object?> cells = series.SelectMany(one => banded ? (object?[])[one.Values[i].Value, End(one.Values[i].Lower), End(one.Values[i].Upper)] : [one.Values[i].Value]);
            table.AddRow([labels[i], .. cells]);
        }
        return table;
    }

    private static double? End(double end) => double.IsNaN(end) ? null : end;

    private static string[] Check(IReadOnlyList<BarSeries> series)
    {
        ArgumentNullException.ThrowIfNull(series);
        if (series.Count == 0 || series[0].Values.Count == 0) throw new ArgumentException("series must hold at least one series with a number, but there is none.", nameof(series));
        string[] labels = [.. series[0].Values.Select(number => number.Label)];
        foreach (BarSeries one in series)
        {
            if (string.IsNullOrWhiteSpace(one.Name)) throw new ArgumentException("series must have names, but one is blank.", nameof(series));
            if (series.Count(other => other.Name == one.Name) > 1) throw new ArgumentException($"series must have different names, but several are \"{one.Name}\".", nameof(series));
            if (!one.Values.Select(number => number.Label).SequenceEqual(labels, StringComparer.Ordinal))
            {
                throw new ArgumentException($"series must have the same labels in the same order, but those of \"{one.Name}\" and \"{series[0].Name}\" differ. Pass a number for each category.", nameof(series));
            }
            if (one.Values.FirstOrDefault(number => !double.IsFinite(number.Value)) is { } bad) throw new ArgumentException($"series must hold finite numbers, but \"{bad.Label}\" of \"{one.Name}\" is {bad}. Leave the category out.", nameof(series));
        }
        return labels;
    }
}
