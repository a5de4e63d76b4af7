using System.Text;
using System.Text.Json;

namespace LatentStitching.Reporting;

/// <summary>A part of a report, which writes itself in each format.</summary>
internal interface IReportBlock
{
    void Html(StringBuilder text);

    void Markdown(StringBuilder text);

    void Json(Utf8JsonWriter json);
}
