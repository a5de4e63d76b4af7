using LatentStitching.Metrics;
using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Plots;

/// <summary>How many images a map needs.</summary>
internal static class SupportSection
{
    public static void Add(Report report, IReadOnlyList<SupportSetResult> supports)
    {
        if (supports.Count == 0) return;
        ReportSection section = report.Section("How many images a map needs");
        section.Paragraph("Maps fitted to support sets of growing size, several of each; the last point is the whole set. Bands reach from the lowest to the highest of the sets of one size.");
        section.Figure(Draw(supports, "support-latent", "Normalised latent error against the size of the support set.", "normalised latent MSE", point => point.Errors));
        section.Figure(Draw(supports, "support-image", "Pixel MSE of the stitched images against the size of the support set.", "pixel MSE", point => point.ImageErrors));
    }

    private static ReportFigure Draw(IReadOnlyList<SupportSetResult> supports, string name, string caption, string axis, Func<SupportSetStudyPoint, IReadOnlyList<MetricValue>> of) => LineFigure.Draw(
        [.. supports.Select(support => new LineSeries
        {
            Name = $"{support.Source} → {support.Target}",
            X = [.. support.Points.Select(point => (double)point.Size)],
            Y = [.. support.Points.Select(point => of(point).Average(value => value.Value))],
            Lower = [.. support.Points.Select(point => of(point).Min(value => value.Value))],
            Upper = [.. support.Points.Select(point => of(point).Max(value => value.Value))],
        })],
        new FigureOptions { Name = name, Caption = caption, HorizontalTitle = "images in the support set", VerticalTitle = axis },
        new LineOptions { LogarithmicX = true, LogarithmicY = true });
}
