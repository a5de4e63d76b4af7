using System.Text;
using System.Text.Json;
using LatentStitching.Metrics;
using LatentStitching.Numerics;

namespace LatentStitching.Reporting;

/// <summary>A table of typed columns that is written as CSV, JSON, Markdown or HTML with the same numbers.</summary>
/// <remarks>
/// <para>A metric column takes only values of one signature, their ceilings, floors and controls included: what stands in a column may be compared.</para>
/// <para>Thread safety: none while it grows.</para>
/// </remarks>
public sealed class ReportTable : IReportBlock
{
    private readonly List<object?[]> _rows = [];

    /// <summary>An empty table.</summary>
    /// <param name="caption">What it shows.</param>
    /// <param name="columns">The columns, at least one, with different names. A first column of words heads the rows.</param>
    /// <exception cref="ArgumentException">The caption is blank, there is no column, or two have one name.</exception>
    public ReportTable(string caption, IReadOnlyList<ReportColumn> columns)
    {
        Caption = Guard.NotBlank(caption);
        Guard.NotEmpty(columns, "Pass at least one column.");
        if (columns.GroupBy(column => column.Name, StringComparer.Ordinal).FirstOrDefault(group => group.Count() > 1) is { } twice)
        {
            throw new ArgumentException($"columns must have different names, but {twice.Count()} are named \"{twice.Key}\".", nameof(columns));
        }
        Columns = [.. columns];
    }

    /// <summary>What the table shows.</summary>
    public string Caption { get; }

    /// <summary>The columns.</summary>
    public IReadOnlyList<ReportColumn> Columns { get; }

    /// <summary>How many rows there are.</summary>
    public int RowCount => _rows.Count;

    internal IReadOnlyList<object?[]> Rows => _rows;

    /// <summary>The same values as a table of a report.</summary>
    /// <param name="caption">What it shows.</param>
    /// <param name="rowTitle">The heading of the rows' names, for example "pair".</param>
    /// <param name="table">The values.</param>
    /// <returns>A table with a column of names and a metric column for each of the table's.</returns>
    /// <exception cref="ArgumentException">A text is blank, or a column is named as the row title.</exception>
    public static ReportTable From(string caption, string rowTitle, MetricTable table)
    {
        Guard.NotNull(table);
        ReportTable report = new(caption, [ReportColumn.Text(rowTitle), .. table.Columns.Select(ReportColumn.Metric)]);
        foreach (string row in table.Rows) report.AddRow([row, .. table.Columns.Select(column => (object?)table[row, column])]);
        return report;
    }

    /// <summary>Adds a row.</summary>
    /// <param name="cells">
    /// One cell a column: text for a text column; int, long, float or double for a number column; a <see cref="MetricValue"/> or <see cref="BoundedMetric"/> for a metric column. Null leaves a place empty.
    /// </param>
    /// <returns>The table itself.</returns>
    /// <exception cref="ArgumentException">There are more or fewer cells than columns, a cell is of another kind, or a value has another signature than its column. The table stays as it was.</exception>
    public ReportTable AddRow(params IReadOnlyList<object?> cells)
    {
        Guard.NotNull(cells);
        if (cells.Count != Columns.Count) throw new ArgumentException($"cells must be one a column, but they are {cells.Count} and the columns of \"{Caption}\" are {Columns.Count}.", nameof(cells));
        object?[] row = new object?[cells.Count];
        for (int i = 0; i < row.Length; i++) row[i] = Accept(cells, i);
        _rows.Add(row);
        return this;
    }

    /// <summary>Writes the table as CSV (RFC 4180, lines ended by \n) with every digit: a metric column becomes its value, its interval, its ceiling, floor and control where it has them, and its signature.</summary>
    /// <returns>The text. Empty places and missing intervals are empty.</returns>
    public string ToCsv() => TableCsv.Write(this);

    /// <summary>Writes the table as JSON, each number with every digit and as it is shown.</summary>
    /// <returns>The text.</returns>
    public string ToJson() => JsonText.Write(json => ((IReportBlock)this).Json(json));

    /// <summary>Writes the table as Markdown with its caption above, and signatures and warnings below.</summary>
    /// <returns>The text, its lines ended by \n.</returns>
    public string ToMarkdown()
    {
        StringBuilder text = new();
        ((IReportBlock)this).Markdown(text);
        return text.ToString();
    }

    /// <summary>Says the size.</summary>
    /// <returns>For example "Latent errors: 6 rows, 3 columns".</returns>
    public override string ToString() => $"{Caption}: {_rows.Count} rows, {Columns.Count} columns";

    void IReportBlock.Html(StringBuilder text) => TableHtml.Write(text, this);

    void IReportBlock.Markdown(StringBuilder text) => TableMarkdown.Write(text, this);

    void IReportBlock.Json(Utf8JsonWriter json) => TableJson.Write(json, this);

    internal MetricValue? FirstOf(int column) => _rows.SelectMany(row => Values(row[column])).FirstOrDefault();

    /// <summary>What decides the values, once for all columns that it is the same for.</summary>
    internal IEnumerable<(string Columns, MetricValue Value)> Facts() =>
        Enumerable.Range(0, Columns.Count)
            .Select(column => (Columns[column].Name, Value: FirstOf(column)))
            .Where(column => column.Value is not null)
            .GroupBy(column => (column.Value!.Signature, column.Value.Info.Unit, column.Value.Info.Direction))
            .Select(group => (string.Join(", ", group.Select(column => column.Name)), group.First().Value!));

    /// <summary>Every warning with the place that it belongs to.</summary>
    internal IEnumerable<string> Warnings() =>
        from row in _rows
        from column in Enumerable.Range(0, Columns.Count)
        from value in Values(row[column])
        where value.Warning is not null
        select $"{Columns[column].Name}{(row[0] is string name && column > 0 ? $", {name}" : "")}: {value.Warning}";

    internal static IEnumerable<MetricValue> Values(object? cell) => cell switch
    {
        MetricValue value => [value],
        BoundedMetric bounded => bounded.References.Select(reference => reference.Value).Prepend(bounded.Value),
        _ => [],
    };

    private object? Accept(IReadOnlyList<object?> cells, int index)
    {
        ReportColumn column = Columns[index];
        object? cell = cells[index];
        object? accepted = (column.Kind, cell) switch
        {
            (_, null) => null,
            (ReportColumnKind.Text, string) => cell,
            (ReportColumnKind.Number, double or long) => cell,
            (ReportColumnKind.Number, int whole) => (long)whole,
            (ReportColumnKind.Number, float single) => (double)single,
            (ReportColumnKind.Metric, MetricValue or BoundedMetric) => cell,
            _ => throw new ArgumentException($"cells must fit their columns, but that of the {KindName(column.Kind)} column \"{column.Name}\" is a {cell.GetType().Name}.", nameof(cells)),
        };
        MetricValue? first = FirstOf(index);
        foreach (MetricValue value in Values(accepted))
        {
            first ??= value;
            if (value.ComparesWith(first)) continue;
            throw new ArgumentException(
                $"cells must have the signature of column \"{column.Name}\", but one is {value.Signature}, and those there are {first.Signature}. Such numbers are not comparable: measure both alike, or give it a column of its own.",
                nameof(cells));
        }
        return accepted;
    }

    private static string KindName(ReportColumnKind kind) => kind switch
    {
        ReportColumnKind.Text => "text",
        ReportColumnKind.Number => "number",
        _ => "metric",
    };
}
