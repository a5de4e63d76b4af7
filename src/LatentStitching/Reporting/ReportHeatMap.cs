using System.Text;
using System.Text.Json;
using LatentStitching.Metrics;
using LatentStitching.Numerics;

namespace LatentStitching.Reporting;

/// <summary>A matrix of numbers with a colour each, rows and columns named: the heat map of all pairs, or of levels.</summary>
/// <remarks>
/// <para>All values have one signature. In a report it is a table of coloured cells with the numbers in them; drawn as a figure it has the same colours.</para>
/// <para>Thread safety: none while it grows.</para>
/// </remarks>
public sealed class ReportHeatMap : IReportBlock
{
    private const int LegendSteps = 24;
    private readonly List<string> _rows = [];
    private readonly List<string> _columns = [];
    private readonly Dictionary<(string Row, string Column), ReportNumber> _cells = [];
    private readonly Dictionary<(string Row, string Column), MetricValue> _values = [];

    /// <summary>An empty heat map.</summary>
    /// <param name="caption">What it shows.</param>
    /// <param name="rowTitle">What the rows are.</param>
    /// <param name="columnTitle">What the columns are.</param>
    /// <param name="scale">How numbers become colours.</param>
    /// <exception cref="ArgumentException">A text is blank, or the scale is unknown.</exception>
    public ReportHeatMap(string caption, string rowTitle = "decoder", string columnTitle = "encoder", HeatMapScale scale = HeatMapScale.Linear)
    {
        Caption = Guard.NotBlank(caption);
        RowTitle = Guard.NotBlank(rowTitle);
        ColumnTitle = Guard.NotBlank(columnTitle);
        if (!Enum.IsDefined(scale)) throw new ArgumentException($"scale must be Linear, Logarithmic or Diverging, but it is {(int)scale}.", nameof(scale));
        Scale = scale;
    }

    /// <summary>What the map shows.</summary>
    public string Caption { get; }

    /// <summary>What the rows are.</summary>
    public string RowTitle { get; }

    /// <summary>What the columns are.</summary>
    public string ColumnTitle { get; }

    /// <summary>How numbers become colours.</summary>
    public HeatMapScale Scale { get; }

    /// <summary>The rows' names from the top, in the order they came.</summary>
    public IReadOnlyList<string> Rows => _rows;

    /// <summary>The columns' names from the left, in the order they came.</summary>
    public IReadOnlyList<string> Columns => _columns;

    /// <summary>The metric of the values; null for plain numbers.</summary>
    public MetricInfo? Metric => First?.Info;

    /// <summary>The colours of the legend from the low end to the high end, as #rrggbb.</summary>
    public IReadOnlyList<string> LegendColours => [.. Enumerable.Range(0, LegendSteps).Select(step => ColourAt(step / (LegendSteps - 1.0)))];

    /// <summary>The number at the legend's low end, as it is shown.</summary>
    public string LegendLow => NumberText.Of(Range().Low);

    /// <summary>The number at the legend's high end, as it is shown.</summary>
    public string LegendHigh => NumberText.Of(Range().High);

    /// <summary>What the colours say, in words.</summary>
    public string LegendNote => (Scale, Metric) switch
    {
        (HeatMapScale.Diverging, _) => "blue below zero, orange above",
        (HeatMapScale.Logarithmic, null) => "brighter is higher, logarithmic",
        (HeatMapScale.Logarithmic, _) => "brighter is better, logarithmic",
        (_, null) => "brighter is higher",
        _ => "brighter is better",
    };

    internal MetricValue? First => _values.Count == 0 ? null : _values.First().Value;

    /// <summary>The number at a place; null where there is none.</summary>
    /// <param name="row">The row's name.</param>
    /// <param name="column">The column's name.</param>
    public ReportNumber? this[string row, string column] => _cells.GetValueOrDefault((row, column));

    /// <summary>Names rows and columns before their numbers come, so that they stand in this order, and stand there without numbers too.</summary>
    /// <param name="rows">Names of rows, from the top.</param>
    /// <param name="columns">Names of columns, from the left.</param>
    /// <returns>The map itself.</returns>
    /// <exception cref="ArgumentException">A name is blank.</exception>
    public ReportHeatMap Order(IReadOnlyList<string> rows, IReadOnlyList<string> columns)
    {
        Guard.NotNull(rows);
        Guard.NotNull(columns);
        foreach (string row in rows) Guard.NotBlank(row, nameof(rows));
        foreach (string column in columns) Guard.NotBlank(column, nameof(columns));
        _rows.AddRange(rows.Except(_rows, StringComparer.Ordinal).ToArray());
        _columns.AddRange(columns.Except(_columns, StringComparer.Ordinal).ToArray());
        return this;
    }

    /// <summary>Puts a measured value into the map; the row and the column come into being.</summary>
    /// <param name="row">The row's name: the decoder.</param>
    /// <param name="column">The column's name: the encoder.</param>
    /// <param name="value">The value.</param>
    /// <returns>The map itself.</returns>
    /// <exception cref="ArgumentException">A name is blank, the place is taken, the value has another signature than the others or they are plain numbers, or it is not positive on a logarithmic scale.</exception>
    public ReportHeatMap Add(string row, string column, MetricValue value)
    {
        Guard.NotNull(value);
        Check(row, column, value.Value);
        if (_cells.Count > _values.Count) throw new ArgumentException($"value must be a plain number as the others of \"{Caption}\" are, but it is a measured value. Do not mix them.", nameof(value));
        if (First is { } first && !first.ComparesWith(value))
        {
            throw new ArgumentException(
                $"value must have the signature of \"{Caption}\", but it is {value.Signature}, and that of the others is {first.Signature}. Such numbers are not comparable: measure both alike, or give it a map of its own.",
                nameof(value));
        }
        _values[(row, column)] = value;
        Place(row, column, ReportNumber.Of($"{row}, {column}", value));
        return this;
    }

    /// <summary>Puts a plain number into the map; the row and the column come into being.</summary>
    /// <param name="row">The row's name.</param>
    /// <param name="column">The column's name.</param>
    /// <param name="value">The number.</param>
    /// <returns>The map itself.</returns>
    /// <exception cref="ArgumentException">A name is blank, the place is taken, the others are measured values, or the number is not positive on a logarithmic scale.</exception>
    public ReportHeatMap Add(string row, string column, double value)
    {
        Check(row, column, value);
        if (_values.Count > 0) throw new ArgumentException($"value must be a measured value as the others of \"{Caption}\" are, but it is a plain number. Do not mix them.", nameof(value));
        Place(row, column, new ReportNumber($"{row}, {column}", value));
        return this;
    }

    /// <summary>The colour of a place.</summary>
    /// <param name="row">The row's name.</param>
    /// <param name="column">The column's name.</param>
    /// <returns>#rrggbb; grey where there is no finite number.</returns>
    public string Colour(string row, string column)
    {
        if (this[row, column] is not { } number || !double.IsFinite(number.Value)) return ColourScale.Missing;
        (double low, double high) = Range();
        if (low == high) return ColourAt(0.5);
        return ColourAt(Scale == HeatMapScale.Logarithmic ? Math.Log(number.Value / low) / Math.Log(high / low) : (number.Value - low) / (high - low));
    }

    /// <summary>The colour of text on a place: black or white, whichever is read better.</summary>
    /// <param name="row">The row's name.</param>
    /// <param name="column">The column's name.</param>
    /// <returns>#000000 or #ffffff.</returns>
    public string InkColour(string row, string column) => ColourScale.Ink(Colour(row, column));

    /// <summary>The same numbers as a table without colours.</summary>
    /// <returns>A table with a column of the rows' names and one for each column.</returns>
    /// <exception cref="ArgumentException">A column is named as the rows are.</exception>
    public ReportTable ToTable()
    {
        bool measured = _values.Count > 0;
        ReportTable table = new(Caption, [ReportColumn.Text(RowTitle), .. _columns.Select(column => measured ? ReportColumn.Metric(column) : ReportColumn.Number(column))]);
        foreach (string row in _rows) table.AddRow([row, .. _columns.Select(column => measured ? _values.GetValueOrDefault((row, column)) : (object?)this[row, column]?.Value)]);
        return table;
    }

    /// <summary>Says the size.</summary>
    /// <returns>For example "Latent MSE: 5 × 6".</returns>
    public override string ToString() => $"{Caption}: {_rows.Count} × {_columns.Count}";

    void IReportBlock.Html(StringBuilder text) => HeatMapText.Html(text, this);

    void IReportBlock.Markdown(StringBuilder text) => HeatMapText.Markdown(text, this);

    void IReportBlock.Json(Utf8JsonWriter json) => HeatMapText.Json(json, this);

    internal IEnumerable<string> Warnings() =>
        from row in _rows
        from column in _columns
        where _values.GetValueOrDefault((row, column))?.Warning is not null
        select $"{column} → {row}: {_values[(row, column)].Warning}";

    // From dark to bright, and from bad to good where that is known.
    private string ColourAt(double place) => Scale == HeatMapScale.Diverging ? ColourScale.Diverging(place)
        : ColourScale.Sequential(Metric?.Direction == MetricDirection.LowerIsBetter ? 1 - place : place);

    private (double Low, double High) Range()
    {
        double[] values = [.. _cells.Values.Select(cell => cell.Value).Where(double.IsFinite)];
        if (values.Length == 0) return (0, 0);
        double furthest = values.Max(Math.Abs);
        return Scale == HeatMapScale.Diverging ? (-furthest, furthest) : (values.Min(), values.Max());
    }

    private void Check(string row, string column, double value)
    {
        Guard.NotBlank(row);
        Guard.NotBlank(column);
        if (_cells.ContainsKey((row, column))) throw new ArgumentException($"row must be free in column \"{column}\", but \"{row}\" has a number there. Name each place once.", nameof(row));
        if (Scale == HeatMapScale.Logarithmic && value <= 0) throw new ArgumentException($"value must be positive on a logarithmic scale, but it is {NumberText.Of(value)}. Use HeatMapScale.Linear.", nameof(value));
    }

    private void Place(string row, string column, ReportNumber number)
    {
        _cells[(row, column)] = number;
        if (!_rows.Contains(row)) _rows.Add(row);
        if (!_columns.Contains(column)) _columns.Add(column);
    }
}
