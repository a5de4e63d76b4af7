using System.Text;
using System.Text.Json;

namespace LatentStitching.Reporting;

/// <summary>Writes a heat map as HTML, Markdown and JSON.</summary>
internal static class HeatMapText
{
    public static void Html(StringBuilder text, ReportHeatMap map)
    {
        TableHtml.Open(text, map.Caption, "heat");
        text.Append($"<thead><tr><td class=\"corner\">{Corner(map)}</td>");
        foreach (string column in map.Columns) text.Append($"<th scope=\"col\">{HtmlText.Encode(column)}</th>");
        text.Append("</tr></thead>\n<tbody>\n");
        foreach (string row in map.Rows)
        {
            text.Append($"<tr><th scope=\"row\">{HtmlText.Encode(row)}</th>");
            foreach (string column in map.Columns)
            {
                text.Append($"<td{(row == column && map[row, column] is not null ? " class=\"self\"" : "")} style=\"background:{map.Colour(row, column)};color:{map.InkColour(row, column)}\">")
                    .Append(map[row, column] is { } cell ? TableHtml.Number(cell.Value, cell.Lower, cell.Upper) : "–").Append("</td>");
            }
            text.Append("</tr>\n");
        }
        text.Append("</tbody></table></div>\n");
        text.Append($"<p class=\"legend\"><span>{map.LegendLow}</span><span class=\"bar\" style=\"background:linear-gradient(90deg,{string.Join(',', map.LegendColours)})\"></span><span>{map.LegendHigh}</span><span>{map.LegendNote}{(Framed(map) ? "; framed: a model with itself" : "")}</span></p>\n");
        List<string> notes = [];
        if (map.First is { } first) notes.Add(TableHtml.Facts(first));
        notes.AddRange(map.Warnings().Select(warning => $"<strong>Note.</strong> {HtmlText.Encode(warning)}"));
        TableHtml.Notes(text, notes);
    }

    public static void Markdown(StringBuilder text, ReportHeatMap map)
    {
        text.Append($"**{MarkdownText.Escape(map.Caption)}**\n\n");
        TableMarkdown.Line(text, [$"{MarkdownText.Escape(map.RowTitle)} ↓ {MarkdownText.Escape(map.ColumnTitle)} →", .. map.Columns.Select(MarkdownText.Escape)]);
        TableMarkdown.Line(text, ["---", .. map.Columns.Select(_ => "---:")]);
        foreach (string row in map.Rows) TableMarkdown.Line(text, [MarkdownText.Escape(row), .. map.Columns.Select(column => map[row, column]?.ToString() ?? "")]);
        text.Append('\n');
        if (map.First is { } first) text.Append($"- {TableMarkdown.Facts(first)}, {MarkdownText.Code(first.Signature)}\n");
        foreach (string warning in map.Warnings()) text.Append($"- {MarkdownText.Escape(warning)}\n");
        text.Append('\n');
    }

    public static void Json(Utf8JsonWriter json, ReportHeatMap map)
    {
        json.WriteStartObject();
        json.WriteString("type", "heat map");
        json.WriteString("caption", map.Caption);
        json.WriteString("rows", map.RowTitle);
        json.WriteString("columns", map.ColumnTitle);
        if (map.First is { } first) TableJson.Facts(json, first);
        json.WriteStartObject("legend");
        json.WriteString("low", map.LegendLow);
        json.WriteString("high", map.LegendHigh);
        json.WriteString("note", map.LegendNote);
        json.WriteEndObject();
        json.WriteStartArray("cells");
        foreach (string row in map.Rows)
        {
            foreach (string column in map.Columns)
            {
                if (map[row, column] is not { } cell) continue;
                json.WriteStartObject();
                json.WriteString("row", row);
                json.WriteString("column", column);
                JsonText.Interval(json, cell.Value, cell.Lower, cell.Upper);
                json.WriteEndObject();
            }
        }
        json.WriteEndArray();
        json.WriteStartArray("warnings");
        foreach (string warning in map.Warnings()) json.WriteStringValue(warning);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static bool Framed(ReportHeatMap map) => map.Rows.Any(name => map[name, name] is not null);

    private static string Corner(ReportHeatMap map) => $"{HtmlText.Encode(map.RowTitle)} ↓<br>{HtmlText.Encode(map.ColumnTitle)} →";
}
