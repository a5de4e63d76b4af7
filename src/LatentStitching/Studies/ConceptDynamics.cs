using LatentStitching.Metrics;
using LatentStitching.Probing;

namespace LatentStitching.Studies;

/// <summary>How concepts part or stay during training, from what the checkpoints' own probes say of the same images.</summary>
/// <remarks>
/// Jaccard, "The distribution of the flora in the alpine zone", New Phytologist 11 (1912), 37–50, on the sets of images that a probe gives an attribute, as a ratio of sums over images; Cohen, "A Coefficient of Agreement for Nominal Scales",
/// Educational and Psychological Measurement 20 (1960), which attributes of different frequency can be compared by.
/// </remarks>
internal static class ConceptDynamics
{
    private const string Thesis = "Badrinath, Do All Roads Lead to Rome? (thesis, Harvard, 2024): concepts during training";

    private static readonly MetricInfo _share = Info("predicted share", "share of images", "predicted-share|of:own-probes");
    private static readonly MetricInfo _kappa = Info("kappa to the next checkpoint", "dimensionless", "kappa|of:own-probes|between:checkpoints");
    private static readonly MetricInfo _overlap = Info("concept overlap", "share of the images that have either attribute", "jaccard|of:own-probes|sets:images");

    public static IReadOnlyList<TrainingConcept> Concepts(StudyConcepts own, StudyConcepts? next, ulong seed) => [.. own.Attributes.Select((attribute, i) => new TrainingConcept
    {
        Attribute = attribute,
        Share = StudyValues.Mean(_share, Indicator(own.Predicted[i]), seed),
        KappaToNext = next is null ? null : Kappa(own.Predicted[i], next.Predicted[i], seed),
    })];

    /// <summary>Every attribute that goes with one gender against every one that goes with the other.</summary>
    public static IReadOnlyList<TrainingConceptPair> Opposites(StudyConcepts own, ulong seed) =>
    [
        .. from first in Findings.Masculine
           from second in Findings.Feminine
           let a = Place(own, first)
           let b = Place(own, second)
           where a >= 0 && b >= 0
           let labelled = Sets(own.Labelled[a], own.Labelled[b])
           select new TrainingConceptPair { First = first, Second = second, Overlap = Overlap(own.Predicted[a], own.Predicted[b], seed), LabelledOverlap = labelled.Both.Sum() / labelled.Either.Sum() },
    ];

    private static MetricValue Overlap(string first, string second, ulong seed)
    {
        (double[] both, double[] either) = Sets(first, second);
        string count = either.Length.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (either.Sum() == 0) return StudyValues.Single(_overlap, double.NaN, count) with { Warning = "Neither probe gives any image its attribute." };
        (double lower, double upper) = Bootstrap.Ratio(both, either, seed);
        return new MetricValue { Info = _overlap, Value = both.Sum() / either.Sum(), Lower = lower, Upper = upper, Count = count };
    }

    private static MetricValue Kappa(string first, string second, ulong seed)
    {
        byte[] cells = [.. first.Zip(second, (a, b) => AgreementCounts.Cell(label: false, Said(a), Said(b)))];
        int[] counts = new int[AgreementCounts.Cells];
        AgreementCounts.Count(cells, [.. Enumerable.Repeat(1, cells.Length)], counts);
        double value = AgreementCounts.Kappa(counts);
        double[] resampled = new double[RowResampling.Resamples];
        RowResampling.Run(cells.Length, seed, (resample, times) =>
        {
            AgreementCounts.Count(cells, times, counts);
            resampled[resample] = AgreementCounts.Kappa(counts);
        });
        return RowResampling.Value(_kappa, value, resampled, cells.Length);
    }

    private static (double[] Both, double[] Either) Sets(string first, string second) =>
        ([.. first.Zip(second, (a, b) => a == '1' && b == '1' ? 1.0 : 0.0)], [.. first.Zip(second, (a, b) => a == '1' || b == '1' ? 1.0 : 0.0)]);

    private static double[] Indicator(string said) => [.. said.Select(one => one == '1' ? 1.0 : 0.0)];

    private static sbyte Said(char one) => one switch { '1' => 1, '0' => 0, _ => -1 };

    private static int Place(StudyConcepts concepts, string attribute) => Enumerable.Range(0, concepts.Attributes.Count).FirstOrDefault(i => concepts.Attributes[i] == attribute, -1);

    private static MetricInfo Info(string name, string unit, string signature) => new() { Name = name, Direction = MetricDirection.HigherIsBetter, Unit = unit, Reference = Thesis, Signature = signature };
}
