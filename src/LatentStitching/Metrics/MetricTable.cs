using System.Text;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics;

/// <summary>A table of measured values, a column a metric, that takes only what may be compared: all values of a column have one signature.</summary>
/// <remarks>So a CKA of 100 images never stands under one of 9,000, nor a debiased one under a biased one. Thread safety: none while it grows.</remarks>
public sealed class MetricTable
{
    private readonly List<string> _rows = [];
    private readonly List<string> _columns = [];
    private readonly Dictionary<(string Row, string Column), MetricValue> _values = [];

    /// <summary>The names of the rows, in the order they came.</summary>
    public IReadOnlyList<string> Rows => _rows;

    /// <summary>The names of the columns, in the order they came.</summary>
    public IReadOnlyList<string> Columns => _columns;

    /// <summary>The value at a place; null where there is none.</summary>
    /// <param name="row">The row's name.</param>
    /// <param name="column">The column's name.</param>
    public MetricValue? this[string row, string column] => _values.GetValueOrDefault((row, column));

    /// <summary>Puts a value into the table; the row and the column come into being.</summary>
    /// <param name="row">The row's name, for example "vae-a → vae-b".</param>
    /// <param name="column">The column's name, for example "linear CKA".</param>
    /// <param name="value">The value.</param>
    /// <exception cref="ArgumentException">A name is blank, the place is taken, or the column holds values of another signature.</exception>
    public void Add(string row, string column, MetricValue value)
    {
        Guard.NotBlank(row);
        Guard.NotBlank(column);
        Guard.NotNull(value);
        if (_values.ContainsKey((row, column))) throw new ArgumentException($"row must be free in column \"{column}\", but \"{row}\" has a value there. Name each row once.", nameof(row));
        if (_values.FirstOrDefault(entry => entry.Key.Column == column) is { Value: { } other } first && other.Signature != value.Signature)
        {
            throw new ArgumentException(
                $"value must have the signature of column \"{column}\", but it is {value.Signature}, and that of \"{first.Key.Row}\" there is {other.Signature}. Such numbers are not comparable: measure both alike, or give it a column of its own.",
                nameof(value));
        }
        _values[(row, column)] = value;
        if (!_rows.Contains(row)) _rows.Add(row);
        if (!_columns.Contains(column)) _columns.Add(column);
    }

    /// <summary>Writes the table as Markdown, with each column's signature, and warnings, below it.</summary>
    /// <returns>The table, its lines ended by \n. Empty places stay empty.</returns>
    public string ToMarkdown()
    {
        StringBuilder text = new();
        Line(text, ["", .. _columns]);
        Line(text, ["---", .. _columns.Select(_ => "---:")]);
        foreach (string row in _rows) Line(text, [row, .. _columns.Select(column => this[row, column]?.ToString() ?? "")]);
        text.Append('\n');
        foreach (string column in _columns) text.Append($"- {Cell(column)}: `{_values.First(entry => entry.Key.Column == column).Value.Signature}`\n");
        foreach (((string row, string column), MetricValue value) in _values.OrderBy(entry => (_columns.IndexOf(entry.Key.Column), _rows.IndexOf(entry.Key.Row))))
        {
            if (value.Warning is { } warning) text.Append($"- {Cell(column)}, {Cell(row)}: {warning}\n");
        }
        return text.ToString();
    }

    /// <summary>Says the size.</summary>
    /// <returns>For example "6 rows, 3 columns".</returns>
    public override string ToString() => $"{_rows.Count} rows, {_columns.Count} columns";

    private static void Line(StringBuilder text, IEnumerable<string> cells) => text.Append($"| {string.Join(" | ", cells.Select(Cell))} |\n");

    private static string Cell(string text) => text.Replace("|", "\\|", StringComparison.Ordinal).ReplaceLineEndings(" ");
}
