using LatentStitching.Metrics;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>How probes of a target space judge latents that a map brought there, beside the target's own latents of the same images. Immutable.</summary>
public sealed class ProbeAgreement
{
    private const string Study = "Badrinath et al., All Roads Lead to Rome? (arXiv:2407.13449): probes on mapped latents";
    private static readonly string[] _predictions = ["neither", "no", "yes"];

    private ProbeAgreement(string map, IReadOnlyList<AttributeAgreement> attributes, byte[][] cells)
    {
        Map = map;
        Attributes = attributes;
        Cells = cells;
    }

    /// <summary>The map, for example "vae → pca".</summary>
    public string Map { get; }

    /// <summary>One result an attribute, in the probes' order.</summary>
    public IReadOnlyList<AttributeAgreement> Attributes { get; }

    /// <summary>Number of images, of which each attribute uses some.</summary>
    public int Images => Cells[0].Length;

    /// <summary>By attribute, then image: see <see cref="AgreementCounts"/>.</summary>
    internal byte[][] Cells { get; }

    /// <summary>Measures.</summary>
    /// <param name="map">The map's name in reports.</param>
    /// <param name="probes">Probes of the target space. They should not have been trained on these images, nor the map.</param>
    /// <param name="latents">The target's own latents [n, d]. Not disposed.</param>
    /// <param name="mapped">Mapped latents of the same images [n, d]. Not disposed.</param>
    /// <param name="labels">Labels of the images, with the probes' attributes in their order; each attribute is judged on the rows it uses.</param>
    /// <param name="seed">Seed of the intervals.</param>
    /// <param name="cancellationToken">Cancels between resamples.</param>
    /// <returns>The agreement of each attribute, with 95 % intervals over images.</returns>
    /// <exception cref="ArgumentException">Shapes, names or counts do not fit, latents are not finite, or an attribute uses no row.</exception>
    public static ProbeAgreement Measure(string map, LinearProbes probes, Tensor latents, Tensor mapped, ProbeLabels labels, ulong seed = 0, CancellationToken cancellationToken = default)
    {
        Guard.NotBlank(map);
        ArgumentNullException.ThrowIfNull(probes);
        TensorGuard.Latents(latents, probes.Dimension, "the probes");
        TensorGuard.Latents(mapped, probes.Dimension, "the probes");
        TensorGuard.SameRows(latents, mapped, nameof(latents), nameof(mapped));
        ArgumentNullException.ThrowIfNull(labels);
        if (labels.Count != latents.size(0)) throw new ArgumentException($"labels must have a row a latent, {latents.size(0)}, but they have {labels.Count}.", nameof(labels));
        if (!labels.Names.SequenceEqual(probes.Names, StringComparer.Ordinal))
        {
            throw new ArgumentException($"labels must have the probes' attributes {string.Join(", ", probes.Names)} in that order, but they have {string.Join(", ", labels.Names)}.", nameof(labels));
        }
        int unused = Enumerable.Range(0, labels.Names.Count).FirstOrDefault(attribute => labels.Size(attribute).Rows == 0, -1);
        if (unused >= 0) throw new ArgumentException($"labels must use rows for every attribute, but '{labels.Names[unused]}' uses none.", nameof(labels));

        using var scope = NewDisposeScope();
        Tensor first = probes.Scores(latents), second = probes.Scores(mapped);
        sbyte[] own = probes.Predict(latents).cpu().data<sbyte>().ToArray(), carried = probes.Predict(mapped).cpu().data<sbyte>().ToArray();
        bool[] rounded = (probes.Decision == ProbeDecision.Rounding ? first.round().eq(second.round()) : first.gt(0).eq(second.gt(0))).cpu().data<bool>().ToArray();
        int count = labels.Count, width = labels.Names.Count;
        byte[][] cells = new byte[width][];
        List<AttributeAgreement> attributes = [];
        for (int attribute = 0; attribute < width; attribute++)
        {
            byte[] codes = new byte[count];
            int matches = 0;
            for (int row = 0; row < count; row++)
            {
                int place = (row * width) + attribute;
                bool used = labels.Uses(row, attribute);
                codes[row] = used ? AgreementCounts.Cell(labels[row, attribute], own[place], carried[place]) : AgreementCounts.Unused;
                if (used && rounded[place]) matches++;
            }
            cells[attribute] = codes;
            attributes.Add(Of(labels.Names[attribute], Array.FindAll(codes, code => code != AgreementCounts.Unused), matches, seed, cancellationToken));
        }
        return new ProbeAgreement(map, attributes, cells);
    }

    /// <summary>Says the map and the mean agreement.</summary>
    /// <returns>For example "vae → pca: 10 attributes, 84.2 % equal predictions in the mean".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"{Map}: {Attributes.Count} attributes, {Attributes.Average(attribute => attribute.EqualPredictions.Value):0.0} % equal predictions in the mean");

    private static AttributeAgreement Of(string name, byte[] codes, int matches, ulong seed, CancellationToken cancellationToken)
    {
        int[] counts = Tally(codes);
        (MetricInfo Info, double Value, double[] Resamples)[] numbers = [.. _measures.Select(measure => (measure.Info, measure.Compute(counts), new double[RowResampling.Resamples]))];
        int[] drawn = new int[AgreementCounts.Cells];
        RowResampling.Run(codes.Length, seed, (resample, times) =>
        {
            AgreementCounts.Count(codes, times, drawn);
            for (int i = 0; i < numbers.Length; i++) numbers[i].Resamples[resample] = _measures[i].Compute(drawn);
        }, cancellationToken);
        MetricValue[] values = [.. numbers.Select((number, i) => RowResampling.Value(
            number.Info, number.Value, number.Resamples, codes.Length, _measures[i].PerImage is { } perImage ? Array.ConvertAll(codes, code => perImage(code)) : null))];
        return new AttributeAgreement
        {
            Name = name,
            Rows = codes.Length,
            Positives = codes.Count(code => code >= 9),
            Accuracy = values[0],
            MappedAccuracy = values[1],
            AccuracyChange = values[2],
            RelativeAccuracyChange = values[3],
            EqualPredictions = values[4],
            Kappa = values[5],
            ErrorConsistency = values[6],
            McNemar = new McNemarTest(codes.Count(code => AgreementCounts.FirstRight(code) && !AgreementCounts.SecondRight(code)), codes.Count(code => !AgreementCounts.FirstRight(code) && AgreementCounts.SecondRight(code))),
            Confusion = Confusion(code => code % 9 / 3),
            MappedConfusion = Confusion(code => code % 3),
            EqualRoundedScores = matches,
        };

        ConfusionMatrix Confusion(Func<byte, int> predicted) => new([.. codes.Select(predicted)], [.. codes.Select(code => (code / 9) + 1)], _predictions);
    }

    private static int[] Tally(byte[] codes)
    {
        int[] counts = new int[AgreementCounts.Cells];
        foreach (byte code in codes) counts[code]++;
        return counts;
    }

    private delegate double Statistic(ReadOnlySpan<int> counts);

    private sealed record Measured(MetricInfo Info, Statistic Compute, Func<byte, double>? PerImage = null);

    private static readonly Measured[] _measures =
    [
        new(Info("probe accuracy on true latents", "share of images", Study, "accuracy|latents:true"), counts => AgreementCounts.Share(counts, AgreementCounts.FirstRight), code => AgreementCounts.FirstRight(code) ? 1 : 0),
        new(Info("probe accuracy on mapped latents", "share of images", Study, "accuracy|latents:mapped"), counts => AgreementCounts.Share(counts, AgreementCounts.SecondRight), code => AgreementCounts.SecondRight(code) ? 1 : 0),
        new(
            Info("accuracy change", "percentage points", Study, "accuracy-change|sign:mapped-minus-true|unit:points"),
            counts => 100 * (AgreementCounts.Share(counts, AgreementCounts.SecondRight) - AgreementCounts.Share(counts, AgreementCounts.FirstRight)),
            code => 100 * ((AgreementCounts.SecondRight(code) ? 1 : 0) - (AgreementCounts.FirstRight(code) ? 1 : 0))),
        new(
            Info("relative accuracy change", "percent of the accuracy on true latents", Study, "accuracy-change|sign:mapped-minus-true|unit:percent-of-true"),
            counts => 100 * ((AgreementCounts.Share(counts, AgreementCounts.SecondRight) / AgreementCounts.Share(counts, AgreementCounts.FirstRight)) - 1)),
        new(
            Info("equal predictions", "percent of images", Study, "equal-predictions|denominator:rows"),
            counts => 100 * AgreementCounts.Share(counts, AgreementCounts.Equal),
            code => AgreementCounts.Equal(code) ? 100 : 0),
        new(Info("Cohen's kappa", "dimensionless", "Cohen, A Coefficient of Agreement for Nominal Scales, Educational and Psychological Measurement 20 (1960)", "kappa|of:predictions"), AgreementCounts.Kappa),
        new(Info("error consistency", "dimensionless", "Geirhos, Meding and Wichmann, Beyond accuracy (NeurIPS 2020)", "kappa|of:correctness"), AgreementCounts.ErrorConsistency),
    ];

    private static MetricInfo Info(string name, string unit, string reference, string signature) =>
        new() { Name = name, Direction = MetricDirection.HigherIsBetter, Unit = unit, Reference = reference, Signature = signature };
}
