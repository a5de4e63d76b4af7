using System.Text.Json;
using LatentStitching.Metrics;

namespace LatentStitching.Reporting;

/// <summary>Writes a table as JSON.</summary>
internal static class TableJson
{
    public static void Write(Utf8JsonWriter json, ReportTable table)
    {
        json.WriteStartObject();
        json.WriteString("type", "table");
        json.WriteString("caption", table.Caption);
        json.WriteStartArray("columns");
        for (int i = 0; i < table.Columns.Count; i++)
        {
            json.WriteStartObject();
            json.WriteString("name", table.Columns[i].Name);
            if (table.FirstOf(i) is { } value) Facts(json, value);
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteStartArray("rows");
        foreach (object?[] row in table.Rows)
        {
            json.WriteStartArray();
            foreach (object? cell in row) Cell(json, cell);
            json.WriteEndArray();
        }
        json.WriteEndArray();
        json.WriteStartArray("warnings");
        foreach (string warning in table.Warnings()) json.WriteStringValue(warning);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>What decides the values of a column.</summary>
    public static void Facts(Utf8JsonWriter json, MetricValue value)
    {
        json.WriteString("metric", value.Info.Name);
        json.WriteString("better", value.Info.Direction == MetricDirection.HigherIsBetter ? "higher" : "lower");
        json.WriteString("unit", value.Info.Unit);
        json.WriteString("reference", value.Info.Reference);
        json.WriteString("signature", value.Signature);
    }

    private static void Cell(Utf8JsonWriter json, object? cell)
    {
        switch (cell)
        {
            case string text:
                json.WriteStringValue(text);
                return;
            case null:
                json.WriteNullValue();
                return;
        }
        json.WriteStartObject();
        switch (cell)
        {
            case long whole:
                json.WriteNumber("value", whole);
                json.WriteString("text", NumberText.Of(whole));
                break;
            case double number:
                JsonText.Interval(json, number, double.NaN, double.NaN);
                break;
            case MetricValue value:
                JsonText.Interval(json, value.Value, value.Lower, value.Upper);
                break;
            case BoundedMetric bounded:
                JsonText.Interval(json, bounded.Value.Value, bounded.Value.Lower, bounded.Value.Upper);
                foreach ((string role, MetricValue value) in bounded.References)
                {
                    json.WriteStartObject(role);
                    JsonText.Interval(json, value.Value, value.Lower, value.Upper);
                    json.WriteEndObject();
                }
                break;
        }
        json.WriteEndObject();
    }
}
