using System.Text;
using SkiaSharp;

namespace LatentStitching.Reporting;

/// <summary>The font of the pictures, which comes with the library: the same on every machine, whatever fonts are installed.</summary>
internal sealed class GridFont : IDisposable
{
    private static readonly Lazy<SKTypeface> _typeface = new(Load);
    private readonly SKFont _font;

    public GridFont(double size)
    {
        _font = new SKFont(_typeface.Value, (float)size) { Edging = SKFontEdging.Antialias, Hinting = SKFontHinting.None, Subpixel = true };
        LineHeight = (int)Math.Ceiling(1.25 * size);
        Ascent = (int)Math.Round(0.95 * size);
    }

    /// <summary>Pixels from one line to the next.</summary>
    public int LineHeight { get; }

    private int Ascent { get; }

    /// <summary>The text as it is drawn: a character that the font lacks becomes its code, "[U+65E5]", so that nothing vanishes.</summary>
    public static string Spell(string text)
    {
        StringBuilder spelled = new(text.Length);
        foreach (Rune rune in text.EnumerateRunes())
        {
            if (_typeface.Value.ContainsGlyph(rune.Value)) spelled.Append(rune);
            else spelled.Append(System.Globalization.CultureInfo.InvariantCulture, $"[U+{rune.Value:X4}]");
        }
        return spelled.ToString();
    }

    /// <summary>Width of a line in whole pixels, rounded up.</summary>
    public int Width(string line) => (int)Math.Ceiling(_font.MeasureText(line));

    /// <summary>Breaks a text into lines no wider than asked for, save single words that are wider themselves. A blank text has no lines.</summary>
    public string[] Wrap(string text, int width)
    {
        if (string.IsNullOrWhiteSpace(text)) return [];
        List<string> lines = [];
        foreach (string paragraph in text.ReplaceLineEndings("\n").Split('\n'))
        {
            string line = "";
            foreach (string word in Words(Spell(paragraph.Trim())))
            {
                if (line.Length > 0 && Width((line + word).TrimEnd()) > width)
                {
                    lines.Add(line.TrimEnd());
                    line = "";
                }
                line += word;
            }
            lines.Add(line.TrimEnd());
        }
        return [.. lines];
    }

    /// <summary>Draws lines downwards from y; x is the left end, the centre or the right end as the alignment says.</summary>
    public void Draw(SKCanvas canvas, string[] lines, double x, double y, SKTextAlign align, SKPaint paint)
    {
        for (int i = 0; i < lines.Length; i++)
        {
            canvas.DrawText(lines[i], (float)x, (float)(y + Ascent + (i * LineHeight)), align, _font, paint);
        }
    }

    public void Dispose() => _font.Dispose();

    // A line may end after a space, and after the signs that join words.
    private static IEnumerable<string> Words(string text)
    {
        int start = 0;
        for (int i = 0; i < text.Length - 1; i++)
        {
            if (text[i] is not (' ' or '-' or '/' or '_' or '→' or '–') || text[i + 1] == ' ') continue;
            yield return text[start..(i + 1)];
            start = i + 1;
        }
        yield return text[start..];
    }

    private static SKTypeface Load()
    {
        const string Resource = "DejaVuSans-Subset.ttf";
        using Stream stream = typeof(GridFont).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The library must carry the font '{Resource}', but it does not. Build it with its resources.");
        using SKData data = SKData.Create(stream);
        return SKTypeface.FromData(data);
    }
}
