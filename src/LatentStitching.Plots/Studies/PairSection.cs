using LatentStitching.Metrics;
using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Plots;

/// <summary>All pairs: heat maps, each pair beside its bounds, types of pairs, and maps that are composed.</summary>
internal static class PairSection
{
    public static void Add(Report report, StudyResult study)
    {
        foreach (IGrouping<StudyProtocol, StudyPair> group in study.Pairs.GroupBy(pair => pair.Protocol))
        {
            bool shared = group.Key == StudyProtocol.SharedImages;
            ReportSection section = report.Section(shared ? "All pairs" : "All pairs, images drawn by the models");
            section.Paragraph(shared
                ? "Rows are decoders, columns are encoders; the last columns are controls, encoders that know nothing. A framed cell is a model with itself: its own reconstruction, the ceiling of its row."
                : "Pairs with a model that has no encoder, on images that it drew from its prior, whose latents are known.");
            StudyPair[] pairs = [.. group];
            Maps(section, study, pairs, shared ? "" : "-drawn");
            Bounds(section.Section("Each pair beside its bounds"), study, pairs);
        }
        Kinds(report, study);
        Paths(report, study);
    }

    private static void Maps(ReportSection section, StudyResult study, StudyPair[] pairs, string suffix)
    {
        (StudyQuantity Quantity, string Metric)[] shown =
        [
            .. pairs.SelectMany(pair => pair.Numbers)
                .Where(number => number.Attribute is null && number.Quantity is StudyQuantity.Latent or StudyQuantity.Similarity or StudyQuantity.Image or StudyQuantity.Distribution or StudyQuantity.Recovered)
                .Select(number => (number.Quantity, number.Value.Info.Name)).Distinct().OrderBy(one => Array.IndexOf(_order, one.Quantity)),
        ];
        foreach ((StudyQuantity quantity, string metric) in shown)
        {
            ReportHeatMap map = Map(study, pairs, quantity, metric);
            section.HeatMap(map);
            section.Figure(HeatMapFigure.Draw(map, new FigureOptions { Name = FigureName(quantity == StudyQuantity.Recovered ? $"recovered{suffix}" : $"{quantity}-{metric}{suffix}"), Caption = map.Caption }));
        }
    }

    private static readonly StudyQuantity[] _order = [StudyQuantity.Recovered, StudyQuantity.Latent, StudyQuantity.Image, StudyQuantity.Distribution, StudyQuantity.Similarity];

    private static ReportHeatMap Map(StudyResult study, StudyPair[] pairs, StudyQuantity quantity, string metric)
    {
        (string Row, string Column, MetricValue Value)[] cells =
        [
            .. from pair in pairs let number = pair.Number(quantity, metric) where number is not null select (pair.Target, pair.Source, number.Value),
            .. from name in pairs.Select(pair => pair.Target).Distinct(StringComparer.Ordinal)
               where quantity is StudyQuantity.Image or StudyQuantity.Distribution
               let own = study.Models.First(model => model.Name == name).Number(quantity, metric)
               where own is not null && pairs.Any(pair => pair.Number(quantity, metric) is { } number && number.Value.Info.Signature == own.Value.Info.Signature && number.Value.Count == own.Value.Count)
               select (name, name, own.Value),
        ];
        double[] values = [.. cells.Select(cell => cell.Value.Value).Where(double.IsFinite)];
        bool wide = values.Length > 0 && values.Min() > 0 && values.Max() > 20 * values.Min();
        ReportHeatMap map = new ReportHeatMap(quantity == StudyQuantity.Recovered ? Title(quantity) : $"{Title(quantity)}: {metric}", scale: wide && values.Length == cells.Length ? HeatMapScale.Logarithmic : HeatMapScale.Linear).Order(
            [.. study.Models.Select(model => model.Name).Where(name => pairs.Any(pair => pair.Target == name))],
            [.. study.Models.Select(model => model.Name).Where(name => pairs.Any(pair => pair.Source == name))]);
        foreach ((string row, string column, MetricValue value) in cells) map.Add(row, column, value);
        return map;
    }

    private static void Bounds(ReportSection section, StudyResult study, StudyPair[] pairs)
    {
        string? latent = First(pairs, StudyQuantity.Latent, "normalised latent MSE"), image = First(pairs, StudyQuantity.Image, "pixel MSE");
        bool grouped = pairs.Any(pair => pair.Fit is { LeaveOneOutR2: null, CrossValidatedR2: not null });
        ReportTable table = new(
            "Ceiling: the target's own latents or reconstruction. Floor: a map that always gives the mean latent. Control: the better of the encoders that know nothing. Strength: of the ridge penalty"
            + (grouped ? ". R² of rows left out: in groups or folds where the map was judged so." : ", chosen by leave-one-out."),
            [
                ReportColumn.Text("source → target"), ReportColumn.Metric("recovered"), .. latent is null ? (ReportColumn[])[] : [ReportColumn.Metric(latent)], .. image is null ? (ReportColumn[])[] : [ReportColumn.Metric(image)],
                ReportColumn.Number(grouped ? "R², rows left out" : "R², leave-one-out"), ReportColumn.Number("strength"), ReportColumn.Number("pairs fitted"),
            ]);
        foreach (StudyPair pair in pairs)
        {
            StudyNumber? recovered = pair.Number(StudyQuantity.Recovered);
            table.AddRow(
            [
                $"{pair.Source} → {pair.Target}", recovered is null ? null : Bounded(recovered), .. latent is null ? (object?[])[] : [Bounded(pair.Number(StudyQuantity.Latent, latent))],
                .. image is null ? (object?[])[] : [Bounded(pair.Number(StudyQuantity.Image, image))], pair.Fit.LeaveOneOutR2 ?? pair.Fit.CrossValidatedR2, pair.Fit.Alpha, pair.Fit.SampleCount,
            ]);
        }
        section.Table(table);
    }

    private static BoundedMetric? Bounded(StudyNumber? number)
    {
        if (number is null) return null;
        MetricValue[] controls = [.. number.Controls.Select(control => control.Value).Where(value => double.IsFinite(value.Value))];
        return new BoundedMetric
        {
            Value = number.Value,
            Ceiling = number.Ceiling,
            Floor = number.MeanFloor,
            Control = number.Value.Info.Direction == MetricDirection.HigherIsBetter ? controls.MaxBy(value => value.Value) : controls.MinBy(value => value.Value),
        };
    }

    private static void Kinds(Report report, StudyResult study)
    {
        IReadOnlyList<MapKindSummary> kinds = MapKinds.Summarise(study);
        if (kinds.Count == 0) return;
        ReportTable table = new("Mean over pairs, with the lowest and the highest.", [ReportColumn.Text("type"), ReportColumn.Text("number"), ReportColumn.Number("pairs"), ReportColumn.Number("mean"), ReportColumn.Number("lowest"), ReportColumn.Number("highest")]);
        foreach (MapKindSummary kind in kinds)
        {
            foreach (MapKindNumber number in kind.Numbers.Where(number => number.Quantity is StudyQuantity.Recovered or StudyQuantity.Latent or StudyQuantity.Image or StudyQuantity.Similarity))
            {
                table.AddRow(Words(kind.Kind), $"{Title(number.Quantity)}: {number.Metric}", number.Pairs, number.Mean, number.Least, number.Most);
            }
        }
        report.Section("Types of pairs")
            .Paragraph("Asperti and Tonelli's types: 1, two trainings of one model; 2, two models of one objective; 3, two objectives.")
            .Table(table);
    }

    private static void Paths(Report report, StudyResult study)
    {
        if (study.Paths.Count == 0) return;
        ReportSection section = report.Section("Cycles and paths");
        ReportHeatMap cycles = new("Cycle: error of a latent after the map there and the map back, over its variance", "start", "through");
        foreach (StudyPath path in study.Paths.Where(path => path.Quantity == StudyQuantity.Cycle)) cycles.Add(path.Models[0], path.Models[1], path.Error);
        if (cycles.Rows.Count > 0) section.HeatMap(cycles);
        StudyPath[] ways = [.. study.Paths.Where(path => path is { Quantity: StudyQuantity.Path, Direct: not null, Difference: not null })];
        if (ways.Length == 0) return;
        ReportTable table = new(
            "Maps through a third model beside the direct map, mean over all middle models: error over the target's variance, and the difference between both ways.",
            [ReportColumn.Text("source → target"), ReportColumn.Number("ways"), ReportColumn.Number("through a third"), ReportColumn.Number("direct"), ReportColumn.Number("difference")]);
        foreach (IGrouping<(string, string), StudyPath> pair in ways.GroupBy(path => (path.Models[0], path.Models[2])))
        {
            table.AddRow($"{pair.Key.Item1} → {pair.Key.Item2}", pair.Count(), pair.Average(path => path.Error.Value), pair.Average(path => path.Direct!.Value), pair.Average(path => path.Difference!.Value));
        }
        section.Table(table);
    }

    private static string? First(StudyPair[] pairs, StudyQuantity quantity, string preferred) =>
        pairs.SelectMany(pair => pair.Numbers).Where(number => number.Quantity == quantity).Select(number => number.Value.Info.Name).Distinct(StringComparer.Ordinal).OrderByDescending(name => name == preferred).FirstOrDefault();

    private static string Words(MapKind kind) => kind switch
    {
        MapKind.SameModel => "1, two trainings",
        MapKind.SameObjective => "2, one objective",
        _ => "3, two objectives",
    };

    private static string Title(StudyQuantity quantity) => quantity switch
    {
        StudyQuantity.Recovered => "Share recovered",
        StudyQuantity.Latent => "Mapped latents",
        StudyQuantity.Image => "Stitched images",
        StudyQuantity.Distribution => "Stitched images as a set",
        StudyQuantity.ImageToOwn => "Stitched images against the target's own",
        _ => "Spaces without a map",
    };

    internal static string FigureName(string words)
    {
        string spelled = words.Replace("²", "2", StringComparison.Ordinal).ToLowerInvariant();
        return string.Join('-', string.Concat(spelled.Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : ' ')).Split(' ', StringSplitOptions.RemoveEmptyEntries));
    }
}
