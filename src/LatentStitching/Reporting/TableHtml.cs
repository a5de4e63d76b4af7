using System.Text;
using LatentStitching.Metrics;

namespace LatentStitching.Reporting;

/// <summary>Writes a table as HTML: in a container of its own that scrolls, with what decides its numbers below it.</summary>
internal static class TableHtml
{
    public static void Write(StringBuilder text, ReportTable table)
    {
        Open(text, table.Caption, "table");
        text.Append("<thead><tr>");
        foreach (ReportColumn column in table.Columns) text.Append($"<th scope=\"col\"{Class(column)}>{HtmlText.Encode(column.Name)}</th>");
        text.Append("</tr></thead>\n<tbody>\n");
        foreach (object?[] row in table.Rows)
        {
            text.Append("<tr>");
            for (int i = 0; i < row.Length; i++)
            {
                ReportColumn column = table.Columns[i];
                text.Append(i == 0 && column.Kind == ReportColumnKind.Text ? $"<th scope=\"row\">{Cell(row[i])}</th>" : $"<td{Class(column)}>{Cell(row[i])}</td>");
            }
            text.Append("</tr>\n");
        }
        text.Append("</tbody></table></div>\n");
        Notes(text, table);
    }

    public static void Open(StringBuilder text, string caption, string kind) =>
        text.Append($"<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{HtmlText.Encode(caption)}\"><table class=\"{kind}\"><caption>{HtmlText.Encode(caption)}</caption>\n");

    /// <summary>The value and its interval, the interval smaller.</summary>
    public static string Number(double value, double lower, double upper)
    {
        string interval = NumberText.Interval(value, lower, upper);
        return $"<span class=\"v\">{NumberText.Value(value, lower, upper)}</span>{(interval.Length == 0 ? "" : $" <span class=\"ci\">{interval}</span>")}";
    }

    private static void Notes(StringBuilder text, ReportTable table)
    {
        List<string> notes = [.. table.Facts().Select(column => $"{HtmlText.Encode(column.Columns)}: {Facts(column.Value)}")];
        notes.AddRange(table.Warnings().Select(warning => $"<strong>Note.</strong> {HtmlText.Encode(warning)}"));
        Notes(text, notes);
    }

    public static void Notes(StringBuilder text, IReadOnlyCollection<string> notes)
    {
        if (notes.Count > 0) text.Append("<ul class=\"notes\">").AppendJoin("", notes.Select(note => $"<li>{note}</li>")).Append("</ul>\n");
    }

    /// <summary>What decides a value: which values are good, the unit, the signature.</summary>
    public static string Facts(MetricValue value) =>
        $"{(value.Info.Direction == MetricDirection.HigherIsBetter ? "higher" : "lower")} is better, in {HtmlText.Encode(value.Info.Unit)}, <code>{Breakable(value.Signature)}</code>";

    // A signature has no blank: it may break behind each part.
    private static string Breakable(string signature) => HtmlText.Encode(signature).Replace("|", "|<wbr>", StringComparison.Ordinal);

    private static string Class(ReportColumn column) => column.Kind == ReportColumnKind.Text ? "" : " class=\"n\"";

    private static string Cell(object? cell) => cell switch
    {
        null => "<span class=\"none\">–</span>",
        string words => HtmlText.Encode(words),
        long whole => NumberText.Of(whole),
        double number => NumberText.Of(number),
        MetricValue value => Number(value.Value, value.Lower, value.Upper),
        BoundedMetric bounded => Number(bounded.Value.Value, bounded.Value.Lower, bounded.Value.Upper)
            + string.Concat(bounded.References.Select(reference => $"<span class=\"ref\">{reference.Role} {Number(reference.Value.Value, reference.Value.Lower, reference.Value.Upper)}</span>")),
        _ => throw new InvalidOperationException($"A table cannot hold a {cell.GetType()}."),
    };
}
