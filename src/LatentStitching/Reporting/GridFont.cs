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

    /// <summary>Breaks a text into as few lines as the width allows, as even as they can be. Single words that are wider stay whole. A blank text has no lines.</summary>
    public string[] Wrap(string text, int width)
    {
        if (string.IsNullOrWhiteSpace(text)) return [];
        List<string> lines = [];
        foreach (string paragraph in text.ReplaceLineEndings("\n").Split('\n'))
        {
            string[] words = [.. Words(Spell(paragraph.Trim()))];
            List<string> fewest = Fill(words, width);
            // The narrowest width that needs no further line makes the lines even.
            (int low, int high) = (0, width);
            while (high - low > 1)
            {
                int middle = (low + high) / 2;
                if (Fill(words, middle).Count > fewest.Count) low = middle;
                else high = middle;
            }
            lines.AddRange(Fill(words, high));
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

    private List<string> Fill(string[] words, int width)
    {
        List<string> lines = [];
        string line = "";
        foreach (string word in words)
        {
            if (line.Length > 0 && Width((line + word).TrimEnd()) > width)
            {
                lines.Add(line.TrimEnd());
                line = "";
            }
            line += word;
        }
        lines.Add(line.TrimEnd());
        return lines;
    }

    // A line may end after a space, and after the signs that join words.
    private static IEnumerable<string> Words(string text)
    {
        int start = 0;
        for (int i = 0; i < text.Length - 1; i++)
        {
            if (text[i] is not (' ' or '-' or '/' or '_') || text[i + 1] == ' ') continue;
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
