using LatentStitching.Metrics;
using LatentStitching.Probing;

namespace LatentStitching.Studies;

/// <summary>What probes say of latents, row by row, so that everything has an interval by resampling images.</summary>
internal sealed class ProbeScores(string trainer, ProbeLabels labels)
{
    private const string Published = "Badrinath et al., All Roads Lead to Rome? (arXiv:2407.13449)";

    private readonly MetricInfo _balanced = Info("balanced accuracy", "balanced-accuracy", "mean of the two classes' shares of rightly labelled images", "Brodersen et al., The Balanced Accuracy and Its Posterior Distribution (ICPR 2010), eq. 3", trainer);
    private readonly MetricInfo _accuracy = Info("probe accuracy", "accuracy", "share of rightly labelled images", Published, trainer);
    private readonly MetricInfo _change = Info("accuracy change", "accuracy-change", "accuracy on mapped latents minus that on the target's own", Published, trainer);
    private readonly MetricInfo _agreement = Info("probe agreement", "agreement", "share of images with the same label from mapped latents and the target's own", Published, trainer);

    /// <summary>Labels [attribute][row]: 1, 0, or −1 for neither.</summary>
    public static sbyte[][] Predict(LinearProbes probes, Tensor latents)
    {
        using var scope = NewDisposeScope();
        Tensor predicted = probes.Predict(latents).t().contiguous();
        return [.. Enumerable.Range(0, probes.Names.Count).Select(attribute => predicted[attribute].data<sbyte>().ToArray())];
    }

    /// <summary>A model's probes on its own latents.</summary>
    public IEnumerable<StudyNumber> Own(sbyte[][] own, sbyte[][] mean, ulong seed)
    {
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            double[] right = Right(own[attribute], attribute), floor = Right(mean[attribute], attribute);
            yield return Number(StudyQuantity.BalancedAccuracy, attribute, StudyValues.Mean(_balanced, Balanced(right, attribute), seed), null, StudyValues.Plain(_balanced, Balanced(floor, attribute)), null);
            yield return Number(StudyQuantity.Accuracy, attribute, StudyValues.Mean(_accuracy, right, seed), null, StudyValues.Plain(_accuracy, floor), null);
        }
    }

    /// <summary>A target's probes on mapped latents of labelled images.</summary>
    public IEnumerable<StudyNumber> Mapped(sbyte[][] mapped, sbyte[][] own, sbyte[][] shuffled, IReadOnlyList<StudyNumber> ceiling, ulong seed)
    {
        for (int attribute = 0; attribute < labels.Names.Count; attribute++)
        {
            string name = labels.Names[attribute];
            double[] right = Right(mapped[attribute], attribute), ownRight = Right(own[attribute], attribute), floor = Right(shuffled[attribute], attribute);
            foreach ((StudyQuantity quantity, MetricInfo info, double[] values, double[] shuffledValues) in new[]
            {
                (StudyQuantity.BalancedAccuracy, _balanced, Balanced(right, attribute), Balanced(floor, attribute)),
                (StudyQuantity.Accuracy, _accuracy, right, floor),
            })
            {
                StudyNumber best = ceiling.First(number => number.Quantity == quantity && number.Attribute == name);
                yield return Number(quantity, attribute, StudyValues.Mean(info, values, seed), best.Value, best.MeanFloor, StudyValues.Plain(info, shuffledValues));
            }
            yield return Number(StudyQuantity.AccuracyChange, attribute, StudyValues.Mean(_change, [.. right.Zip(ownRight, (after, before) => after - before)], seed), null, null, null);
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

    private static MetricInfo Info(string name, string id, string unit, string reference, string trainer) =>
        new() { Name = name, Direction = MetricDirection.HigherIsBetter, Unit = unit, Reference = reference, Signature = $"{id}|{trainer}" };

    private static double[] Same(sbyte[] a, sbyte[] b) => [.. a.Zip(b, (x, y) => x == y ? 1.0 : 0.0)];

    private double[] Right(sbyte[] predicted, int attribute) => [.. predicted.Select((label, row) => label == (labels[row, attribute] ? 1 : 0) ? 1.0 : 0.0)];

    // Each row weighs n over twice its class, so that the mean is the mean of the two classes' shares.
    private double[] Balanced(double[] right, int attribute)
    {
        (int rows, int positives) = labels.Size(attribute);
        return [.. right.Select((value, row) => value * rows / (2.0 * (labels[row, attribute] ? positives : rows - positives)))];
    }

    private StudyNumber Number(StudyQuantity quantity, int attribute, MetricValue value, MetricValue? ceiling, MetricValue? mean, MetricValue? shuffled) =>
        new() { Quantity = quantity, Attribute = labels.Names[attribute], Value = value, Ceiling = ceiling, MeanFloor = mean, ShuffledFloor = shuffled };
}
