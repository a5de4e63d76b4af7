using LatentStitching.Metrics;
using LatentStitching.Probing;

namespace LatentStitching.Studies;

/// <summary>What probes say of latents, as numbers of a study. Accuracies are those of <see cref="ProbeEvaluation"/> under the study's names; their signatures also name the trainer.</summary>
internal sealed class ProbeScores(string trainer, ProbeLabels labels)
{
    private const string Published = "Badrinath et al., All Roads Lead to Rome? (arXiv:2407.13449)";

    private readonly int[] _once = [.. Enumerable.Repeat(1, labels.Count)];
    private readonly MetricInfo _change = Info("accuracy change", "accuracy-change", "accuracy on mapped latents minus that on the target's own", trainer);
    private readonly MetricInfo _agreement = Info("probe agreement", "agreement", "share of images with the same label from mapped latents and the target's own", trainer);

    /// <summary>Labels [attribute][row]: 1, 0, or −1 for neither.</summary>
    public static sbyte[][] Predict(LinearProbes probes, Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor predicted = probes.Predict(latents).t().contiguous();
        return [.. Enumerable.Range(0, probes.Names.Count).Select(attribute => predicted[attribute].data<sbyte>().ToArray())];
    }

    /// <summary>A model's probes on its own latents.</summary>
    public IEnumerable<StudyNumber> Own(IReadOnlyList<ProbeScore> own, sbyte[][] mean)
    {
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            ProbeJudgement floor = Judgement(mean[attribute], attribute);
            MetricValue balanced = Balanced(own[attribute]), accuracy = Accuracy(own[attribute]);
            yield return Number(StudyQuantity.BalancedAccuracy, attribute, balanced, null, Floor(balanced, floor.BalancedAccuracy(_once)), null);
            yield return Number(StudyQuantity.Accuracy, attribute, accuracy, null, Floor(accuracy, floor.Accuracy(_once)), null);
        }
    }

    /// <summary>A target's probes on mapped latents of labelled images.</summary>
    public IEnumerable<StudyNumber> Mapped(IReadOnlyList<ProbeScore> mapped, sbyte[][] shuffled, IReadOnlyList<StudyNumber> alone, ulong seed)
    {
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            ProbeJudgement floor = Judgement(shuffled[attribute], attribute);
            MetricValue balanced = Balanced(mapped[attribute]), accuracy = Accuracy(mapped[attribute]);
            StudyNumber best = Own(StudyQuantity.BalancedAccuracy), own = Own(StudyQuantity.Accuracy);
            yield return Number(StudyQuantity.BalancedAccuracy, attribute, balanced, best.Value, best.MeanFloor, Floor(balanced, floor.BalancedAccuracy(_once)));
            yield return Number(StudyQuantity.Accuracy, attribute, accuracy, own.Value, own.MeanFloor, Floor(accuracy, floor.Accuracy(_once)));
            yield return Number(StudyQuantity.AccuracyChange, attribute, StudyValues.Mean(_change, [.. accuracy.PerImage.Zip(own.Value.PerImage, (after, before) => after - before)], seed), null, null, null);

            StudyNumber Own(StudyQuantity quantity) => alone.First(number => number.Quantity == quantity && number.Attribute == labels.Names[attribute]);
        }
    }

    /// <summary>Whether a target's probes say the same of mapped latents and of its own: needs no labels.</summary>
    public IEnumerable<StudyNumber> Agreement(sbyte[][] mapped, sbyte[][] own, sbyte[][] mean, sbyte[][] shuffled, ulong seed)
    {
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            sbyte[] reference = own[attribute];
            yield return Number(
                StudyQuantity.Agreement,
                attribute,
                StudyValues.Mean(_agreement, Same(mapped[attribute], reference), seed),
                StudyValues.Plain(_agreement, Same(reference, reference)),
                StudyValues.Plain(_agreement, Same(mean[attribute], reference)),
                StudyValues.Plain(_agreement, Same(shuffled[attribute], reference)));
        }
    }

    private static MetricInfo Info(string name, string id, string unit, string trainer) =>
        new() { Name = name, Direction = MetricDirection.HigherIsBetter, Unit = unit, Reference = Published, Signature = $"{id}|{trainer}" };

    private static MetricValue Floor(MetricValue value, double floor) => StudyValues.Single(value.Info, floor, value.Count);

    private static double[] Same(sbyte[] a, sbyte[] b) => [.. a.Zip(b, (x, y) => x == y ? 1.0 : 0.0)];

    private MetricValue Balanced(ProbeScore score) => Named(score.BalancedAccuracy, "balanced accuracy");

    private MetricValue Accuracy(ProbeScore score) => Named(score.Accuracy, "probe accuracy");

    private MetricValue Named(MetricValue value, string name) => value with { Info = value.Info with { Name = name, Signature = $"{value.Info.Signature}|{trainer}" } };

    // Floors rest on labels alone, so no row scores above another.
    private ProbeJudgement Judgement(sbyte[] predicted, int attribute)
    {
        bool[] label = [.. Enumerable.Range(0, labels.Count).Select(row => labels[row, attribute])];
        return new ProbeJudgement(label, new double[label.Length], [.. predicted.Select((said, row) => said == (label[row] ? 1 : 0))]);
    }

    private StudyNumber Number(StudyQuantity quantity, int attribute, MetricValue value, MetricValue? ceiling, MetricValue? mean, MetricValue? shuffled) =>
        new() { Quantity = quantity, Attribute = labels.Names[attribute], Value = value, Ceiling = ceiling, MeanFloor = mean, ShuffledFloor = shuffled };
}
