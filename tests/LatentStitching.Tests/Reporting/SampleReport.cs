using LatentStitching.Metrics;
using LatentStitching.Plots;
using LatentStitching.Reporting;

namespace LatentStitching.Tests.Reporting;

/// <summary>A report of the shape of a study's, from invented numbers, and it says so.</summary>
internal static class SampleReport
{
    private static readonly string[] _models = ["vae", "split-vae", "vq-vae", "gan", "stylegan2", "glow", "ddim"];

    public static Report Build()
    {
        Report report = new("Sample report: every number is invented", "This file shows how a report looks. Nothing in it was measured: the numbers are made up by a formula, and no conclusion may be drawn from them.");
        report.Section("Findings").Paragraph("What the published studies found, and whether these (invented) numbers say the same.").Findings(Findings());
        ReportSection pairs = report.Section("All pairs");
        pairs.Paragraph("Rows are decoders, columns are encoders. The random encoder is the control: what a map can do without any knowledge of the image.");
        ReportHeatMap errors = Errors();
        pairs.HeatMap(errors);
        pairs.Figure(HeatMapFigure.Draw(errors, new FigureOptions { Name = "latent-mse", Caption = "Latent MSE of every pair, as figure 3." }));
        pairs.Section("Each pair beside its bounds").Table(Bounds());
        report.Section("Reconstructions").Figure(Images());
        ReportSection probes = report.Section("Probes");
        probes.HeatMap(Changes());
        probes.Figure(BarFigure.Draw(Accuracies(), new FigureOptions { Name = "probe-accuracy", Caption = "Accuracy of linear probes on each latent space.", HorizontalTitle = "accuracy" }, horizontal: true));
        probes.Figure(BarFigure.Draw([Ranking()], new FigureOptions { Name = "attribute-ranking", Caption = "Attributes by agreement over all pairs.", VerticalTitle = "agreement" }));
        report.Section("Training dynamics").Figure(LineFigure.Draw(
            Curves(), new FigureOptions { Name = "training", Caption = "Latent MSE to the final model while it trains.", HorizontalTitle = "images seen", VerticalTitle = "latent MSE" }, new LineOptions { LogarithmicX = true }));
        report.Section("Levels").Figure(MatrixFigure.Draw(Levels(), new FigureOptions { Name = "levels", Caption = "R² of every level from every level.", Title = "Levels" }));
        return report.Provenance("library", "LatentStitching 0.1.0").Provenance("seed", "17").Provenance("images", "procedural-faces|n:2000|size:32|sha256:6f1ed002ab5595859014ebf0951522d96f1ed002ab5595859014ebf0951522d9");
    }

    private static ReportFinding[] Findings() =>
    [
        new()
        {
            Id = "F1", State = FindingState.Reproduced, Statement = "The stitches that reconstruct best use the encoders of the VQ-VAE and the flow.",
            Explanation = "Mean latent MSE over all decoders, a number for each encoder; the two lowest are those.",
            Numbers = [ReportNumber.Of("vq-vae, mean over decoders", Value(0.0412, 0.0021)), ReportNumber.Of("glow, mean over decoders", Value(0.0455, 0.0019)), ReportNumber.Of("next best (ddim)", Value(0.0611, 0.0027))],
        },
        new()
        {
            Id = "F6", State = FindingState.NotReproduced, Statement = "The flow's latent space settles early in training.",
            Explanation = "The error to the final model still falls by more than half after the second checkpoint.", Numbers = [new ReportNumber("share of the fall after checkpoint 2", 0.612, 0.571, 0.655)],
        },
        new() { Id = "F8", State = FindingState.NotTestable, Statement = "On CIFAR-10 the class is represented differently by each model.", Explanation = "No CIFAR-10 images were given; pass --images." },
    ];

    private static ReportHeatMap Errors()
    {
        ReportHeatMap map = new("Latent MSE", scale: HeatMapScale.Logarithmic);
        for (int d = 0; d < _models.Length; d++)
        {
            map.Add(_models[d], "random", Value(0.93 + (0.01 * d), 0.011));
            for (int e = 0; e < _models.Length; e++)
            {
                double value = d == e ? 0.0041 * (1 + (0.3 * d)) : 0.03 * (1 + (((3 * d) + (5 * e)) % 7)) * (e is 2 or 5 ? 0.4 : 1);
                map.Add(_models[d], _models[e], Value(value, 0.031 * value) with { Warning = d == 1 && e == 3 ? "The map reached its iteration limit." : null });
            }
        }
        return map;
    }

    private static ReportTable Bounds()
    {
        ReportTable table = new("Stitches beside ceiling, floor and control", [ReportColumn.Text("encoder → decoder"), ReportColumn.Number("encoder width"), ReportColumn.Metric("latent MSE"), ReportColumn.Metric("R²")]);
        MetricInfo r2 = Measured.Info("R²", MetricDirection.HigherIsBetter, "r2|space:latent|average:uniform");
        for (int i = 1; i < 5; i++)
        {
            double error = 0.021 * i;
            table.AddRow(
                $"{_models[i]} → {_models[0]}", 128 * i,
                new BoundedMetric { Value = Value(error, 0.0013), Ceiling = Value(0.0041, 0.0002), Floor = Value(0.4961, 0.013), Control = Value(0.9321, 0.011) },
                new BoundedMetric { Value = Value(0.95 - (0.04 * i), 0.0071, r2), Ceiling = Value(0.9921, 0.0009, r2), Floor = Value(-0.0034, 0.0041, r2) });
        }
        return table;
    }

    private static ReportFigure Images()
    {
        using var scope = NewDisposeScope();
        Tensor ramp = linspace(0, 1, 24).reshape(1, 1, 1, 24).expand(4, 3, 24, 24);
        (string, Tensor)[] entries = [.. new[] { "original" }.Concat(_models).Select((name, i) => ($"{name}{(i == 0 ? "" : $" {0.02 * i:0.00}")}", (ramp * (1 - (0.1 * i))).clamp(0, 1)))];
        return ReportFigure.FromImages(
            "reconstructions", "Four images through the encoder of each model and the decoder of the VAE, latent MSE above.", "A grid of grey ramps; each column is darker than the one before.", entries,
            new ImageGridOptions { ImageLabels = ["image 9018", "image 9061", "image 9067", "image 9086"], Scale = 3 });
    }

    private static ReportHeatMap Changes()
    {
        ReportHeatMap map = new ReportHeatMap("Change of probe accuracy by mapping", "probe of", "latents of", HeatMapScale.Diverging).Order(_models[..5], _models[..5]);
        for (int d = 0; d < 5; d++)
        {
            for (int e = 0; e < 5; e++)
            {
                if (d != e) map.Add(_models[d], _models[e], 0.043 * (((2 * e) - d) % 4));
            }
        }
        return map;
    }

    private static BarSeries[] Accuracies() =>
        [.. _models.Take(4).Select((model, m) => new BarSeries
        {
            Name = model,
            Values = [.. new[] { "Male", "Smiling", "Eyeglasses", "Heavy_Makeup", "No_Beard" }.Select((name, a) => new ReportNumber(name, 0.93 - (0.03 * a) - (0.02 * m), 0.915 - (0.03 * a) - (0.02 * m), 0.944 - (0.03 * a) - (0.02 * m)))],
        })];

    private static BarSeries Ranking() => new()
    {
        Name = "agreement",
        Values = [.. new[] { "Male", "Heavy_Makeup", "Wearing_Lipstick", "No_Beard", "Smiling", "Eyeglasses", "Blond_Hair", "Bangs", "Young", "Wavy_Hair", "Wearing_Necktie", "Bald" }
            .Select((name, i) => new ReportNumber(name, 0.95 - (0.03 * i), 0.93 - (0.03 * i), 0.965 - (0.03 * i)))],
    };

    private static LineSeries[] Curves() =>
        [.. new[] { "vae", "glow" }.Select((name, m) =>
        {
            double[] x = [1000, 2000, 5000, 10000, 20000, 50000, 100000];
            double[] y = [.. x.Select(seen => (1 + (0.3 * m)) * Math.Exp(-seen / (12000 * (1 + m))))];
            return new LineSeries { Name = name, X = x, Y = y, Lower = [.. y.Select(value => 0.9 * value)], Upper = [.. y.Select(value => (1.1 * value) + 0.01)] };
        })];

    private static ReportHeatMap Levels()
    {
        ReportHeatMap map = new("R² of every level from every level", "to", "from");
        string[] levels = ["vae/z", "glow/z1", "glow/z2", "glow/z3", "glow/z4", "stylegan2/w", "stylegan2/s4", "stylegan2/s8"];
        for (int i = 0; i < levels.Length; i++)
        {
            for (int j = 0; j < levels.Length; j++) map.Add(levels[i], levels[j], i == j ? 1 : 0.98 / (1 + Math.Abs(i - j)));
        }
        return map;
    }

    private static MetricValue Value(double value, double half, MetricInfo? info = null) => Measured.Value(value, half, info);
}
