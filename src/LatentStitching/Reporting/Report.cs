using System.Globalization;
using System.Text;
using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Reporting;

/// <summary>A report that writes itself as one HTML file, as Markdown and as JSON, with the same numbers in all three.</summary>
/// <remarks>
/// <para>The HTML file holds everything it shows: no script, and no font, style or picture from elsewhere. It opens offline, prints, fits a phone, and follows the reader's choice of dark or light.
/// Every text is encoded. The same report gives the same bytes; a time of day is in it only if it was put there.</para>
/// <para>Thread safety: none while it grows.</para>
/// </remarks>
public sealed class Report
{
    private readonly List<ReportSection> _sections = [];
    private readonly List<(string Name, string Value)> _provenance = [];
    private int _anchors;

    /// <summary>An empty report.</summary>
    /// <param name="title">Its title.</param>
    /// <param name="summary">What a reader must know first, below the title; null for nothing.</param>
    /// <exception cref="ArgumentException">A text is blank.</exception>
    public Report(string title, string? summary = null)
    {
        Title = Guard.NotBlank(title);
        Summary = summary is null ? null : Guard.NotBlank(summary);
    }

    /// <summary>The title.</summary>
    public string Title { get; }

    /// <summary>What stands below the title; null for nothing.</summary>
    public string? Summary { get; }

    internal IEnumerable<ReportFigure> Figures => Blocks.OfType<ReportFigure>();

    private IEnumerable<IReportBlock> Blocks => _sections.SelectMany(section => section.Blocks);

    /// <summary>Adds a section.</summary>
    /// <param name="heading">Its heading.</param>
    /// <returns>The new section.</returns>
    /// <exception cref="ArgumentException">The heading is blank.</exception>
    public ReportSection Section(string heading)
    {
        ReportSection section = new(this, heading, level: 2);
        _sections.Add(section);
        return section;
    }

    /// <summary>Adds a line to the footer that tells where the numbers come from: versions, seeds, fingerprints of weights and data.</summary>
    /// <param name="name">What it is, for example "seed".</param>
    /// <param name="value">Its value.</param>
    /// <returns>The report itself.</returns>
    /// <exception cref="ArgumentException">A text is blank, or the name is there already.</exception>
    public Report Provenance(string name, string value)
    {
        Guard.NotBlank(name);
        Guard.NotBlank(value);
        if (_provenance.Any(line => line.Name == name)) throw new ArgumentException($"name must be new, but the provenance has \"{name}\" already.", nameof(name));
        _provenance.Add((name, value));
        return this;
    }

    /// <summary>Writes the report as one HTML file that needs no other.</summary>
    /// <returns>The text, its lines ended by \n.</returns>
    public string ToHtml()
    {
        StringBuilder text = new();
        text.Append("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n")
            .Append("<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src 'unsafe-inline'\">\n")
            .Append($"<title>{HtmlText.Encode(Title)}</title>\n<style>\n{ReportStyle.Css}</style>\n</head>\n<body>\n<header>\n<h1>{HtmlText.Encode(Title)}</h1>\n");
        if (Summary is not null) text.Append($"<p class=\"summary\">{HtmlText.Encode(Summary)}</p>\n");
        text.Append("</header>\n");
        if (_sections.Count > 1)
        {
            text.Append("<nav aria-label=\"Contents\"><ul>");
            foreach (ReportSection section in _sections) text.Append($"<li><a href=\"#{section.Anchor}\">{HtmlText.Encode(section.Heading)}</a></li>");
            text.Append("</ul></nav>\n");
        }
        text.Append("<main>\n");
        foreach (IReportBlock section in _sections) section.Html(text);
        text.Append("</main>\n");
        if (_provenance.Count > 0)
        {
            text.Append("<footer>\n<h2>Provenance</h2>\n<dl>\n");
            foreach ((string name, string value) in _provenance) text.Append($"<div><dt>{HtmlText.Encode(name)}</dt><dd>{HtmlText.Encode(value)}</dd></div>\n");
            text.Append("</dl>\n</footer>\n");
        }
        return text.Append("</body>\n</html>\n").ToString();
    }

    /// <summary>Writes the report as Markdown; figures are references to files in figures/, where <see cref="Save"/> puts them.</summary>
    /// <returns>The text, its lines ended by \n.</returns>
    public string ToMarkdown()
    {
        StringBuilder text = new($"# {MarkdownText.Escape(Title)}\n\n");
        if (Summary is not null) text.Append($"{MarkdownText.Escape(Summary)}\n\n");
        foreach (IReportBlock section in _sections) section.Markdown(text);
        if (_provenance.Count > 0) text.Append("## Provenance\n\n");
        foreach ((string name, string value) in _provenance) text.Append($"- {MarkdownText.Escape(name)}: {MarkdownText.Escape(value)}\n");
        return text.ToString();
    }

    /// <summary>Writes the report as JSON: each number with every digit ("value", "lower", "upper") and as the other formats show it ("text").</summary>
    /// <returns>The text, its lines ended by \n. A number that is not finite is null, and its text says what it is.</returns>
    public string ToJson() => JsonText.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("format", "latent-stitching-report-1");
        json.WriteString("title", Title);
        if (Summary is not null) json.WriteString("summary", Summary);
        json.WriteStartArray("sections");
        foreach (IReportBlock section in _sections) section.Json(json);
        json.WriteEndArray();
        json.WriteStartObject("provenance");
        foreach ((string name, string value) in _provenance) json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteEndObject();
    });

    /// <summary>Writes report.html, report.md and report.json, each figure into figures/ and each table of the sections into tables/ as CSV.</summary>
    /// <param name="folder">The folder; it is made where it is missing. Files of these names are replaced, each as a whole; others are left alone.</param>
    /// <exception cref="ArgumentException">The folder's name is blank.</exception>
    /// <exception cref="IOException">A file cannot be written; no part of it is left.</exception>
    public void Save(string folder)
    {
        Guard.NotBlank(folder);
        Directory.CreateDirectory(folder);
        Put("report.html", Encoding.UTF8.GetBytes(ToHtml()));
        Put("report.md", Encoding.UTF8.GetBytes(ToMarkdown()));
        Put("report.json", Encoding.UTF8.GetBytes(ToJson()));
        foreach (ReportFigure figure in Figures)
        {
            Put($"figures/{figure.Name}.png", figure.Png);
            if (figure.Svg is { } svg) Put($"figures/{figure.Name}.svg", Encoding.UTF8.GetBytes(svg));
        }
        int number = 0;
        foreach (ReportTable table in Blocks.OfType<ReportTable>()) Put(string.Create(CultureInfo.InvariantCulture, $"tables/table-{++number:00}.csv"), Encoding.UTF8.GetBytes(table.ToCsv()));

        void Put(string name, ReadOnlyMemory<byte> bytes)
        {
            string path = Path.Combine(folder, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            AtomicFile.Write(path, stream => stream.Write(bytes.Span));
        }
    }

    internal string NextAnchor() => string.Create(CultureInfo.InvariantCulture, $"section-{++_anchors}");
}
