using System.Text;

namespace LatentStitching.Reporting;

/// <summary>Text inside Markdown (GitHub's).</summary>
internal static class MarkdownText
{
    /// <summary>The text on one line with every sign escaped that Markdown or the HTML inside it would read.</summary>
    public static string Escape(string text)
    {
        StringBuilder escaped = new(text.Length + 8);
        foreach (char sign in text.ReplaceLineEndings(" "))
        {
            if (sign is '\\' or '`' or '*' or '_' or '[' or ']' or '<' or '>' or '|' or '#' or '&' or '~') escaped.Append('\\');
            escaped.Append(char.IsControl(sign) ? ' ' : sign);
        }
        return escaped.ToString();
    }

    /// <summary>Text that names things by code, such as a signature: nothing inside it is read, but in a table | ends the cell.</summary>
    public static string Code(string text) => $"`{text.ReplaceLineEndings(" ").Replace('`', '\'')}`";
}
