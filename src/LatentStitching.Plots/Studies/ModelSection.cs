using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Plots;

/// <summary>The models, each alone: what every stitch is judged by.</summary>
internal static class ModelSection
{
    public static void Add(Report report, StudyResult study)
    {
        ReportSection section = report.Section("Models");
        section.Paragraph("Each model alone. Its own reconstruction is the ceiling of every stitch that ends in its decoder; the floor is the image of its mean latent.");
        foreach (IGrouping<bool, StudyModel> group in study.Models.Where(model => !model.IsControl).GroupBy(model => model.Encodes)) section.Table(Table(group.Key, [.. group]));
    }

    private static ReportTable Table(bool encodes, StudyModel[] models)
    {
        string[] metrics = [.. models.SelectMany(model => model.Own).Where(number => number.Quantity == StudyQuantity.Image).Select(number => number.Value.Info.Name).Distinct(StringComparer.Ordinal)];
        bool probed = models.Any(model => model.Own.Any(number => number.Quantity == StudyQuantity.BalancedAccuracy));
        ReportTable table = new(
            encodes ? "Models that encode, on the study's test images." : "Models without an encoder, on images that they drew from their own prior.",
            [
                ReportColumn.Text("model"), ReportColumn.Text("family"), ReportColumn.Number("latent numbers"), ReportColumn.Text("levels"),
                .. metrics.Select(metric => ReportColumn.Metric($"own {metric}")), .. probed ? (ReportColumn[])[ReportColumn.Number("probes, mean balanced accuracy")] : [],
            ]);
        foreach (StudyModel model in models)
        {
            double[] accuracies = [.. model.Own.Where(number => number.Quantity == StudyQuantity.BalancedAccuracy).Select(number => number.Value.Value)];
            table.AddRow(
            [
                model.Name, Words(model.Family), model.Dimension, string.Join(", ", model.Levels),
                .. metrics.Select(metric => model.Number(StudyQuantity.Image, metric) is { } own ? new BoundedMetric { Value = own.Value, Floor = own.MeanFloor } : null),
                .. probed ? (object?[])[accuracies.Length == 0 ? null : accuracies.Average()] : [],
            ]);
        }
        return table;
    }

    private static string Words(ModelFamily family) => family switch
    {
        ModelFamily.Vae => "VAE",
        ModelFamily.SplitVae => "Split-VAE",
        ModelFamily.VqVae => "VQ-VAE",
        ModelFamily.Gan => "GAN",
        ModelFamily.Flow => "normalising flow",
        ModelFamily.Diffusion => "diffusion",
        ModelFamily.Linear => "linear",
        ModelFamily.Autoencoder => "autoencoder",
        _ => "not told",
    };
}
