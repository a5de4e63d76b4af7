using System.Globalization;
using System.Text;
using System.Text.Json;

namespace LatentStitching.Reporting;

/// <summary>A list of findings with a count of each state above it.</summary>
internal sealed class FindingsBlock(IReadOnlyList<ReportFinding> findings) : IReportBlock
{
    public void Html(StringBuilder text)
    {
        text.Append($"<p class=\"tally\">{Tally()}</p>\n<ul class=\"findings\">\n");
        foreach (ReportFinding finding in findings)
        {
            (string mark, string style) = finding.State switch
            {
                FindingState.Reproduced => ("✓", "yes"),
                FindingState.NotReproduced => ("✗", "no"),
                _ => ("○", "open"),
            };
            text.Append($"<li class=\"{style}\"><p class=\"claim\"><strong>{HtmlText.Encode(finding.Id)}</strong> <span class=\"state\">{mark} {Words(finding.State)}</span> {HtmlText.Encode(finding.Statement)}</p>\n<p>{HtmlText.Encode(finding.Explanation)}</p>\n");
            if (finding.Numbers.Count > 0)
            {
                text.Append("<dl>");
                foreach (ReportNumber number in finding.Numbers) text.Append($"<div><dt>{HtmlText.Encode(number.Label)}</dt><dd>{TableHtml.Number(number.Value, number.Lower, number.Upper)}</dd></div>");
                text.Append("</dl>");
            }
            text.Append("</li>\n");
        }
        text.Append("</ul>\n");
    }

    public void Markdown(StringBuilder text)
    {
        text.Append($"{Tally()}\n\n");
        foreach (ReportFinding finding in findings)
        {
            text.Append($"- **{MarkdownText.Escape(finding.Id)}, {Words(finding.State)}.** {MarkdownText.Escape(finding.Statement)} {MarkdownText.Escape(finding.Explanation)}\n");
            foreach (ReportNumber number in finding.Numbers) text.Append($"  - {MarkdownText.Escape(number.Label)}: {number}\n");
        }
        text.Append('\n');
    }

    public void Json(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "findings");
        json.WriteString("tally", Tally());
        json.WriteStartArray("findings");
        foreach (ReportFinding finding in findings)
        {
            json.WriteStartObject();
            json.WriteString("id", finding.Id);
            json.WriteString("state", Words(finding.State));
            json.WriteString("statement", finding.Statement);
            json.WriteString("explanation", finding.Explanation);
            json.WriteStartArray("numbers");
            foreach (ReportNumber number in finding.Numbers)
            {
                json.WriteStartObject();
                json.WriteString("label", number.Label);
                JsonText.Interval(json, number.Value, number.Lower, number.Upper);
                if (number.Signature is not null) json.WriteString("signature", number.Signature);
                json.WriteEndObject();
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string Words(FindingState state) => state switch
    {
        FindingState.Reproduced => "reproduced",
        FindingState.NotReproduced => "not reproduced",
        _ => "not testable here",
    };

    private string Tally() => string.Join(", ", Enum.GetValues<FindingState>()
        .Select(state => string.Create(CultureInfo.InvariantCulture, $"{findings.Count(finding => finding.State == state)} {Words(state)}")));
}
