using LatentStitching.Reporting;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace LatentStitching.Plots;

/// <summary>Draws coloured cells with numbers, names at the left and above, and a legend at the right.</summary>
internal static class CellDrawing
{
    private const double NameSize = 12;
    private const double NumberSize = 12;
    private const int LegendPoints = 110;
    private const int LabelHeight = 18;
    private const int CellMargin = 12;
    private const int MostSigns = 8;

    public static ReportFigure Draw(ReportHeatMap map, FigureOptions options, int cellWidth, int cellHeight, bool grouped)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(options);
        (int rows, int columns) = (map.Rows.Count, map.Columns.Count);
        if (rows == 0 || columns == 0) throw new ArgumentException("map must hold at least one number, but it is empty.", nameof(map));
        string[] rowNames = [.. map.Rows.Select(PlotFont.Spell)], columnNames = [.. map.Columns.Select(PlotFont.Spell)];
        double widestRow = rowNames.Max(name => PlotFont.Width(name, NameSize)), widestColumn = columnNames.Max(name => PlotFont.Width(name, NameSize));
        double widestNumber = map.Rows.SelectMany(row => map.Columns.Select(column => map[row, column])).Max(number => number is null ? 0 : PlotFont.Width(Short(number), NumberSize));
        int wider = Math.Max(0, (int)Math.Ceiling(widestNumber + CellMargin) - cellWidth);
        (cellWidth, cellHeight) = (cellWidth + wider, grouped ? cellHeight + wider : cellHeight);
        bool turned = widestColumn > cellWidth - 6;
        double names = (turned ? (0.71 * widestColumn) + 16 : 22) + 30;
        double left = widestRow + 40, top = names + (options.Title is null ? 2 : 32), right = LegendPoints + Overhang(turned, widestColumn), bottom = 36;
        int width = (int)Math.Ceiling(left + (columns * cellWidth) + right), height = (int)Math.Ceiling(top + (rows * cellHeight) + bottom);

        Plot plot = Drawing.Start(options with { HorizontalTitle = null, VerticalTitle = null });
        plot.HideGrid();
        double legendWidth = right / cellWidth;
        Cells(plot, map, rows, columns);
        if (grouped) Groups(plot, map, rows, columns);
        Legend(plot, map, rows, columns, cellWidth);
        Frame(plot, map, rowNames, columnNames, turned);
        plot.Axes.Top.MinimumSize = plot.Axes.Top.MaximumSize = (float)names;
        // ScottPlot puts the label of a top axis above its panel: back inside.
        plot.Axes.Top.Label.OffsetY = LabelHeight;
        // Centred on the cells, without the legend.
        foreach (LabelStyle label in (LabelStyle[])[plot.Axes.Top.Label, plot.Axes.Bottom.Label, plot.Axes.Title.Label]) label.OffsetX = (float)(-right / 2);
        plot.Axes.SetLimits(0, columns + legendWidth, -rows, 0);
        plot.Axes.SetLimitsX(0, columns + legendWidth, plot.Axes.Top);
        plot.Layout.Fixed(new PixelPadding((float)left, 1, (float)bottom, (float)top));
        string described = Drawing.Describe(
            options.Caption, $"{map.RowTitle} by {map.ColumnTitle}", map.Rows.Union(map.Columns, StringComparer.Ordinal),
            map.Rows.SelectMany(row => map.Columns.Select(column => map[row, column]?.Value ?? double.NaN)));
        return Drawing.Finish(plot, options, described, map.ToTable(), width, height);
    }

    private static double Overhang(bool turned, double widest) => turned ? Math.Max(0, (0.71 * widest) - LegendPoints) : 0;

    private static void Cells(Plot plot, ReportHeatMap map, int rows, int columns)
    {
        for (int r = 0; r < rows; r++)
        {
            for (int c = 0; c < columns; c++)
            {
                (string row, string column) = (map.Rows[r], map.Columns[c]);
                Fill(plot, c, c + 1, -r - 1, -r, Color.FromHex(map.Colour(row, column)), Colors.White, 1.5f);
                Write(plot, map[row, column] is { } number ? Short(number) : "–", c + 0.5, -r - 0.5, Color.FromHex(map.InkColour(row, column)), Alignment.MiddleCenter);
            }
        }
        for (int r = 0; r < rows; r++)
        {
            int c = map.Columns.ToList().IndexOf(map.Rows[r]);
            if (c >= 0 && map[map.Rows[r], map.Rows[r]] is not null) Fill(plot, c + 0.02, c + 0.98, -r - 0.97, -r - 0.03, Colors.Transparent, Drawing.Ink, 2);
        }
    }

    // The digits that its interval gives, or, where those are many, as of a number next to 1, four: the table has them all.
    private static string Short(ReportNumber number)
    {
        string text = number.ToString().Split(' ')[0];
        return text.Length <= MostSigns ? text : new ReportNumber(number.Label, number.Value).ToString();
    }

    private static void Groups(Plot plot, ReportHeatMap map, int rows, int columns)
    {
        for (int r = 1; r < rows; r++)
        {
            if (Model(map.Rows[r]) != Model(map.Rows[r - 1])) Line(plot, 0, -r, columns, -r);
        }
        for (int c = 1; c < columns; c++)
        {
            if (Model(map.Columns[c]) != Model(map.Columns[c - 1])) Line(plot, c, -rows, c, 0);
        }
    }

    private static string Model(string level) => level.Split('/')[0];

    private static void Legend(Plot plot, ReportHeatMap map, int rows, int columns, int cellWidth)
    {
        IReadOnlyList<string> colours = map.LegendColours;
        double left = columns + (18.0 / cellWidth), right = columns + (32.0 / cellWidth), text = columns + (38.0 / cellWidth);
        double step = (double)rows / colours.Count;
        // Each step reaches a little into the next: no seam shows between them.
        for (int i = 0; i < colours.Count; i++) Fill(plot, left, right, -rows + (i * step), Math.Min(0, -rows + ((i + 1.2) * step)), Color.FromHex(colours[i]), Colors.Transparent, 0);
        Write(plot, map.LegendHigh, text, 0, Drawing.Ink, Alignment.UpperLeft);
        Write(plot, map.LegendLow, text, -rows, Drawing.Ink, Alignment.LowerLeft);
    }

    private static void Frame(Plot plot, ReportHeatMap map, string[] rowNames, string[] columnNames, bool turned)
    {
        plot.Axes.Left.TickGenerator = new NumericManual([.. rowNames.Select((_, i) => -i - 0.5)], rowNames);
        plot.Axes.Top.TickGenerator = new NumericManual([.. columnNames.Select((_, i) => i + 0.5)], columnNames);
        plot.Axes.Bottom.TickGenerator = new NumericManual();
        plot.Axes.Left.Label.Text = PlotFont.Spell(map.RowTitle);
        plot.Axes.Top.Label.Text = PlotFont.Spell(map.ColumnTitle);
        plot.Axes.Bottom.Label.Text = map.LegendNote;
        plot.Axes.Bottom.Label.ForeColor = Drawing.Soft;
        foreach (IAxis axis in (IAxis[])[plot.Axes.Left, plot.Axes.Top, plot.Axes.Bottom])
        {
            axis.FrameLineStyle.Width = 0;
            axis.MajorTickStyle.Length = 0;
            axis.MinorTickStyle.Length = 0;
            axis.TickLabelStyle.FontSize = (float)NameSize;
            axis.Label.FontSize = Drawing.FontSize;
        }
        if (!turned) return;
        plot.Axes.Top.TickLabelStyle.Rotation = -45;
        plot.Axes.Top.TickLabelStyle.Alignment = Alignment.LowerLeft;
    }

    private static void Fill(Plot plot, double left, double right, double bottom, double top, Color fill, Color line, float lineWidth)
    {
        Rectangle cell = plot.Add.Rectangle(left, right, bottom, top);
        cell.FillColor = fill;
        cell.LineColor = line;
        cell.LineWidth = lineWidth;
    }

    private static void Line(Plot plot, double x1, double y1, double x2, double y2)
    {
        LinePlot line = plot.Add.Line(x1, y1, x2, y2);
        line.Color = Drawing.Ink;
        line.LineWidth = 2;
    }

    private static void Write(Plot plot, string words, double x, double y, Color colour, Alignment alignment)
    {
        Text text = plot.Add.Text(words, x, y);
        text.LabelFontColor = colour;
        text.LabelFontSize = (float)NumberSize;
        text.Alignment = alignment;
        // The ends of the legend keep clear of the edge, where the data area cuts letters off.
        text.OffsetY = alignment switch
        {
            Alignment.UpperLeft => 2 * Drawing.Sunk,
            Alignment.LowerLeft => -Drawing.Sunk,
            _ => Drawing.Sunk,
        };
    }
}
