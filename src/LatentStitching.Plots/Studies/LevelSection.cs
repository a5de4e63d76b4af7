using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Plots;

/// <summary>Levels of hierarchical latents against each other, and what each brings to the image.</summary>
internal static class LevelSection
{
    public static void Add(Report report, LevelStudyResult levels)
    {
        ReportSection section = report.Section("Levels");
        section.Paragraph("Every level of every hierarchical latent as a space of its own, named model/level. Lines part the models.");
        StudyPair[] pairs = [.. levels.Study.Pairs.Where(pair => !pair.IsControl)];
        foreach ((StudyQuantity quantity, string metric) in pairs.SelectMany(pair => pair.Numbers).Where(number => number.Quantity is StudyQuantity.Latent or StudyQuantity.Similarity).Select(number => (number.Quantity, number.Value.Info.Name)).Distinct())
        {
            ReportHeatMap map = new ReportHeatMap(quantity == StudyQuantity.Latent ? $"Mapped levels: {metric}" : $"Levels without a map: {metric}", "to", "from").Order([.. Names(levels)], [.. Names(levels)]);
            foreach (StudyPair pair in pairs)
            {
                if (pair.Number(quantity, metric) is { } number) map.Add(pair.Target, pair.Source, number.Value);
            }
            section.HeatMap(map).Figure(MatrixFigure.Draw(map, new FigureOptions { Name = PairSection.FigureName($"levels {metric}"), Caption = map.Caption }));
        }
        if (levels.Replacements.Count == 0) return;
        ReportTable table = new(
            "One level taken from another test image. Share: the change over that to the other image's reconstruction, 0 for a level that changes nothing.",
            [ReportColumn.Text("model"), ReportColumn.Text("level replaced"), ReportColumn.Metric("pixel MSE to its own reconstruction"), ReportColumn.Metric("pixel MSE to the other's"), ReportColumn.Number("share")]);
        foreach (LevelReplacement replaced in levels.Replacements) table.AddRow(replaced.Model, replaced.Level, replaced.ToOwn, replaced.ToDonor, double.IsNaN(replaced.Share) ? null : replaced.Share);
        section.Table(table);
    }

    private static IEnumerable<string> Names(LevelStudyResult levels) => levels.Study.Models.Where(model => !model.IsControl).Select(model => model.Name);
}
