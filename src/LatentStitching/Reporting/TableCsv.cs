using System.Globalization;
using System.Text;
using LatentStitching.Metrics;

namespace LatentStitching.Reporting;

/// <summary>Writes a table as CSV.</summary>
internal static class TableCsv
{
    private static readonly string[] _roles = ["ceiling", "floor", "control"];

    public static string Write(ReportTable table)
    {
        StringBuilder text = new();
        string[][] roles = [.. Enumerable.Range(0, table.Columns.Count).Select(column => Roles(table, column))];
        Line(text, table.Columns.SelectMany((column, i) => column.Kind == ReportColumnKind.Metric ? Headings(column.Name, roles[i]) : [column.Name]));
        foreach (object?[] row in table.Rows) Line(text, table.Columns.SelectMany((column, i) => column.Kind == ReportColumnKind.Metric ? Fields(row[i], roles[i]) : [Field(row[i])]));
        return text.ToString();
    }

    private static string[] Roles(ReportTable table, int column) =>
        [.. _roles.Where(role => table.Rows.Any(row => row[column] is BoundedMetric bounded && bounded.References.Any(reference => reference.Role == role)))];

    private static IEnumerable<string> Headings(string name, string[] roles) =>
        [name, $"{name}: lower", $"{name}: upper", .. roles.SelectMany(role => (string[])[$"{name}: {role}", $"{name}: {role} lower", $"{name}: {role} upper"]), $"{name}: signature"];

    private static IEnumerable<string> Fields(object? cell, string[] roles)
    {
        MetricValue? value = ReportTable.Values(cell).FirstOrDefault();
        Dictionary<string, MetricValue> references = cell is BoundedMetric bounded ? bounded.References.ToDictionary(reference => reference.Role, reference => reference.Value, StringComparer.Ordinal) : [];
        return [.. Numbers(value), .. roles.SelectMany(role => Numbers(references.GetValueOrDefault(role))), value?.Signature ?? ""];
    }

    private static string[] Numbers(MetricValue? value) => value is null ? ["", "", ""] : [Field(value.Value), End(value.Lower), End(value.Upper)];

    private static string End(double end) => double.IsNaN(end) ? "" : Field(end);

    private static string Field(object? cell) => Convert.ToString(cell, CultureInfo.InvariantCulture) ?? "";

    private static void Line(StringBuilder text, IEnumerable<string> fields) => text.AppendJoin(',', fields.Select(Quote)).Append('\n');

    private static string Quote(string field) => field.AsSpan().ContainsAny(",\"\r\n") ? $"\"{field.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : field;
}
