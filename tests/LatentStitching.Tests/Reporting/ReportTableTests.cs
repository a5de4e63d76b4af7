using System.Text.Json;
using LatentStitching.Metrics;
using LatentStitching.Reporting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Reporting;

public sealed class ReportTableTests
{
    [Fact]
    public void ToCsv_QuotesAndKeepsEveryDigit()
    {
        Table().ToCsv().Should().Be(
            "pair,width,latent MSE,latent MSE: lower,latent MSE: upper,latent MSE: ceiling,latent MSE: ceiling lower,latent MSE: ceiling upper,latent MSE: signature\n"
            + "\"a \"\"b\"\", c\",512,0.25,0.125,0.375,0.0625,,,mse|space:latent|n:100|ci:none\n"
            + "d,0.1,,,,,,,\n");
    }

    [Fact]
    public void ToMarkdown_EscapesAndTellsTheSignature()
    {
        Table().ToMarkdown().Should().Be(
            """
            **Errors of \*all\* pairs**

            | pair | width | latent MSE |
            | --- | ---: | ---: |
            | a "b", c | 512 | 0.25 [0.12, 0.38]<br>ceiling 0.06250 |
            | d | 0.1000 |  |

            - latent MSE: lower is better, in squared latent units, `mse|space:latent|n:100|ci:none`


            """.ReplaceLineEndings("\n"));
    }

    [Fact]
    public void ToJson_HasEveryDigitAndTheShownText()
    {
        using var json = JsonDocument.Parse(Table().ToJson());
        JsonElement cell = json.RootElement.GetProperty("rows")[0][2];
        cell.GetProperty("value").GetDouble().Should().Be(0.25);
        cell.GetProperty("lower").GetDouble().Should().Be(0.125);
        cell.GetProperty("text").GetString().Should().Be("0.25 [0.12, 0.38]");
        cell.GetProperty("ceiling").GetProperty("value").GetDouble().Should().Be(0.0625);
        json.RootElement.GetProperty("rows")[1][2].ValueKind.Should().Be(JsonValueKind.Null);
        json.RootElement.GetProperty("columns")[2].GetProperty("signature").GetString().Should().Be("mse|space:latent|n:100|ci:none");
        json.RootElement.GetProperty("columns")[2].GetProperty("better").GetString().Should().Be("lower");
    }

    [Fact]
    public void ToJson_NotFinite_IsNullWithItsText()
    {
        using var json = JsonDocument.Parse(new ReportTable("t", [ReportColumn.Number("x")]).AddRow(double.PositiveInfinity).ToJson());
        json.RootElement.GetProperty("rows")[0][0].GetProperty("value").ValueKind.Should().Be(JsonValueKind.Null);
        json.RootElement.GetProperty("rows")[0][0].GetProperty("text").GetString().Should().Be("Infinity");
    }

    [Fact]
    public void From_AMetricTable_KeepsItsPlaces()
    {
        MetricTable values = new();
        values.Add("a → b", "latent MSE", Measured.Value(0.5));
        values.Add("b → a", "CKA", Measured.Value(0.75, info: Measured.Info("CKA", MetricDirection.HigherIsBetter, "cka")));
        ReportTable table = ReportTable.From("Both", "pair", values);
        table.ToString().Should().Be("Both: 2 rows, 3 columns");
        table.ToMarkdown().Should().Contain("| a → b | 0.5000 |  |\n| b → a |  | 0.7500 |\n").And.Contain("- CKA: higher is better");
    }

    [Fact]
    public void ToMarkdown_ColumnsMeasuredAlike_ShareALine()
    {
        ReportTable table = new ReportTable("t", [ReportColumn.Text("decoder"), ReportColumn.Metric("a"), ReportColumn.Metric("b")]).AddRow("c", Value(1), Value(2));
        table.ToMarkdown().Should().EndWith("\n\n- a, b: lower is better, in squared latent units, `mse|space:latent|n:100|ci:none`\n\n");
    }

    [Fact]
    public void Warnings_StandBelowTheTable()
    {
        ReportTable table = new("t", [ReportColumn.Text("pair"), ReportColumn.Metric("FID")]);
        table.AddRow("a → b", Measured.Value(3) with { Warning = "100 images are few." });
        table.ToMarkdown().Should().Contain("- FID, a → b: 100 images are few.\n");
        table.ToJson().Should().Contain("FID, a → b: 100 images are few.");
    }

    [Fact]
    public void AddRow_OtherSignature_NamesBothAndLeavesTheTable()
    {
        ReportTable table = Table();
        const string cure = "Such numbers are not comparable: measure both alike, or give it a column of its own.";
        ((Action)(() => table.AddRow("x", 1, Measured.Value(1, count: "99")))).ShouldRefuse(
            "cells", $"cells must have the signature of column \"latent MSE\", but one is mse|space:latent|n:99|ci:none, and those there are mse|space:latent|n:100|ci:none. {cure}");
        ((Action)(() => table.AddRow("x", 1, new BoundedMetric { Value = Value(1), Floor = Measured.Value(2, count: "98") }))).ShouldRefuse(
            "cells", $"cells must have the signature of column \"latent MSE\", but one is mse|space:latent|n:98|ci:none, and those there are mse|space:latent|n:100|ci:none. {cure}");
        table.RowCount.Should().Be(2);
    }

    [Fact]
    public void BadArguments_Throw()
    {
        ReportTable table = Table();
        ((Action)(() => table.AddRow("x"))).ShouldRefuse("cells", "cells must be one a column, but they are 1 and the columns of \"Errors of *all* pairs\" are 3.");
        ((Action)(() => table.AddRow("x", "y", null))).ShouldRefuse("cells", "cells must fit their columns, but that of the number column \"width\" is a String.");
        ((Action)(() => table.AddRow(1, 1, null))).ShouldRefuse("cells", "cells must fit their columns, but that of the text column \"pair\" is a Int32.");
        ((Action)(() => table.AddRow("x", 1, 0.5))).ShouldRefuse("cells", "cells must fit their columns, but that of the metric column \"latent MSE\" is a Double.");
        ((Action)(() => _ = new ReportTable("t", []))).ShouldRefuse("columns", "columns must hold at least one entry, but it is empty. Pass at least one column.");
        ((Action)(() => _ = new ReportTable("t", [ReportColumn.Text("a"), ReportColumn.Number("a")]))).ShouldRefuse("columns", "columns must have different names, but 2 are named \"a\".");
        ((Action)(() => _ = new ReportTable(" ", [ReportColumn.Text("a")]))).ShouldRefuse("caption", "caption must not be blank.");
        ((Action)(() => ReportColumn.Text(""))).ShouldRefuse("name", "name must not be blank.");
        ((Action)(() => _ = new ReportNumber("n", 1, 2))).ShouldRefuse("lower", "lower must be the lower end of an interval, but the ends are 2 and NaN. Pass both ends in order, or neither.");
        ((Action)(() => _ = new ReportNumber("n", 1, 2, 0.5))).ShouldRefuse("lower", "lower must be the lower end of an interval, but the ends are 2 and 0.5000. Pass both ends in order, or neither.");
        table.RowCount.Should().Be(2);
    }

    private static MetricValue Value(double value) => Measured.Value(value);

    private static ReportTable Table() => new ReportTable("Errors of *all* pairs", [ReportColumn.Text("pair"), ReportColumn.Number("width"), ReportColumn.Metric("latent MSE")])
        .AddRow("a \"b\", c", 512, new BoundedMetric { Value = Value(0.25) with { Lower = 0.125, Upper = 0.375 }, Ceiling = Value(0.0625) })
        .AddRow("d", 0.1, null);
}
