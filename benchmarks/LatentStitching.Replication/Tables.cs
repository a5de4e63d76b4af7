using System.Globalization;
using LatentStitching.Metrics;
using LatentStitching.Studies;
using Spectre.Console;

namespace LatentStitching.Replication;

/// <summary>The short table at the end of a run.</summary>
internal static class Tables
{
    public static void Show(Display display, FindingEvidence evidence)
    {
        StudyResult study = evidence.Study;
        Table table = new Table().Border(TableBorder.Simple).Title("Stitched through linear maps; pixel errors are MSE on [[0, 1]]; 95 % intervals stand in the report");
        table.AddColumn(new TableColumn("source → target").NoWrap());
        foreach (string header in (string[])["latent error / variance", "stitched", "ceiling", "floor: mean", "recovered"]) table.AddColumn(new TableColumn(header).RightAligned());
        foreach (StudyPair pair in study.Pairs)
        {
            StudyNumber? latent = pair.Number(StudyQuantity.Latent, "normalised latent MSE"), image = pair.Number(StudyQuantity.Image), recovered = pair.Number(StudyQuantity.Recovered);
            string name = pair.Protocol == StudyProtocol.SharedImages ? $"{pair.Source} → {pair.Target}" : $"{pair.Source} → {pair.Target} (drawn)";
            table.AddRow(((string[])[name, Text(latent?.Value), Text(image?.Value), Text(image?.Ceiling), Text(image?.MeanFloor), Text(recovered?.Value)]).Select(Markup.Escape).ToArray());
        }
        display.Table(table);
        foreach (Finding finding in Findings.Evaluate(evidence).Where(finding => finding.State != FindingState.NotTestable))
        {
            Display.Line($"{finding.Id} {(finding.State == FindingState.Reproduced ? "reproduced" : "not reproduced")}: {finding.Words}");
        }
    }

    private static string Text(MetricValue? value) => value is null ? "" : value.Value.ToString("0.0000", CultureInfo.InvariantCulture);
}
