using System.Text;
using System.Text.Json;

namespace LatentStitching.Reporting;

/// <summary>Plain words.</summary>
internal sealed class ParagraphBlock(string words) : IReportBlock
{
    public void Html(StringBuilder text) => text.Append($"<p>{HtmlText.Encode(words)}</p>\n");

    public void Markdown(StringBuilder text) => text.Append($"{MarkdownText.Escape(words)}\n\n");

    public void Json(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "paragraph");
        json.WriteString("text", words);
        json.WriteEndObject();
    }
}
