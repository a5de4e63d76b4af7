using System.Text;
using LatentStitching.Metrics;

namespace LatentStitching.Reporting;

/// <summary>Writes a table as Markdown.</summary>
internal static class TableMarkdown
{
    public static void Write(StringBuilder text, ReportTable table)
    {
        text.Append($"**{MarkdownText.Escape(table.Caption)}**\n\n");
        Line(text, table.Columns.Select(column => MarkdownText.Escape(column.Name)));
        Line(text, table.Columns.Select(column => column.Kind == ReportColumnKind.Text ? "---" : "---:"));
        foreach (object?[] row in table.Rows) Line(text, row.Select(Cell));
        text.Append('\n');
        foreach ((string columns, MetricValue value) in table.Facts()) text.Append($"- {MarkdownText.Escape(columns)}: {Facts(value)}, {MarkdownText.Code(value.Signature)}\n");
        foreach (string warning in table.Warnings()) text.Append($"- {MarkdownText.Escape(warning)}\n");
        text.Append('\n');
    }

    /// <summary>Which values are good, and the unit.</summary>
    public static string Facts(MetricValue value) =>
        $"{(value.Info.Direction == MetricDirection.HigherIsBetter ? "higher" : "lower")} is better, in {MarkdownText.Escape(value.Info.Unit)}";

    public static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");

    private static string Cell(object? cell) => cell switch
    {
        null => "",
        string words => MarkdownText.Escape(words),
        long whole => NumberText.Of(whole),
        double number => NumberText.Of(number),
        MetricValue value => Shown(value),
        BoundedMetric bounded => string.Join("<br>", bounded.References.Select(reference => $"{reference.Role} {Shown(reference.Value)}").Prepend(Shown(bounded.Value))),
        _ => throw new InvalidOperationException($"A table cannot hold a {cell.GetType()}."),
    };

    private static string Shown(MetricValue value) => NumberText.Of(value.Value, value.Lower, value.Upper);
}
