using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Plots;

/// <summary>What probes say: each space alone, what changes across maps, and which attributes are shared, as figures 4 and 5 of the published study.</summary>
internal static class ProbeSection
{
    public static void Add(Report report, StudyResult study)
    {
        StudyModel[] probed = [.. study.Models.Where(model => model.Own.Any(number => number.Quantity == StudyQuantity.BalancedAccuracy))];
        if (probed.Length == 0) return;
        ReportSection section = report.Section("Probes");
        section.Paragraph("Linear probes of each attribute, trained on each latent space on images that no map was fitted to, and read on the test images. Balanced accuracy counts both classes alike; half is chance.");
        ReportHeatMap own = Of("Balanced accuracy of each space's own probes", "latent space", probed.SelectMany(model => model.Own.Select(number => (model.Name, number))), StudyQuantity.BalancedAccuracy);
        section.HeatMap(own).Figure(HeatMapFigure.Draw(own, new FigureOptions { Name = "probe-accuracy", Caption = own.Caption }));
        (string, StudyNumber)[] numbers = [.. study.Pairs.Where(pair => !pair.IsControl).SelectMany(pair => pair.Numbers.Select(number => (pair.Protocol == StudyProtocol.SharedImages ? $"{pair.Source} → {pair.Target}" : $"{pair.Source} → {pair.Target} (drawn)", number)))];
        Table(section.Section("Change of accuracy across maps"), "Accuracy of the target's probes on mapped latents less that on the target's own, as a share of the test images; above zero the map helps", numbers, StudyQuantity.AccuracyChange, HeatMapScale.Diverging);
        Table(section.Section("Agreement across maps"), "Share of test images that get the same label from mapped latents and from the target's own", numbers, StudyQuantity.Agreement, HeatMapScale.Linear);
        Ranking(section, study);
    }

    private static void Table(ReportSection section, string caption, (string Row, StudyNumber Number)[] numbers, StudyQuantity quantity, HeatMapScale scale)
    {
        ReportHeatMap map = Of(caption, "map", numbers, quantity, scale);
        if (map.Rows.Count > 0) section.HeatMap(map);
    }

    // Attributes judged on different numbers of images are not comparable as metrics, so numbers are shown plain; their intervals are in the study's own files.
    private static ReportHeatMap Of(string caption, string rows, IEnumerable<(string Row, StudyNumber Number)> numbers, StudyQuantity quantity, HeatMapScale scale = HeatMapScale.Linear)
    {
        ReportHeatMap map = new(caption, rows, "attribute", scale);
        (string Row, StudyNumber Number)[] chosen = [.. numbers.Where(one => one.Number.Quantity == quantity)];
        bool alike = chosen.Select(one => (one.Number.Value.Info.Signature, one.Number.Value.Count)).Distinct().Count() <= 1;
        foreach ((string row, StudyNumber number) in chosen)
        {
            if (alike) map.Add(row, number.Attribute!, number.Value);
            else map.Add(row, number.Attribute!, number.Value.Value);
        }
        return map;
    }

    private static void Ranking(ReportSection section, StudyResult study)
    {
        ILookup<string, double> lifts = study.Pairs.Where(pair => !pair.IsControl).SelectMany(pair => pair.Numbers)
            .Where(number => number is { Quantity: StudyQuantity.Agreement, MeanFloor.Value: < 1 })
            .ToLookup(number => number.Attribute!, number => (number.Value.Value - number.MeanFloor!.Value) / (1 - number.MeanFloor.Value), StringComparer.Ordinal);
        if (lifts.Count == 0) return;
        section.Section("Which attributes models share").Figure(BarFigure.Draw(
            [new BarSeries { Name = "agreement beyond the mean latent's", Values = [.. lifts.OrderByDescending(lift => lift.Average()).Select(lift => new ReportNumber(lift.Key, lift.Average(), lift.Min(), lift.Max()))] }],
            new FigureOptions
            {
                Name = "attribute-ranking",
                Caption = "Attributes by agreement beyond that of the mean latent, as a share of what is left to 1: mean over all maps. The lines reach from the lowest map to the highest; they are no intervals.",
                HorizontalTitle = "agreement beyond the mean latent's",
            },
            horizontal: true));
    }
}
