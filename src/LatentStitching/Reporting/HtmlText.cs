using System.Text;

namespace LatentStitching.Reporting;

/// <summary>Text inside HTML.</summary>
internal static class HtmlText
{
    /// <summary>The text with everything encoded that means something to HTML, in content and in quoted attributes; control characters, which HTML forbids, become U+FFFD, as do halves of pairs.</summary>
    public static string Encode(string text)
    {
        StringBuilder encoded = new(text.Length + 16);
        foreach (Rune rune in text.EnumerateRunes())
        {
            _ = rune.Value switch
            {
                '&' => encoded.Append("&amp;"),
                '<' => encoded.Append("&lt;"),
                '>' => encoded.Append("&gt;"),
                '"' => encoded.Append("&quot;"),
                '\'' => encoded.Append("&apos;"),
                '\n' or '\t' => encoded.Append((char)rune.Value),
                _ => encoded.Append(Rune.IsControl(rune) ? Rune.ReplacementChar : rune),
            };
        }
        return encoded.ToString();
    }
}
