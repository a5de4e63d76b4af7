using SkiaSharp;

namespace LatentStitching.Reporting;

/// <summary>Where everything of a picture grid lies, in whole pixels of the picture. Labels make room for themselves: nothing is cut off.</summary>
internal sealed class GridLayout
{
    // Words narrower than this many em are not torn apart to fit a small image.
    private const int NarrowestColumn = 6;
    private const int WidestSide = 14;
    private const int LabelGap = 5;

    /// <summary>Lays out a grid.</summary>
    /// <param name="title">The title, may be blank.</param>
    /// <param name="top">One label a column, may be blank.</param>
    /// <param name="side">One label a row, may be blank.</param>
    /// <param name="columnWidths">Width of each column's widest image.</param>
    /// <param name="rowHeights">Height of each row's highest image.</param>
    /// <param name="options">Margins and gaps.</param>
    /// <param name="font">The labels' font.</param>
    /// <param name="titleFont">The title's font.</param>
    public GridLayout(
        string title, string[] top, string[] side, int[] columnWidths, int[] rowHeights, ImageGridOptions options, GridFont font, GridFont titleFont)
    {
        int em = (int)Math.Ceiling(options.FontSize);
        // Labels of neighbours keep half an em apart, whatever the gap between images.
        int apart = Math.Max(0, (em / 2) - options.Gap);
        Top = [.. top.Select((label, i) => font.Wrap(label, Math.Max(columnWidths[i] - apart, NarrowestColumn * em)))];
        Side = Array.ConvertAll(side, label => font.Wrap(label, WidestSide * em));
        ColumnWidths = [.. columnWidths.Select((width, i) => Math.Max(width, Top[i].Length == 0 ? 0 : Widest(font, Top[i]) + apart))];
        RowHeights = [.. rowHeights.Select((height, i) => Math.Max(height, Side[i].Length * font.LineHeight))];

        int sideWidth = Side.Max(lines => Widest(font, lines));
        int topHeight = Top.Max(lines => lines.Length) * font.LineHeight;
        int left = options.Margin + (sideWidth == 0 ? 0 : sideWidth + LabelGap + 1);
        Lefts = Starts(ColumnWidths, left, options.Gap);
        int right = Lefts[^1] + ColumnWidths[^1];

        Title = titleFont.Wrap(title, Math.Max(right - options.Margin, NarrowestColumn * em));
        int titleHeight = Title.Length == 0 ? 0 : (Title.Length * titleFont.LineHeight) + LabelGap;
        LabelBottom = options.Margin + titleHeight + topHeight;
        Tops = Starts(RowHeights, LabelBottom + (topHeight == 0 ? 0 : LabelGap), options.Gap);
        SideRight = options.Margin + sideWidth;
        Width = Math.Max(right, options.Margin + Widest(titleFont, Title)) + options.Margin;
        Height = (long)Tops[^1] + RowHeights[^1] + options.Margin;
    }

    public string[] Title { get; }

    public string[][] Top { get; }

    public string[][] Side { get; }

    public int[] Lefts { get; }

    public int[] Tops { get; }

    public int[] ColumnWidths { get; }

    public int[] RowHeights { get; }

    /// <summary>The line on which the column labels stand.</summary>
    public int LabelBottom { get; }

    /// <summary>The line at which the row labels end.</summary>
    public int SideRight { get; }

    public long Width { get; }

    public long Height { get; }

    /// <summary>Where an image of a size lies in its cell: in the middle.</summary>
    public SKRect Place(int row, int column, int width, int height)
    {
        int left = Lefts[column] + ((ColumnWidths[column] - width) / 2);
        int top = Tops[row] + ((RowHeights[row] - height) / 2);
        return SKRect.Create(left, top, width, height);
    }

    private static int Widest(GridFont font, string[] lines) => lines.Length == 0 ? 0 : lines.Max(font.Width);

    private static int[] Starts(int[] lengths, int first, int gap)
    {
        int[] starts = new int[lengths.Length];
        starts[0] = first;
        for (int i = 1; i < starts.Length; i++) starts[i] = checked(starts[i - 1] + lengths[i - 1] + gap);
        return starts;
    }
}
