using System.Globalization;
using LatentStitching.Reporting;
using LatentStitching.Studies;

namespace LatentStitching.Plots;

/// <summary>Images stitched by every pair, as figures 1 and 2 of the published study: rows decoders, columns encoders, the latent error above each.</summary>
internal static class GridSection
{
    public static void Add(Report report, StudyResult study, StudyExamples examples, int shown)
    {
        ReportSection? section = null;
        foreach (IGrouping<string, StudyPair> images in study.Pairs.GroupBy(pair => pair.Images, StringComparer.Ordinal))
        {
            using Tensor? originals = examples.Images(images.Key);
            if (originals is null) continue;
            section ??= report.Section("Stitched images").Paragraph("Each row is a decoder: first the image, then what the decoder makes of its own latent, then of every encoder's latent after the linear map. Above each stitched image stands the pair's mean latent error on all test images.");
            for (int example = 0; example < Math.Min(shown, originals.size(0)); example++) section.Figure(Grid(study, [.. images], examples, originals, images.Key, example));
        }
    }

    private static ReportFigure Grid(StudyResult study, StudyPair[] pairs, StudyExamples examples, Tensor originals, string images, int example)
    {
        using var scope = NewDisposeScope();
        string[] targets = Ordered(study, pairs.Select(pair => pair.Target)), sources = Ordered(study, pairs.Select(pair => pair.Source));
        Tensor original = originals.narrow(0, example, 1), blank = ones_like(original);
        List<(string, Tensor)> rows = [];
        List<IReadOnlyList<string>> labels = [];
        foreach (string target in targets)
        {
            List<Tensor> cells = [original, examples.Own(target, images)?.narrow(0, example, 1) ?? blank];
            List<string> above = ["", "own"];
            foreach (string source in sources)
            {
                StudyPair? pair = Array.Find(pairs, pair => pair.Source == source && pair.Target == target);
                cells.Add((pair is null ? null : examples.Pair(pair))?.narrow(0, example, 1) ?? blank);
                above.Add(pair?.Number(StudyQuantity.Latent) is { } error ? error.Value.Value.ToString("g3", CultureInfo.InvariantCulture) : "");
            }
            rows.Add((target, cat(cells, 0)));
            labels.Add(above);
        }
        string number = (example + 1).ToString(CultureInfo.InvariantCulture);
        return ReportFigure.FromImages(
            PairSection.FigureName($"grid {images} {number}"),
            $"Test image {number} of {images}: rows decoders, columns encoders. Above each: {pairs.Select(pair => pair.Number(StudyQuantity.Latent)).OfType<StudyNumber>().FirstOrDefault()?.Value.Info.Name ?? "no latent error"}.",
            $"A grid of images: each of {targets.Length} decoders with each of {sources.Length} encoders.",
            rows,
            new ImageGridOptions { EntriesAsRows = true, ImageLabels = ["image", "itself", .. sources], CellLabels = labels, Scale = (int)Math.Clamp(72 / originals.size(3), 1, 3), FontSize = 12 });
    }

    private static string[] Ordered(StudyResult study, IEnumerable<string> names) => [.. study.Models.Select(model => model.Name).Intersect(names, StringComparer.Ordinal)];
}
