using LatentStitching.Metrics;
using LatentStitching.Plots;
using LatentStitching.Reporting;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Reporting;

public sealed class ReportExampleTests
{
    [Fact]
    public void Example_OfTheDocument_Runs()
    {
        using TempFolder temporary = new();
        string folder = temporary["report"];
        MetricValue stitched = Measured.Value(0.042, 0.0013), ownReconstruction = Measured.Value(0.004, 0.0002), meanPredictor = Measured.Value(0.496, 0.013);
        (string, string, MetricValue)[] measured = [("vae", "vae", ownReconstruction), ("vae", "glow", stitched), ("glow", "vae", meanPredictor)];

        #region document
        Report report = new Report("Stitching three models", "Latent MSE on 500 test images of procedural faces.");

        // The published findings first, in plain words, each with the numbers that decide it.
        report.Section("Findings").Findings(
        [
            new ReportFinding
            {
                Id = "F7", Statement = "Linear maps preserve most of the picture.", State = FindingState.Reproduced,
                Explanation = "The stitch explains most of what the target's own reconstruction does.",
                Numbers = [new ReportNumber("share explained", 0.871, 0.862, 0.879)],
            },
        ]);

        // One heat map: as a table of coloured cells, and as a figure. Values of different signatures are refused.
        ReportHeatMap errors = new ReportHeatMap("Latent MSE of every pair", rowTitle: "decoder", columnTitle: "encoder", HeatMapScale.Logarithmic);
        foreach ((string decoder, string encoder, MetricValue value) in measured) errors.Add(decoder, encoder, value);
        report.Section("All pairs").HeatMap(errors)
            .Figure(HeatMapFigure.Draw(errors, new FigureOptions { Name = "latent-mse", Caption = "Latent MSE of every pair." }));

        // A value beside what it can be at best and at worst.
        report.Section("One stitch").Table(
            new ReportTable("vae → glow", [ReportColumn.Text("pair"), ReportColumn.Number("width"), ReportColumn.Metric("latent MSE")])
                .AddRow("vae → glow", 512, new BoundedMetric { Value = stitched, Ceiling = ownReconstruction, Floor = meanPredictor }));

        report.Provenance("seed", "17").Provenance("library", "LatentStitching 0.1.0");
        report.Save(folder);   // report.html, report.md, report.json, figures/, tables/
        #endregion

        Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Should().HaveCount(6);
        string source = File.ReadAllText(Path.Combine(Repository.Root, "tests", "LatentStitching.Tests", "Reporting", "ReportExampleTests.cs"));
        string region = source.Split("#region document\n")[1].Split("        #endregion")[0].Replace("\n        ", "\n", StringComparison.Ordinal).Trim();
        File.ReadAllText(Path.Combine(Repository.Root, "docs", "reports.md")).Should().Contain($"{region}\n```");
    }
}
