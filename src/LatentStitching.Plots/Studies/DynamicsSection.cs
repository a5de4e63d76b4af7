using LatentStitching.Metrics;
using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Plots;

/// <summary>How latent spaces came to be, as figure 6 of the published study.</summary>
internal static class DynamicsSection
{
    public static void Add(Report report, IReadOnlyList<(string Model, TrainingDynamicsResult Result)> dynamics)
    {
        if (dynamics.Count == 0) return;
        ReportSection section = report.Section("Training dynamics");
        section.Paragraph("Checkpoints of one training against its end. Convergence is R² of the map to the final model, from 0 at the first checkpoint to 1 at the last. The axis is images seen, repeats counted.");
        foreach ((string model, TrainingDynamicsResult result) in dynamics) section.Table(Table(model, result));
        Draw(section, dynamics, "convergence", "Convergence to the final model.", point => (point.Convergence, null));
        Draw(section, dynamics, "cka", "Linear CKA with the final model.", point => (point.CkaToFinal?.Value ?? 1, point.CkaToFinal));
        Draw(section, dynamics, "probes", "Mean balanced accuracy of a checkpoint's own probes.", point => (point.ProbeAccuracy, null));
        Draw(section, dynamics, "transfer", "Mean balanced accuracy of the final model's probes on mapped latents.", point => (point.TransferredAccuracy, null));
    }

    private static ReportTable Table(string model, TrainingDynamicsResult result)
    {
        ReportTable table = new(
            $"{model}: converged after {NumberOf(result.ConvergedShare)} of its training (threshold {NumberOf(result.Threshold)}).",
            [
                ReportColumn.Number("images seen"), ReportColumn.Number("convergence"), ReportColumn.Metric("R² to final"), ReportColumn.Metric("error to final"), ReportColumn.Metric("CKA to final"), ReportColumn.Metric("CKA to next"),
                ReportColumn.Metric("own reconstruction"), ReportColumn.Number("probes, own"), ReportColumn.Number("probes, transferred"),
            ]);
        foreach (TrainingDynamicsPoint point in result.Points)
        {
            table.AddRow(point.ImagesSeen, point.Convergence, point.R2ToFinal, point.ErrorToFinal, point.CkaToFinal, point.CkaToNext, point.Reconstruction, Known(point.ProbeAccuracy), Known(point.TransferredAccuracy));
        }
        return table;
    }

    private static void Draw(ReportSection section, IReadOnlyList<(string Model, TrainingDynamicsResult Result)> dynamics, string name, string caption, Func<TrainingDynamicsPoint, (double Value, MetricValue? Measured)> of)
    {
        List<LineSeries> series = [];
        foreach ((string model, TrainingDynamicsResult result) in dynamics)
        {
            // On a logarithmic axis the untrained model stands at one image.
            (double X, double Value, MetricValue? Measured)[] points = [.. result.Points.Select(point => (Math.Max(1, (double)point.ImagesSeen), of(point).Value, of(point).Measured)).Where(point => double.IsFinite(point.Value))];
            if (points.Length == 0) continue;
            bool banded = points.Any(point => point.Measured is { } measured && !double.IsNaN(measured.Lower));
            series.Add(new LineSeries
            {
                Name = model,
                X = [.. points.Select(point => point.X)],
                Y = [.. points.Select(point => point.Value)],
                Lower = banded ? [.. points.Select(point => End(point.Measured?.Lower, point.Value))] : null,
                Upper = banded ? [.. points.Select(point => End(point.Measured?.Upper, point.Value))] : null,
            });
        }
        if (series.Count == 0) return;
        section.Figure(LineFigure.Draw(series, new FigureOptions { Name = $"training-{name}", Caption = caption, HorizontalTitle = "images seen (the untrained model at 1)", VerticalTitle = caption.TrimEnd('.') }, new LineOptions { LogarithmicX = true }));
    }

    private static double End(double? end, double value) => end is { } number && !double.IsNaN(number) ? number : value;

    private static double? Known(double value) => double.IsNaN(value) ? null : value;

    private static string NumberOf(double value) => value.ToString("0.###", System.Globalization.CultureInfo.InvariantCulture);
}
