using System.Globalization;
using System.Text;
using ScottPlot;
using SkiaSharp;

namespace LatentStitching.Plots;

/// <summary>The font of the figures, which comes with the library: on a machine without fonts ScottPlot leaves out all text and says nothing.</summary>
/// <remarks>It is known to ScottPlot under a name of its own, so that no other figure of the application changes.</remarks>
internal static class PlotFont
{
    /// <summary>The name that ScottPlot knows it by.</summary>
    public const string Name = "LatentStitching DejaVu Sans";

    private const string Resource = "DejaVuSans-Subset.ttf";
    private static readonly Lazy<byte[]> _file = new(Read);
    private static readonly Lazy<SKTypeface> _typeface = new(() =>
    {
        using SKData data = SKData.CreateCopy(_file.Value);
        return SKTypeface.FromData(data);
    });

    private static readonly Resolver _resolver = new();
    private static readonly Lock _gate = new();

    /// <summary>Makes ScottPlot know the font, unless it does. An application may have reset its fonts since.</summary>
    public static void Ensure()
    {
        lock (_gate)
        {
            if (!Fonts.FontResolvers.Contains(_resolver)) Fonts.FontResolvers.Insert(0, _resolver);
        }
    }

    /// <summary>The text as it is drawn: a character that the font lacks becomes its code, "[U+65E5]", so that nothing vanishes.</summary>
    public static string Spell(string text)
    {
        StringBuilder spelled = new(text.Length);
        foreach (Rune rune in text.ReplaceLineEndings(" ").EnumerateRunes())
        {
            if (_typeface.Value.ContainsGlyph(rune.Value)) spelled.Append(rune);
            else spelled.Append(CultureInfo.InvariantCulture, $"[U+{rune.Value:X4}]");
        }
        return spelled.ToString();
    }

    /// <summary>Width of a line in points.</summary>
    public static double Width(string line, double size)
    {
        using SKFont font = new(_typeface.Value, (float)size);
        return font.MeasureText(line);
    }

    /// <summary>The SVG with the font inside it, so that it reads alike where the font is missing.</summary>
    public static string Embed(string svg)
    {
        int end = svg.IndexOf('>', svg.IndexOf("<svg", StringComparison.Ordinal)) + 1;
        string style = $"<style>@font-face{{font-family:\"{_typeface.Value.FamilyName}\";src:url(data:font/ttf;base64,{Convert.ToBase64String(_file.Value)})}}</style>";
        return svg.Insert(end, style);
    }

    private static byte[] Read()
    {
        using Stream stream = typeof(PlotFont).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The library must carry the font '{Resource}', but it does not. Build it with its resources.");
        byte[] file = new byte[stream.Length];
        stream.ReadExactly(file);
        return file;
    }

    private sealed class Resolver : IFontResolver
    {
        public SKTypeface? CreateTypeface(string fontName, bool bold, bool italic) => fontName == Name ? _typeface.Value : null;

        public SKTypeface? CreateTypeface(string fontName, FontWeight weight, FontSlant slant, FontSpacing spacing) => fontName == Name ? _typeface.Value : null;
    }
}
