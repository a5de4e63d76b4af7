using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using LatentStitching.Reporting;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Reporting;

[NoTensorLeaks]
public sealed partial class ReportTests
{
    private const string Wicked = "<script>alert(\"x\")</script> & 'q' `c` *b* [l](http://a.b) | \u0001 é 顔";

    private static readonly byte[] _png = Convert.FromBase64String("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==");

    [Fact]
    public void Numbers_OfTheHtml_AreAllInTheJsonAndTheMarkdown()
    {
        Report report = SampleReport.Build();
        HashSet<string> json = [.. Numbers(report.ToJson())], markdown = [.. Numbers(report.ToMarkdown().Replace("\\", "", StringComparison.Ordinal))];
        string[] html = [.. Numbers(Visible(report.ToHtml())).Distinct()];
        html.Should().HaveCountGreaterThan(250);
        html.Where(number => !json.Contains(number)).Should().BeEmpty();
        // A legend's ends are in HTML and JSON alone: Markdown has no colours.
        html.Where(number => !markdown.Contains(number)).Except(["-0.1290", "0.1290"]).Should().BeEmpty();
    }

    [Fact]
    public void Json_ShownText_IsTheNumberRounded()
    {
        using var json = JsonDocument.Parse(SampleReport.Build().ToJson());
        int seen = 0;
        foreach (JsonElement number in Objects(json.RootElement).Where(entry => entry.TryGetProperty("text", out _) && entry.TryGetProperty("value", out _)))
        {
            double value = number.GetProperty("value").GetDouble();
            double lower = number.TryGetProperty("lower", out JsonElement end) ? end.GetDouble() : double.NaN;
            double upper = number.TryGetProperty("upper", out end) ? end.GetDouble() : double.NaN;
            string[] parts = number.GetProperty("text").GetString()!.Split(' ', '[', ']', ',').Where(part => part.Length > 0).ToArray();
            double tolerance = double.IsNaN(lower) ? 5.1e-4 * Math.Abs(value) : 0.051 * (upper - lower);
            double.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture).Should().BeApproximately(value, tolerance);
            parts.Should().HaveCount(double.IsNaN(lower) ? 1 : 3);
            seen++;
        }
        seen.Should().BeGreaterThan(150);
    }

    [Fact]
    public void Html_NeedsNothingElse()
    {
        string html = SampleReport.Build().ToHtml();
        html.Should().NotContainAny("<script", "<link", "@import", "<iframe", "<object", "javascript:", "srcset", "http://", "https://", "url(");
        foreach (Match source in SourcePattern().Matches(html)) source.Groups["part"].Value.Should().StartWith("data:image/png;base64,", "a browser may leave out the font of an SVG in a page");
        foreach (Match reference in ReferencePattern().Matches(html)) html.Should().Contain($" id=\"{reference.Groups["part"].Value}\"");
        html.Should().Contain("default-src 'none'; img-src data:");
        foreach (ReportFigure figure in SampleReport.Build().Figures.Where(figure => figure.Svg is not null))
        {
            AddressPattern().Matches(figure.Svg!).Select(address => address.Value).Should().OnlyContain(address => address.StartsWith("http://www.w3.org/", StringComparison.Ordinal), "namespaces are names, not resources");
            UrlPattern().Matches(figure.Svg!).Select(url => url.Groups["part"].Value).Should().OnlyContain(url => url.StartsWith('#') || url.StartsWith("data:", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Html_IsAccessible()
    {
        string html = SampleReport.Build().ToHtml();
        int[] headings = [.. HeadingPattern().Matches(html).Select(heading => heading.Groups["part"].Value[0] - '0')];
        headings[0].Should().Be(1);
        headings.Count(level => level == 1).Should().Be(1);
        headings.Zip(headings.Skip(1)).Should().OnlyContain(pair => pair.Second <= pair.First + 1, "a level must not be skipped");
        html.Should().Contain("<html lang=\"en\">");
        Count(html, "<table").Should().Be(Count(html, "<caption>[^<]"));
        Count(html, "<th[ >]").Should().Be(Count(html, "<th scope=\"(row|col)\""));
        Count(html, "<img").Should().Be(Count(html, "<img [^>]* alt=\"[^\"]{20,}\" width=\"[1-9][0-9]*\" height=\"[1-9][0-9]*\""));
        IdPattern().Matches(html).Select(id => id.Groups["part"].Value).Should().OnlyHaveUniqueItems();
    }

    [Fact]
    public void Html_TagsAreClosedInOrder()
    {
        Stack<string> open = [];
        foreach (Match tag in TagPattern().Matches(SampleReport.Build().ToHtml()))
        {
            string name = tag.Groups["name"].Value;
            if (name is "meta" or "br" or "img" or "wbr") continue;
            if (tag.Groups["close"].Value == "") open.Push(name);
            else open.Pop().Should().Be(name);
        }
        open.Should().BeEmpty();
    }

    [Fact]
    public void WickedText_IsShownAndDoesNothing()
    {
        Report report = new(Wicked, Wicked);
        ReportTable table = new ReportTable(Wicked, [ReportColumn.Text(Wicked), ReportColumn.Metric("m")]).AddRow(Wicked, Measured.Value(1) with { Warning = Wicked });
        ReportFinding finding = new() { Id = Wicked, Statement = Wicked, Explanation = Wicked, State = FindingState.Reproduced, Numbers = [new ReportNumber(Wicked, 1)] };
        report.Section(Wicked).Paragraph(Wicked).Table(table).Findings([finding])
            .HeatMap(new ReportHeatMap(Wicked, Wicked, Wicked).Add(Wicked, Wicked, Measured.Value(1) with { Warning = Wicked }))
            .Figure(new ReportFigure("f", Wicked, Wicked, _png, null, table));
        report.Provenance(Wicked, Wicked);
        string html = report.ToHtml();
        html.Should().NotContain("<script").And.NotContain("\u0001").And.Contain("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt; &amp; &apos;q&apos; `c` *b* [l](http://a.b) | \uFFFD é 顔");
        Count(html, "alert\\(").Should().Be(Count(html, "&lt;script&gt;alert\\(&quot;"));
        string markdown = report.ToMarkdown();
        markdown.Should().NotMatchRegex("(?<!\\\\)\\]\\(http").And.NotContain(" <script").And.Contain("\\<script\\>alert(\"x\")\\</script\\> \\& 'q' \\`c\\` \\*b\\* \\[l\\](http://a.b) \\|");
        using var json = JsonDocument.Parse(report.ToJson());
        json.RootElement.GetProperty("title").GetString().Should().Be(Wicked);
    }

    [Fact]
    public void Save_WritesTheSameBytesTwice()
    {
        using TempFolder folder = new();
        SampleReport.Build().Save(folder["one"]);
        SampleReport.Build().Save(folder["two"]);
        string[] names = [.. Directory.GetFiles(folder["one"], "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder["one"], file)).Order(StringComparer.Ordinal)];
        names.Should().Equal(
            "figures/attribute-ranking.png", "figures/attribute-ranking.svg", "figures/latent-mse.png", "figures/latent-mse.svg", "figures/levels.png", "figures/levels.svg", "figures/probe-accuracy.png",
            "figures/probe-accuracy.svg", "figures/reconstructions.png", "figures/training.png", "figures/training.svg", "report.html", "report.json", "report.md", "tables/table-01.csv");
        foreach (string name in names) File.ReadAllBytes(Path.Combine(folder["one"], name)).Should().Equal(File.ReadAllBytes(Path.Combine(folder["two"], name)), name);
        foreach (Match figure in FilePattern().Matches(File.ReadAllText(folder["one/report.md"]))) File.Exists(folder[$"one/{figure.Value}"]).Should().BeTrue();
    }

    [Fact]
    public void Sample_LiesBesideTheTests_ToBeLookedAt()
    {
        string folder = Path.Combine(AppContext.BaseDirectory, "sample-report");
        SampleReport.Build().Save(folder);
        new FileInfo(Path.Combine(folder, "report.html")).Length.Should().BeInRange(100_000, 2_000_000);
    }

    [Fact]
    public void Findings_AreCountedByState()
    {
        Report report = new("r");
        report.Section("s").Findings(
        [
            new ReportFinding { Id = "F1", Statement = "One.", Explanation = "Seen.", State = FindingState.Reproduced, Numbers = [new ReportNumber("n", 0.5, 0.4, 0.6)] },
            new ReportFinding { Id = "F2", Statement = "Two.", Explanation = "No data.", State = FindingState.NotTestable },
        ]);
        report.ToMarkdown().Should().Be("# r\n\n## s\n\n1 reproduced, 0 not reproduced, 1 not testable here\n\n- **F1, reproduced.** One. Seen.\n  - n: 0.50 [0.40, 0.60]\n- **F2, not testable here.** Two. No data.\n\n");
    }

    [Fact]
    public void BadArguments_Throw()
    {
        Report report = new Report("r").Provenance("seed", "1");
        ReportSection section = report.Section("s").Figure(new ReportFigure("f", "c", "a", _png));
        ((Action)(() => _ = new Report(" "))).ShouldRefuse("title", "title must not be blank.");
        ((Action)(() => report.Provenance("seed", "2"))).ShouldRefuse("name", "name must be new, but the provenance has \"seed\" already.");
        ((Action)(() => report.Section("t").Figure(new ReportFigure("f", "c", "a", _png)))).ShouldRefuse("figure", "figure must have a name of its own, but \"f\" is in the report already. Its files would overwrite each other.");
        ((Action)(() => section.Findings([]))).ShouldRefuse("findings", "findings must hold at least one entry, but it is empty. Pass at least one finding.");
        ((Action)(() => section.Findings([new ReportFinding { Id = "F1", Statement = "s", Explanation = "e", State = FindingState.NotReproduced }]))).ShouldRefuse(
            "findings", "findings must tell the numbers that decide them, but F1 has none. Add its Numbers, or say FindingState.NotTestable.");
        ((Action)(() => section.Section("t").Section("u").Section("v"))).ShouldSay<InvalidOperationException>(
            "Section \"u\" must not have sections below it, but \"v\" was to be one. Three levels are the most that a reader follows.");
        ((Action)(() => _ = new ReportFigure("F 1", "c", "a", _png))).ShouldRefuse("name", "name must hold only a to z, 0 to 9 and -, but it is \"F 1\". It becomes the name of a file.");
        ((Action)(() => _ = new ReportFigure("f", "c", "a", new byte[30]))).ShouldRefuse("png", "png must be the bytes of a PNG file, but its 30 bytes are not. Encode the picture first.");
        ((Action)(() => _ = new ReportFigure("f", "c", "a", _png, "text"))).ShouldRefuse("svg", "svg must be the text of an SVG file, but it has no <svg. Pass null where there is none.");
        ((Action)(() => report.Save(""))).ShouldRefuse("folder", "folder must not be blank.");
    }

    private static int Count(string html, string pattern) => Regex.Count(html, pattern, RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(5));

    private static IEnumerable<string> Numbers(string text) => NumberPattern().Matches(text).Select(number => number.Value);

    private static string Visible(string html)
    {
        string body = html[html.IndexOf("<body>", StringComparison.Ordinal)..].Replace("<wbr>", "", StringComparison.Ordinal);
        return WebUtility.HtmlDecode(TagPattern().Replace(body, " "));
    }

    private static IEnumerable<JsonElement> Objects(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().SelectMany(property => Objects(property.Value)).Prepend(element),
        JsonValueKind.Array => element.EnumerateArray().SelectMany(Objects),
        _ => [],
    };

    [GeneratedRegex(@"-?\d+(\.\d+)?(e-?\d+)?", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NumberPattern();

    [GeneratedRegex("<h(?<part>[1-6])", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex HeadingPattern();

    [GeneratedRegex(" src=\"(?<part>[^\"]{0,40})", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex SourcePattern();

    [GeneratedRegex(" href=\"#(?<part>[^\"]*)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex ReferencePattern();

    [GeneratedRegex(" id=\"(?<part>[^\"]*)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex IdPattern();

    [GeneratedRegex(@"figures/[a-z0-9.-]+", RegexOptions.None, 1000)]
    private static partial Regex FilePattern();

    [GeneratedRegex("https?://[^\"' )]*", RegexOptions.None, 1000)]
    private static partial Regex AddressPattern();

    [GeneratedRegex(@"url\((?<part>[^)]{0,40})", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UrlPattern();

    [GeneratedRegex("<(?<close>/?)(?<name>[a-z][a-z0-9]*)[^>]*>", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex TagPattern();
}
