using LatentStitching.Metrics;
using LatentStitching.Reporting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Reporting;

public sealed class ReportHeatMapTests
{
    private const string Dark = "#440154";
    private const string Bright = "#fde725";

    [Fact]
    public void Colour_GoodIsBright()
    {
        ReportHeatMap errors = new ReportHeatMap("e").Add("a", "a", Measured.Value(1)).Add("a", "b", Measured.Value(5));
        (errors.Colour("a", "a"), errors.Colour("a", "b")).Should().Be((Bright, Dark));
        (errors.LegendColours[0], errors.LegendColours[^1], errors.LegendLow, errors.LegendHigh, errors.LegendNote).Should().Be((Bright, Dark, "1", "5", "brighter is better"));

        MetricInfo cka = Measured.Info("CKA", MetricDirection.HigherIsBetter, "cka");
        ReportHeatMap similarities = new ReportHeatMap("s").Add("a", "a", Measured.Value(1, info: cka)).Add("a", "b", Measured.Value(0.5, info: cka));
        (similarities.Colour("a", "a"), similarities.Colour("a", "b")).Should().Be((Bright, Dark));
        new ReportHeatMap("p").Add("a", "a", 1).Add("a", "b", 5).Colour("a", "b").Should().Be(Bright);
    }

    [Fact]
    public void Colour_Logarithmic_HalvesTheRatio()
    {
        ReportHeatMap map = new ReportHeatMap("e", scale: HeatMapScale.Logarithmic).Add("a", "a", 1).Add("a", "b", 10).Add("a", "c", 100);
        map.Colour("a", "b").Should().Be("#21918c", "the middle of viridis is that");
        map.LegendNote.Should().Be("brighter is higher, logarithmic");
    }

    [Fact]
    public void Colour_Diverging_ZeroIsWhiteAndBothEndsAreAsFar()
    {
        ReportHeatMap map = new ReportHeatMap("d", scale: HeatMapScale.Diverging).Add("a", "a", 0.0).Add("a", "b", -0.1).Add("a", "c", 0.4).Add("a", "d", -0.4);
        (map.Colour("a", "a"), map.Colour("a", "c"), map.Colour("a", "d")).Should().Be(("#f5f5f5", "#a9590e", "#2d5fa3"));
        (map.LegendLow, map.LegendHigh).Should().Be(("-0.4000", "0.4000"));
    }

    [Fact]
    public void Colour_NothingToTellApart_IsTheMiddleOrGrey()
    {
        ReportHeatMap map = new ReportHeatMap("e").Add("a", "a", 2.0).Add("b", "b", double.NaN);
        (map.Colour("a", "a"), map.Colour("b", "b"), map.Colour("a", "b")).Should().Be(("#21918c", "#8c8c8c", "#8c8c8c"));
    }

    [Fact]
    public void InkColour_IsReadOnEveryColour()
    {
        for (int step = 0; step <= 1000; step++)
        {
            foreach (string colour in (string[])[ColourScale.Sequential(step / 1000.0), ColourScale.Diverging(step / 1000.0), ColourScale.Missing])
            {
                ColourScale.Contrast(colour, ColourScale.Ink(colour)).Should().BeGreaterThanOrEqualTo(4.5, "WCAG 2.1 asks that of small text on {0}", colour);
            }
        }
        ColourScale.Contrast("#000000", "#ffffff").Should().BeApproximately(21, 1e-9);
    }

    [Fact]
    public void Sequential_RisesInLightness()
    {
        double[] contrasts = [.. Enumerable.Range(0, 101).Select(step => ColourScale.Contrast(ColourScale.Sequential(step / 100.0), "#000000"))];
        contrasts.Should().BeInAscendingOrder("a grey print must keep the order");
    }

    [Fact]
    public void Order_NamesComeBeforeTheirNumbers()
    {
        ReportHeatMap map = new ReportHeatMap("e").Order(["a", "b"], ["a", "b", "b"]).Add("a", "b", 2.0).Add("c", "a", 1.0);
        map.Rows.Should().Equal("a", "b", "c");
        map.Columns.Should().Equal("a", "b");
        map["a", "a"].Should().BeNull();
        ((Action)(() => map.Order(["a"], [" "]))).ShouldRefuse("columns", "columns must not be blank.");
    }

    [Fact]
    public void ToTable_HasTheSameNumbers()
    {
        ReportTable table = new ReportHeatMap("e").Add("a", "a", Measured.Value(1)).Add("b", "c", Measured.Value(5, 0.5) with { IntervalMethod = "none" }).ToTable();
        table.ToMarkdown().Should().Contain("| decoder | a | c |").And.Contain("| a | 1 |  |\n| b |  | 5.0 [4.5, 5.5] |\n");
    }

    [Fact]
    public void BadArguments_Throw()
    {
        ReportHeatMap map = new ReportHeatMap("map", scale: HeatMapScale.Logarithmic).Add("a", "b", Measured.Value(1));
        ((Action)(() => map.Add("a", "b", Measured.Value(2)))).ShouldRefuse("row", "row must be free in column \"b\", but \"a\" has a number there. Name each place once.");
        ((Action)(() => map.Add("a", "c", 2.0))).ShouldRefuse("value", "value must be a measured value as the others of \"map\" are, but it is a plain number. Do not mix them.");
        ((Action)(() => new ReportHeatMap("map").Add("a", "b", 2.0).Add("a", "c", Measured.Value(1)))).ShouldRefuse("value", "value must be a plain number as the others of \"map\" are, but it is a measured value. Do not mix them.");
        ((Action)(() => map.Add("a", "c", Measured.Value(-1)))).ShouldRefuse("value", "value must be positive on a logarithmic scale, but it is -1. Use HeatMapScale.Linear.");
        ((Action)(() => map.Add("a", "c", Measured.Value(1, count: "9")))).ShouldRefuse(
            "value",
            "value must have the signature of \"map\", but it is mse|space:latent|n:9|ci:none, and that of the others is mse|space:latent|n:100|ci:none. Such numbers are not comparable: measure both alike, or give it a map of its own.");
        ((Action)(() => _ = new ReportHeatMap("map", scale: (HeatMapScale)7))).ShouldRefuse("scale", "scale must be Linear, Logarithmic or Diverging, but it is 7.");
        map.ToString().Should().Be("map: 1 × 1");
    }
}
