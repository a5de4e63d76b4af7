using System.Text;
using System.Text.Json;
using LatentStitching.Numerics;

namespace LatentStitching.Reporting;

/// <summary>A section of a <see cref="Report"/>: a heading and, in the order they are added, words, tables, heat maps, figures, findings and sections below it.</summary>
public sealed class ReportSection : IReportBlock
{
    private const int DeepestHeading = 4;
    private readonly List<IReportBlock> _blocks = [];
    private readonly Report _report;
    private readonly int _level;

    internal ReportSection(Report report, string heading, int level)
    {
        Heading = Guard.NotBlank(heading);
        (_report, _level) = (report, level);
        Anchor = report.NextAnchor();
    }

    /// <summary>The heading.</summary>
    public string Heading { get; }

    internal string Anchor { get; }

    internal IEnumerable<IReportBlock> Blocks => _blocks.SelectMany(block => block is ReportSection section ? section.Blocks.Prepend(section) : [block]);

    /// <summary>Adds a section below this one.</summary>
    /// <param name="heading">Its heading.</param>
    /// <returns>The new section.</returns>
    /// <exception cref="ArgumentException">The heading is blank.</exception>
    /// <exception cref="InvalidOperationException">This section is already three below the report.</exception>
    public ReportSection Section(string heading)
    {
        if (_level == DeepestHeading) throw new InvalidOperationException($"Section \"{Heading}\" must not have sections below it, but \"{heading}\" was to be one. Three levels are the most that a reader follows.");
        ReportSection section = new(_report, heading, _level + 1);
        _blocks.Add(section);
        return section;
    }

    /// <summary>Adds a paragraph of plain words.</summary>
    /// <param name="words">The words; they are shown as they are, whatever signs they hold.</param>
    /// <returns>The section itself.</returns>
    /// <exception cref="ArgumentException">They are blank.</exception>
    public ReportSection Paragraph(string words) => With(new ParagraphBlock(Guard.NotBlank(words)));

    /// <summary>Adds a table.</summary>
    /// <param name="table">The table.</param>
    /// <returns>The section itself.</returns>
    public ReportSection Table(ReportTable table) => With(Guard.NotNull(table));

    /// <summary>Adds a heat map as a table of coloured cells.</summary>
    /// <param name="map">The heat map.</param>
    /// <returns>The section itself.</returns>
    public ReportSection HeatMap(ReportHeatMap map) => With(Guard.NotNull(map));

    /// <summary>Adds a figure.</summary>
    /// <param name="figure">The figure.</param>
    /// <returns>The section itself.</returns>
    /// <exception cref="ArgumentException">The report has a figure of that name.</exception>
    public ReportSection Figure(ReportFigure figure)
    {
        Guard.NotNull(figure);
        if (_report.Figures.Any(other => other.Name == figure.Name)) throw new ArgumentException($"figure must have a name of its own, but \"{figure.Name}\" is in the report already. Its files would overwrite each other.", nameof(figure));
        return With(figure);
    }

    /// <summary>Adds a list of findings, with a count of each state above it.</summary>
    /// <param name="findings">The findings, at least one. One that is said to be reproduced or not must tell its numbers.</param>
    /// <returns>The section itself.</returns>
    /// <exception cref="ArgumentException">There is none, or one is decided without a number.</exception>
    public ReportSection Findings(IReadOnlyList<ReportFinding> findings)
    {
        Guard.NotEmpty(findings, "Pass at least one finding.");
        if (findings.FirstOrDefault(finding => finding.State != FindingState.NotTestable && finding.Numbers.Count == 0) is { } bare)
        {
            throw new ArgumentException($"findings must tell the numbers that decide them, but {bare.Id} has none. Add its Numbers, or say FindingState.NotTestable.", nameof(findings));
        }
        return With(new FindingsBlock([.. findings]));
    }

    void IReportBlock.Html(StringBuilder text)
    {
        text.Append($"<section aria-labelledby=\"{Anchor}\">\n<h{_level} id=\"{Anchor}\">{HtmlText.Encode(Heading)}</h{_level}>\n");
        foreach (IReportBlock block in _blocks) block.Html(text);
        text.Append("</section>\n");
    }

    void IReportBlock.Markdown(StringBuilder text)
    {
        text.Append($"{new string('#', _level)} {MarkdownText.Escape(Heading)}\n\n");
        foreach (IReportBlock block in _blocks) block.Markdown(text);
    }

    void IReportBlock.Json(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteString("type", "section");
        json.WriteString("heading", Heading);
        json.WriteStartArray("blocks");
        foreach (IReportBlock block in _blocks) block.Json(json);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private ReportSection With(IReportBlock block)
    {
        _blocks.Add(block);
        return this;
    }
}
