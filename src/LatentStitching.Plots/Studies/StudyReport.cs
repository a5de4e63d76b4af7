using System.Globalization;
using LatentStitching.Reporting;
using LatentStitching.Studies;
using FindingState = LatentStitching.Studies.FindingState;

namespace LatentStitching.Plots;

/// <summary>Makes the report of a study: findings in plain words, heat maps of all pairs, image grids, probes, training dynamics, levels, support sets and edits, each number beside what it must be judged by.</summary>
/// <remarks>
/// <para>Layout after Badrinath et al., "All Roads Lead to Rome?" (arXiv:2407.13449): image grids as figures 1 and 2, heat maps with decoders as rows and encoders as columns as figure 3, probes as figures 4 and 5, training as figure 6.
/// Types of pairs after Asperti and Tonelli (arXiv:2207.06812).</para>
/// <para>The same content gives the same bytes.</para>
/// </remarks>
public static class StudyReport
{
    /// <summary>Makes a report.</summary>
    /// <param name="content">What was found.</param>
    /// <returns>The report; <see cref="Report.Save"/> writes it.</returns>
    /// <exception cref="ArgumentException">A figure's name comes twice, or a text is blank.</exception>
    public static Report Create(StudyReportContent content)
    {
        ArgumentNullException.ThrowIfNull(content);
        StudyResult study = content.Study;
        Report report = new(content.Title, content.Summary ?? Sizes(study));
        Findings(report, content);
        ModelSection.Add(report, study);
        PairSection.Add(report, study);
        if (content.Examples is { } examples) GridSection.Add(report, study, examples, content.ShownExamples);
        ProbeSection.Add(report, study);
        DynamicsSection.Add(report, content.Dynamics);
        if (content.Levels is { } levels) LevelSection.Add(report, levels);
        SupportSection.Add(report, content.Supports);
        if (content.Edits.Count > 0)
        {
            ReportSection edits = report.Section("Edits carried across");
            edits.Paragraph("A direction found in one model's latents is carried through the map into another's, and that decoder draws the edited images. The middle column is the unedited image.");
            foreach (ReportFigure figure in content.Edits) edits.Figure(figure);
        }
        Failed(report, study);
        return Footer(report, content);
    }

    private static void Findings(Report report, StudyReportContent content)
    {
        IReadOnlyList<Finding> findings = Studies.Findings.Evaluate(new FindingEvidence { Study = content.Study, Dynamics = [.. content.Dynamics.Select(dynamics => dynamics.Result)], Levels = content.Levels });
        report.Section("Findings")
            .Paragraph("What the published studies found, and whether these numbers, of one set of models and images, say the same. Each is judged by a fixed rule; reproduced means that the numbers agree with the claim, not that it is proved.")
            .Findings([.. findings.Select(finding => new ReportFinding
            {
                Id = finding.Id,
                Statement = $"{finding.Claim} ({finding.Reference})",
                State = finding.State switch
                {
                    FindingState.Reproduced => Reporting.FindingState.Reproduced,
                    FindingState.NotReproduced => Reporting.FindingState.NotReproduced,
                    _ => Reporting.FindingState.NotTestable,
                },
                Explanation = $"{finding.Words} Rule: {finding.Rule}",
                Numbers = [.. finding.Numbers.Select(number => new ReportNumber(number.Name, number.Value))],
            })]);
    }

    private static void Failed(Report report, StudyResult study)
    {
        if (study.Failures.Count == 0 && study.Unpairable.Count == 0) return;
        ReportSection section = report.Section("What is missing");
        if (study.Unpairable.Count > 0) section.Paragraph($"These cannot be paired, for neither model has an encoder: {string.Join("; ", study.Unpairable)}.");
        if (study.Failures.Count == 0) return;
        ReportTable table = new("Parts that failed; the others are not affected.", [ReportColumn.Text("part"), ReportColumn.Text("step"), ReportColumn.Text("why")]);
        foreach (StudyFailure failure in study.Failures) table.AddRow(failure.Item, failure.Step, $"{failure.Error}: {failure.Message}");
        section.Table(table);
    }

    private static Report Footer(Report report, StudyReportContent content)
    {
        StudyManifest manifest = content.Study.Manifest;
        report.Provenance("library", $"LatentStitching {manifest.Library}, TorchSharp {manifest.TorchSharp}").Provenance("seed", manifest.Seed.ToString(CultureInfo.InvariantCulture))
            .Provenance("images", $"{manifest.Images}, {manifest.ImagesFingerprint}").Provenance("pixels", manifest.PixelsFingerprint).Provenance("split", $"{manifest.Split}, {manifest.SplitFingerprint}")
            .Provenance("maps", manifest.Fitter).Provenance("probes", manifest.Probes);
        foreach (StudyModel model in content.Study.Models.Where(model => !model.IsControl)) report.Provenance($"weights of {model.Name}", model.Fingerprint);
        report.Provenance("study", manifest.Fingerprint);
        foreach ((string name, string value) in content.Provenance) report.Provenance(name, value);
        return report;
    }

    private static string Sizes(StudyResult study) =>
        $"{study.Models.Count(model => !model.IsControl)} models, {study.Pairs.Count(pair => !pair.IsControl)} pairs; images: {study.Manifest.Images}, {study.Manifest.Split}. Numbers are measured on images that no map and no probe has seen; intervals are 95 %.";
}
