using LatentStitching.Data;
using LatentStitching.Metrics;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Judges probes on rows they have not learnt from.</summary>
/// <remarks>
/// Intervals: 2000 seeded resamples of an attribute's rows, percentiles 2.5 and 97.5; all numbers of an attribute share the resamples, and resamples without both classes are left out where a number needs both.
/// Sources: area under the curve: Hanley and McNeil, Radiology 143 (1982); balanced accuracy: Brodersen et al., "The balanced accuracy and its posterior distribution" (ICPR 2010); Brier, Monthly Weather Review 78 (1950);
/// calibration: Naeini, Cooper and Hauskrecht, "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (AAAI 2015); intervals: Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), section 13.3.
/// </remarks>
public static class ProbeEvaluation
{
    private const int Resamples = 2000;

    /// <summary>Judges.</summary>
    /// <param name="probes">The probes.</param>
    /// <param name="latents">Latent batch [n, d] of test rows, floating point, finite. Not disposed.</param>
    /// <param name="labels">Labels of the n rows with the probes' attributes in their order; each attribute is judged on the rows it uses.</param>
    /// <param name="seed">Seed of the intervals.</param>
    /// <param name="cancellationToken">Cancels between attributes.</param>
    /// <returns>One score an attribute.</returns>
    /// <exception cref="ArgumentException">The latents do not fit the probes, the labels do not fit either, or an attribute has one class only.</exception>
    public static IReadOnlyList<ProbeScore> Evaluate(IAttributeProbes probes, Tensor latents, ProbeLabels labels, ulong seed = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(probes);
        TensorGuard.Latents(latents, probes.Dimension, "the probes");
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Count != latents.size(0)) throw new ArgumentException($"labels must have a row a latent, {latents.size(0)}, but they have {labels.Count}.", nameof(labels));
        if (!labels.Names.SequenceEqual(probes.Names, StringComparer.Ordinal))
        {
            throw new ArgumentException($"labels must have the probes' attributes in their order, {string.Join(", ", probes.Names)}, but they have {string.Join(", ", labels.Names)}.", nameof(labels));
        }
        labels.RequireBothClasses();
        using var scope = NewDisposeScope();
        double[] scores = probes.Scores(latents).cpu().data<double>().ToArray();
        sbyte[] predicted = probes.Predict(latents).cpu().data<sbyte>().ToArray();
        int k = labels.Names.Count;
        ProbeScore[] judged = new ProbeScore[k];
        for (int attribute = 0; attribute < k; attribute++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            // Ascending scores: a resample then needs no order of its own.
            int[] rows = [.. Enumerable.Range(0, labels.Count).Where(row => labels.Uses(row, attribute)).OrderBy(row => scores[(row * k) + attribute]).ThenBy(row => row)];
            bool[] label = [.. rows.Select(row => labels[row, attribute])];
            double[] score = [.. rows.Select(row => scores[(row * k) + attribute])];
            bool[] right = [.. rows.Select(row => predicted[(row * k) + attribute] == (labels[row, attribute] ? 1 : 0))];
            double[] perImage = [.. rows.Zip(right).OrderBy(row => row.First).Select(row => row.Second ? 1.0 : 0.0)];
            judged[attribute] = Judge(labels.Names[attribute], probes, new ProbeJudgement(label, score, right), perImage, seed);
        }
        return judged;
    }

    private static ProbeScore Judge(string name, IAttributeProbes probes, ProbeJudgement own, double[] perImage, ulong seed)
    {
        List<(MetricInfo Info, Func<int[], double> Statistic)> numbers =
        [
            (Info("accuracy", "share of rows", "Brodersen et al., The balanced accuracy and its posterior distribution (ICPR 2010)", probes, higher: true), own.Accuracy),
            (Info("balanced-accuracy", "mean share of the rows of a class", "Brodersen et al., The balanced accuracy and its posterior distribution (ICPR 2010), eq. 2", probes, higher: true), own.BalancedAccuracy),
            (Info("auc", "share of pairs of rows", "Hanley and McNeil, Radiology 143 (1982)", probes, higher: true), own.Auc),
        ];
        if (probes.GivesProbabilities)
        {
            numbers.Add((Info("log-loss", "nats", "Good, Rational Decisions, J. R. Stat. Soc. B 14 (1952)", probes, higher: false), own.LogLoss));
            numbers.Add((Info("brier", "squared probability", "Brier, Monthly Weather Review 78 (1950)", probes, higher: false), own.Brier));
            numbers.Add((Info("ece|bins:10", "probability", "Naeini, Cooper and Hauskrecht, Obtaining Well Calibrated Probabilities Using Bayesian Binning (AAAI 2015)", probes, higher: false), own.CalibrationError));
        }
        int n = own.Count;
        double[][] resampled = [.. numbers.Select(_ => new double[Resamples])];
        SplitMix64 random = new(seed);
        int[] weights = new int[n];
        for (int resample = 0; resample < Resamples; resample++)
        {
            Array.Clear(weights);
            for (int draw = 0; draw < n; draw++) weights[random.Below(n)]++;
            for (int i = 0; i < numbers.Count; i++) resampled[i][resample] = numbers[i].Statistic(weights);
        }
        Array.Fill(weights, 1);
        MetricValue[] values = [.. numbers.Select((number, i) => RowResampling.Value(number.Info, number.Statistic(weights), resampled[i], n, i == 0 ? perImage : null))];
        return new ProbeScore
        {
            Name = name,
            Rows = n,
            Positives = own.Positives,
            Accuracy = values[0],
            BalancedAccuracy = values[1],
            Auc = values[2],
            LogLoss = values.ElementAtOrDefault(3),
            Brier = values.ElementAtOrDefault(4),
            CalibrationError = values.ElementAtOrDefault(5),
        };
    }

    private static MetricInfo Info(string name, string unit, string reference, IAttributeProbes probes, bool higher) => new()
    {
        Name = $"probe {name.Split('|')[0]}",
        Direction = higher ? MetricDirection.HigherIsBetter : MetricDirection.LowerIsBetter,
        Unit = unit,
        Reference = reference,
        Signature = $"{name}|of:probe|decision:{(probes.Decision == ProbeDecision.Sign ? "sign" : "rounding")}",
    };
}
