using System.Globalization;
using LatentStitching.Plots;
using LatentStitching.Reporting;
using LatentStitching.Tests.Support;
using SkiaSharp;

namespace LatentStitching.Tests.Reporting.Plots;

public sealed class FigureTests
{
    private static readonly FigureOptions _options = new() { Name = "f", Caption = "A caption." };

    [Theory]
    [InlineData("heat")]
    [InlineData("matrix")]
    [InlineData("line")]
    [InlineData("bar")]
    public void Draw_Twice_GivesTheSameBytes(string kind)
    {
        ReportFigure one = Draw(kind), two = Draw(kind);
        one.Png.ToArray().Should().Equal(two.Png.ToArray());
        one.Svg.Should().Be(two.Svg);
    }

    [Theory]
    [InlineData("heat")]
    [InlineData("matrix")]
    [InlineData("line")]
    [InlineData("bar")]
    public void Draw_HasItsTextInBothFormats(string kind)
    {
        ReportFigure named = Draw(kind, "Hamburg"), other = Draw(kind, "Harburg");
        Ink(named, other).Should().BeGreaterThan(100, "the names differ in two letters, and letters are ink");
        named.Svg.Should().Contain("<text").And.Contain("@font-face{font-family:\"DejaVu Sans\";src:url(data:font/ttf;base64,");
    }

    [Theory]
    [InlineData("line")]
    [InlineData("bar")]
    public void Draw_AxisTitle_IsInk(string kind) =>
        Ink(Draw(kind, options: _options with { HorizontalTitle = "images seen" }), Draw(kind, options: _options with { HorizontalTitle = "images felt" })).Should().BeGreaterThan(100);

    [Fact]
    public void Draw_PngHasTwicePixelsOfTheSvg()
    {
        ReportFigure figure = Draw("line", options: _options with { Width = 300, Height = 200 });
        using SKBitmap png = Bitmap(figure);
        (png.Width, png.Height).Should().Be((600, 400));
        figure.Svg.Should().MatchRegex("<svg[^>]* width=\"300\" height=\"200\"");
    }

    [Fact]
    public void Draw_CellsHaveTheColoursOfTheTable()
    {
        ReportHeatMap map = Map("vae");
        using SKBitmap png = Bitmap(HeatMapFigure.Draw(map, _options));
        HashSet<string> seen = [];
        for (int y = 0; y < png.Height; y += 3)
        {
            for (int x = 0; x < png.Width; x += 3) seen.Add(((uint)png.GetPixel(x, y)).ToString("x8", CultureInfo.InvariantCulture)[2..]);
        }
        foreach (string row in map.Rows)
        {
            foreach (string column in map.Columns) seen.Should().Contain(map.Colour(row, column)[1..]);
        }
    }

    [Fact]
    public void Draw_LongNumbers_WidenTheirCells()
    {
        using SKBitmap narrow = Bitmap(MatrixFigure.Draw(new ReportHeatMap("m").Add("a", "a", 0.5), _options));
        using SKBitmap wide = Bitmap(MatrixFigure.Draw(new ReportHeatMap("m").Add("a", "a", -1.23456e-11), _options));
        wide.Width.Should().BeGreaterThan(narrow.Width);
        wide.Height.Should().BeGreaterThan(narrow.Height, "its cells are square");
    }

    [Fact]
    public void Draw_NumbersOfManyDigits_AreShortened_TheTableHasThem()
    {
        ReportHeatMap With(double value, double half) => new ReportHeatMap("m").Add("a", "a", Measured.Value(0.5, 0.01)).Add("a", "b", Measured.Value(value, half));
        ReportFigure plain = MatrixFigure.Draw(With(0.75, 0.01), _options), shortened = MatrixFigure.Draw(With(0.99999999999995, 1e-14), _options);
        using SKBitmap one = Bitmap(plain), two = Bitmap(shortened);
        (two.Width, two.Height).Should().Be((one.Width, one.Height), "the cells need no more room");
        shortened.Data.Should().NotBeNull();
        Report report = new("r");
        report.Section("s").Figure(shortened);
        report.ToMarkdown().Should().Contain("0.99999999999995", "the table beside the figure has every digit");
    }

    [Fact]
    public void Draw_TitlesLongerThanTheirSide_AreBrokenAndNotCutOff()
    {
        string words = string.Join(' ', Enumerable.Repeat("Mean balanced accuracy on mapped latents", 3));
        FigureOptions titled = _options with { Title = words, HorizontalTitle = words, VerticalTitle = words };
        ReportFigure figure = Draw("line", options: titled);
        using SKBitmap png = Bitmap(figure);
        for (int x = 0; x < png.Width; x++) (png.GetPixel(x, 0).Red + png.GetPixel(x, png.Height - 1).Red).Should().Be(510, "no letter touches the upper or the lower edge");
        for (int y = 0; y < png.Height; y++) (png.GetPixel(0, y).Red + png.GetPixel(png.Width - 1, y).Red).Should().Be(510, "no letter touches the left or the right edge");
        figure.Svg.Should().NotContain(words);
    }

    [Fact]
    public void Draw_AnyCulture_IsTheSame()
    {
        string before = Draw("line").Svg!;
        CultureInfo culture = CultureInfo.CurrentCulture;
        CultureInfo commas = (CultureInfo)CultureInfo.InvariantCulture.Clone();
        commas.NumberFormat.NumberDecimalSeparator = ",";
        CultureInfo.CurrentCulture = commas;
        try
        {
            Draw("line").Svg.Should().Be(before);
        }
        finally
        {
            CultureInfo.CurrentCulture = culture;
        }
    }

    [Fact]
    public void Draw_TellsItsNumbersInWordsAndAsATable()
    {
        ReportFigure bars = Draw("bar", "Male");
        bars.AlternativeText.Should().Be("A caption. Bars: vae, glow; from 0.6000 to 0.9000.");
        bars.Data!.ToMarkdown().Should().Contain("| of | vae | vae, lower | vae, upper | glow | glow, lower | glow, upper |").And.Contain("| Male | 0.9000 | 0.8500 | 0.9500 | 0.8000 |  |  |");
        Draw("line", "vae").Data!.ToMarkdown().Should().Contain("| vae | 1000 | 0.5000 | 0.4000 | 0.6000 |");
        Draw("heat", "vae").Data!.ToMarkdown().Should().Contain("| vae | 0.1000 | 0.4000 |");
    }

    [Fact]
    public void Spell_MissingCharacters_ShowTheirCodes() => PlotFont.Spell("α → 顔").Should().Be("α → [U+9854]");

    [Fact]
    public void Font_IsFoundUnderItsOwnNameAlone()
    {
        PlotFont.Ensure();
        PlotFont.Ensure();
        ScottPlot.Fonts.GetTypeface(PlotFont.Name, bold: true, italic: false).FamilyName.Should().Be("DejaVu Sans");
        ScottPlot.Fonts.FontResolvers.Count(resolver => resolver.GetType().DeclaringType == typeof(PlotFont)).Should().Be(1);
    }

    [Fact]
    public void BadArguments_Throw()
    {
        LineSeries line = Line("a");
        Refused("series must hold at least one curve, but it is empty.");
        Refused("series must have names, but one is blank.", line with { Name = " " });
        Refused("series must have different names, but several are \"a\".", line, line);
        Refused("series must have lists of one length, but those of \"a\" are X 3, Y 2, Lower 3, Upper 3. Pass a value for each x, and both ends or none.", line with { Y = [1, 2] });
        Refused("series must have lists of one length, but those of \"a\" are X 3, Y 3, Lower none, Upper 3. Pass a value for each x, and both ends or none.", line with { Lower = null });
        Refused("series must hold finite numbers, but \"a\" holds others. Leave such points out.", line with { Y = [1, double.NaN, 2] });
        Refused("series must have rising x, but those of \"a\" are not. Sort the points.", line with { X = [1, 1, 2] });
        ((Action)(() => LineFigure.Draw([line with { Lower = [0, 1, 1] }], _options, new LineOptions { LogarithmicY = true }))).ShouldRefuse(
            "series", "series must hold positive numbers on a logarithmic axis, but \"a\" holds others. Use a linear axis.");

        BarSeries bars = new() { Name = "b", Values = [new ReportNumber("x", 1), new ReportNumber("y", 2)] };
        RefusedBars("series must hold at least one series with a number, but there is none.");
        RefusedBars("series must have names, but one is blank.", bars with { Name = "" });
        RefusedBars("series must have different names, but several are \"b\".", bars, bars);
        RefusedBars("series must have the same labels in the same order, but those of \"c\" and \"b\" differ. Pass a number for each category.", bars, new BarSeries { Name = "c", Values = [new ReportNumber("x", 1)] });
        RefusedBars("series must hold finite numbers, but \"z\" of \"b\" is NaN. Leave the category out.", bars with { Values = [new ReportNumber("z", double.NaN)] });

        ((Action)(() => HeatMapFigure.Draw(new ReportHeatMap("m"), _options))).ShouldRefuse("map", "map must hold at least one number, but it is empty.");
        ((Action)(() => _ = _options with { Width = 100 })).ShouldRefuse("Width", "Width must lie from 200 to 4000, but it is 100.");
        ((Action)(() => _ = _options with { Height = 5000 })).ShouldRefuse("Height", "Height must lie from 200 to 4000, but it is 5000.");

        static void Refused(string text, params LineSeries[] series) => ((Action)(() => LineFigure.Draw(series, _options))).ShouldRefuse("series", text);
        static void RefusedBars(string text, params BarSeries[] series) => ((Action)(() => BarFigure.Draw(series, _options))).ShouldRefuse("series", text);
    }

    private static ReportFigure Draw(string kind, string name = "vae", FigureOptions? options = null) => kind switch
    {
        "heat" => HeatMapFigure.Draw(Map(name), options ?? _options),
        "matrix" => MatrixFigure.Draw(Map(name), options ?? _options),
        "line" => LineFigure.Draw([Line(name), Line("other") with { Y = [0.9, 0.5, 0.1], Lower = null, Upper = null }], options ?? _options),
        _ => BarFigure.Draw(
            [new BarSeries { Name = "vae", Values = [new ReportNumber(name, 0.9, 0.85, 0.95), new ReportNumber("b", 0.7)] }, new BarSeries { Name = "glow", Values = [new ReportNumber(name, 0.8), new ReportNumber("b", 0.6)] }],
            options ?? _options),
    };

    private static LineSeries Line(string name) => new() { Name = name, X = [1000, 2000, 3000], Y = [0.5, 0.4, 0.3], Lower = [0.4, 0.3, 0.2], Upper = [0.6, 0.5, 0.4] };

    private static ReportHeatMap Map(string name) => new ReportHeatMap("Errors").Add(name, name, 0.1).Add(name, "glow", 0.4).Add("glow", name, 0.3).Add("glow", "glow", 0.2);

    private static SKBitmap Bitmap(ReportFigure figure) => SKBitmap.Decode(figure.Png.Span);

    /// <summary>How many pixels differ.</summary>
    private static int Ink(ReportFigure one, ReportFigure other)
    {
        using SKBitmap a = Bitmap(one), b = Bitmap(other);
        int differing = 0;
        for (int y = 0; y < Math.Min(a.Height, b.Height); y++)
        {
            for (int x = 0; x < Math.Min(a.Width, b.Width); x++) differing += a.GetPixel(x, y) == b.GetPixel(x, y) ? 0 : 1;
        }
        return differing;
    }
}
