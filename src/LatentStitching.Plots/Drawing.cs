using System.Globalization;
using System.Text.RegularExpressions;
using LatentStitching.Reporting;
using ScottPlot;
using ScottPlot.Plottables;
using ScottPlot.TickGenerators;

namespace LatentStitching.Plots;

/// <summary>What all figures share: font, colours, ticks, and the way to PNG and SVG.</summary>
internal static partial class Drawing
{
    public const float FontSize = 13;

    /// <summary>Points that text in the middle of a line must sink to look centred: the font keeps room above its letters for accents.</summary>
    public const float Sunk = 2;

    public static readonly Color Ink = Color.FromHex("#1b1f24");
    public static readonly Color Soft = Color.FromHex("#57606a");

    private const int Density = 2;
    private const float Edge = 12;
    private const int DefaultWidth = 760;
    private const int DefaultHeight = 420;
    private const int TitleMargin = 70; // of a side that titles leave free: they are centred on the data, not on the figure

    // Colours that people with any colour vision tell apart on white: Okabe and Ito, "Color Universal Design" (2008), without its yellow, which is too light for lines.
    private static readonly Color[] _colours = [.. new[] { "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000" }.Select(Color.FromHex)];
    private static readonly MarkerShape[] _markers = [MarkerShape.FilledCircle, MarkerShape.FilledSquare, MarkerShape.FilledTriangleUp, MarkerShape.FilledDiamond, MarkerShape.FilledTriangleDown];
    private static readonly LinePattern[] _patterns = [LinePattern.Solid, LinePattern.Dashed, LinePattern.Dotted];

    public static Color Colour(int series) => _colours[series % _colours.Length];

    public static MarkerShape Marker(int series) => _markers[series % _markers.Length];

    public static LinePattern Pattern(int series) => _patterns[series / _colours.Length % _patterns.Length];

    /// <summary>An empty plot with the titles of the options.</summary>
    public static Plot Start(FigureOptions options)
    {
        PlotFont.Ensure();
        Plot plot = new();
        if (options.Title is { } title) plot.Title(PlotFont.Spell(title), 16);
        if (options.HorizontalTitle is { } horizontal) plot.XLabel(PlotFont.Spell(horizontal), FontSize);
        if (options.VerticalTitle is { } vertical) plot.YLabel(PlotFont.Spell(vertical), FontSize);
        foreach (IAxis axis in (IAxis[])[plot.Axes.Right, plot.Axes.Top])
        {
            axis.TickGenerator = new NumericManual();
            axis.FrameLineStyle.Width = 0;
            axis.MinimumSize = axis.MaximumSize = Edge;
        }
        plot.Grid.MajorLineColor = Color.FromHex("#e4e7eb");
        foreach (IAxis axis in (IAxis[])[plot.Axes.Bottom, plot.Axes.Left]) axis.TickLabelStyle.FontSize = 12;
        plot.Axes.Left.TickLabelStyle.OffsetY = Sunk;
        plot.Axes.Bottom.TickGenerator = new NumericAutomatic { LabelFormatter = Tick };
        plot.Axes.Left.TickGenerator = new NumericAutomatic { LabelFormatter = Tick };
        return plot;
    }

    /// <summary>Draws the plot. It is disposed.</summary>
    public static ReportFigure Finish(Plot plot, FigureOptions options, string alternativeText, ReportTable data, int? width = null, int? height = null)
    {
        using Plot drawn = plot;
        plot.Font.Set(PlotFont.Name);
        // ScottPlot looks for a font for each text by its first sign, and finds another one for a dash.
        foreach (Text text in plot.GetPlottables<Text>()) text.LabelFontName = PlotFont.Name;
        plot.Axes.Title.Label.Bold = false;
        foreach (IAxis axis in plot.Axes.GetAxes()) axis.Label.Bold = false;
        plot.Legend.FontName = PlotFont.Name;
        int w = options.Width ?? width ?? DefaultWidth, h = options.Height ?? height ?? DefaultHeight;
        foreach ((LabelStyle label, int side) in ((LabelStyle, int)[])[(plot.Axes.Left.Label, h), (plot.Axes.Bottom.Label, w), (plot.Axes.Title.Label, w)]) label.Text = Broken(label.Text, side - TitleMargin, label.FontSize);
        string svg = PlotFont.Embed(Renumber(plot.GetSvgXml(w, h).ReplaceLineEndings("\n")));
        plot.ScaleFactor = Density;
        byte[] png = plot.GetImageBytes(Density * w, Density * h, ImageFormat.Png);
        return new ReportFigure(options.Name, options.Caption, options.AlternativeText ?? alternativeText, png, svg, data);
    }

    /// <summary>A legend at the right, outside the data, where there are several series.</summary>
    public static void Legend(Plot plot, int series)
    {
        if (series < 2)
        {
            plot.HideLegend();
            return;
        }
        plot.ShowLegend(ScottPlot.Edge.Right);
        plot.Legend.OutlineWidth = 0;
        plot.Legend.ShadowColor = Colors.Transparent;
        plot.Legend.FontSize = 12;
    }

    /// <summary>Ticks at 1, 2 and 5 times the powers of ten for an axis that holds logarithms.</summary>
    public static NumericManual LogarithmicTicks(double lowest, double highest)
    {
        NumericManual ticks = new();
        double[] digits = Math.Log10(highest / lowest) <= 3 ? [1, 2, 5] : [1];
        for (int power = (int)Math.Floor(Math.Log10(lowest)) - 1; power <= Math.Ceiling(Math.Log10(highest)) + 1; power++)
        {
            foreach (double digit in digits) ticks.AddMajor(Math.Log10(digit) + power, Tick(digit * Math.Pow(10, power)));
        }
        return ticks;
    }

    public static string Tick(double value) => value.ToString("G6", CultureInfo.InvariantCulture).Replace("E+0", "e", StringComparison.Ordinal).Replace("E-0", "e-", StringComparison.Ordinal);

    /// <summary>What is told to those who cannot see: the caption, the names, and the range of the numbers.</summary>
    public static string Describe(string caption, string kind, IEnumerable<string> names, IEnumerable<double> values)
    {
        double[] finite = [.. values.Where(double.IsFinite)];
        string range = finite.Length == 0 ? "no number" : $"from {new ReportNumber("low", finite.Min())} to {new ReportNumber("high", finite.Max())}";
        return $"{caption.TrimEnd('.')}. {kind}: {string.Join(", ", names)}; {range}.";
    }

    // Words on as many lines as they need: what is longer than its side would be cut off.
    private static string Broken(string text, double width, double size)
    {
        List<string> lines = [];
        foreach (string word in text.Split(' '))
        {
            if (lines.Count > 0 && PlotFont.Width($"{lines[^1]} {word}", size) <= width) lines[^1] += " " + word;
            else lines.Add(word);
        }
        return string.Join('\n', lines);
    }

    // Skia counts its ids on from picture to picture: numbered anew, the same figure is the same text.
    private static string Renumber(string svg)
    {
        Dictionary<string, string> ids = new(StringComparer.Ordinal);
        return Ids().Replace(svg, match =>
        {
            string id = match.Groups["id"].Value;
            if (!ids.TryGetValue(id, out string? number)) ids[id] = number = string.Create(CultureInfo.InvariantCulture, $"i{ids.Count}");
            return match.Groups["before"].Value + number;
        });
    }

    [GeneratedRegex("""(?<before>id="|url\(#|href="#)(?<id>[a-z]+_[0-9a-f]+)""", RegexOptions.ExplicitCapture, 10000)]
    private static partial Regex Ids();
}
