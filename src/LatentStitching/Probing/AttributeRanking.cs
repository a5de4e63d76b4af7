using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Which attributes models share: attributes ordered by how well their probes agree across maps, with intervals that hold for all of them at once.</summary>
/// <remarks>
/// <para>
/// Images are drawn with replacement, the same draw for every map and attribute, so that what they have in common stays in common. The intervals are θ̂ ± c·se with c the 95 % point of the greatest of all
/// |θ* − θ̂|/se: the bootstrap's single-step max-t (Westfall and Young, "Resampling-Based Multiple Testing", 1993; Romano and Wolf, Econometrica 73, 2005). <see cref="IntervalMethod"/> says so. The maps are taken as they are: another set of models is
/// another question.
/// </para>
/// <para>The ranks come from max-t intervals of all pairwise differences, as in Mogstad, Romano, Shaikh and Wilhelm, "Inference for Ranks", Review of Economic Studies 91 (2024): an attribute is ahead of another only where zero is outside.</para>
/// </remarks>
public sealed class AttributeRanking
{
    private AttributeRanking(IReadOnlyList<AttributeRank> attributes, IReadOnlyList<string> maps, AgreementMeasure measure, int images, double criticalValue)
    {
        Attributes = attributes;
        Maps = maps;
        Measure = measure;
        Images = images;
        CriticalValue = criticalValue;
    }

    /// <summary>The attributes, best first; equals keep the probes' order.</summary>
    public IReadOnlyList<AttributeRank> Attributes { get; }

    /// <summary>The maps.</summary>
    public IReadOnlyList<string> Maps { get; }

    /// <summary>By what they are ranked.</summary>
    public AgreementMeasure Measure { get; }

    /// <summary>Number of images.</summary>
    public int Images { get; }

    /// <summary>How many standard errors the intervals reach to each side: between 1.96, for one attribute, and what Bonferroni would take.</summary>
    public double CriticalValue { get; }

    /// <summary>How the intervals were made.</summary>
    public static string IntervalMethod => $"simultaneous-max-t-bootstrap-{RowResampling.Resamples}";

    /// <summary>The choices that the ranking depends on.</summary>
    public string Signature => string.Create(
        CultureInfo.InvariantCulture,
        $"attribute-ranking|by:{(Measure switch { AgreementMeasure.Kappa => "kappa", AgreementMeasure.EqualPredictions => "equal-predictions", _ => "mapped-accuracy" })}|maps:{Maps.Count}|n:{Images}|ci:{IntervalMethod}");

    /// <summary>Ranks.</summary>
    /// <param name="agreements">The agreement on each map: all on the same images in the same order, with the same attributes.</param>
    /// <param name="measure">By what.</param>
    /// <param name="seed">Seed of the resampling.</param>
    /// <param name="cancellationToken">Cancels between resamples.</param>
    /// <returns>The ranking.</returns>
    /// <exception cref="ArgumentException">There is no agreement, images or attributes differ, or the measure is undefined for an attribute.</exception>
    public static AttributeRanking Of(IReadOnlyList<ProbeAgreement> agreements, AgreementMeasure measure = AgreementMeasure.Kappa, ulong seed = 0, CancellationToken cancellationToken = default)
    {
        Guard.NotEmpty(agreements, "Measure at least one map: ProbeAgreement.Measure.");
        if (!Enum.IsDefined(measure)) throw new ArgumentOutOfRangeException(nameof(measure), $"measure must be one of {string.Join(", ", Enum.GetNames<AgreementMeasure>())}, but it is {(int)measure}.");
        string[] names = [.. agreements[0].Attributes.Select(attribute => attribute.Name)];
        int images = agreements[0].Images;
        foreach (ProbeAgreement other in agreements)
        {
            if (other.Images == images && other.Attributes.Select(attribute => attribute.Name).SequenceEqual(names, StringComparer.Ordinal)) continue;
            throw new ArgumentException(
                $"agreements must be of the same images and attributes, but '{agreements[0].Map}' has {images} images of {string.Join(", ", names)} and '{other.Map}' has {other.Images} of {string.Join(", ", other.Attributes.Select(attribute => attribute.Name))}.",
                nameof(agreements));
        }

        int[] once = [.. Enumerable.Repeat(1, images)];
        double[][] perMap = [.. agreements.Select(agreement => names.Select((_, k) => Value(agreement.Cells[k], once, measure)).ToArray())];
        double[] estimate = [.. names.Select((_, k) => perMap.Average(values => values[k]))];
        int undefined = Array.FindIndex(estimate, double.IsNaN);
        if (undefined >= 0)
        {
            string map = agreements[Array.FindIndex(perMap, values => double.IsNaN(values[undefined]))].Map;
            throw new ArgumentException($"agreements must have a value for every attribute, but κ of '{names[undefined]}' on '{map}' is undefined: both predictions are always the same. Leave the attribute out, or rank by EqualPredictions.", nameof(agreements));
        }

        List<double[]> draws = [];
        RowResampling.Run(images, seed, (_, times) =>
        {
            double[] drawn = new double[names.Length];
            foreach (ProbeAgreement agreement in agreements)
            {
                for (int k = 0; k < names.Length; k++) drawn[k] += Value(agreement.Cells[k], times, measure) / agreements.Count;
            }
            // With few images a draw may hold one prediction only, and then has no κ. Leaving many such draws out would make the intervals too narrow.
            if (Array.TrueForAll(drawn, double.IsFinite)) draws.Add(drawn);
        }, cancellationToken);
        if (draws.Count < RowResampling.Resamples * 9 / 10)
        {
            throw new ArgumentException($"agreements must rest on enough images for intervals, but of {RowResampling.Resamples} draws of the {images} images only {draws.Count} have a value for every attribute. Use more images.", nameof(agreements));
        }
        (double[] errors, double critical) = MaximumT(estimate, draws);
        (int Best, int Worst)[] ranks = Ranks(estimate, draws);
        AttributeRank[] ranked = [.. names.Select((name, k) => new AttributeRank
        {
            Name = name,
            Agreement = estimate[k],
            Lower = estimate[k] - (critical * errors[k]),
            Upper = estimate[k] + (critical * errors[k]),
            BestRank = ranks[k].Best,
            WorstRank = ranks[k].Worst,
            PerMap = [.. perMap.Select(values => values[k])],
        })];
        return new AttributeRanking([.. ranked.OrderByDescending(attribute => attribute.Agreement)], [.. agreements.Select(agreement => agreement.Map)], measure, images, critical);
    }

    /// <summary>Lists the attributes, one a line.</summary>
    /// <returns>For example "Male 0.71 [0.66, 0.75], rank 1 to 2".</returns>
    public override string ToString() => string.Join('\n', Attributes.Select(attribute => string.Create(
        CultureInfo.InvariantCulture, $"{attribute.Name} {attribute.Agreement:g3} [{attribute.Lower:g3}, {attribute.Upper:g3}], rank {attribute.BestRank} to {attribute.WorstRank}")));

    private static double Value(byte[] cells, int[] times, AgreementMeasure measure)
    {
        Span<int> counts = stackalloc int[AgreementCounts.Cells];
        AgreementCounts.Count(cells, times, counts);
        return measure switch
        {
            AgreementMeasure.Kappa => AgreementCounts.Kappa(counts),
            AgreementMeasure.EqualPredictions => 100 * AgreementCounts.Share(counts, AgreementCounts.Equal),
            _ => 100 * AgreementCounts.Share(counts, AgreementCounts.SecondRight),
        };
    }

    /// <summary>Standard errors, and how many of them all numbers stay within at once in 95 % of the draws. A number that never varies is exact and takes no part.</summary>
    internal static (double[] Errors, double Critical) MaximumT(double[] estimate, IReadOnlyList<double[]> draws)
    {
        double[] errors = [.. estimate.Select((_, k) => MathNet.Numerics.Statistics.ArrayStatistics.StandardDeviation([.. draws.Select(draw => draw[k])]))];
        double[] greatest = [.. draws.Select(draw =>
        {
            double most = 0;
            for (int k = 0; k < estimate.Length; k++)
            {
                if (errors[k] > 0) most = Math.Max(most, Math.Abs(draw[k] - estimate[k]) / errors[k]);
            }
            return most;
        })];
        Array.Sort(greatest);
        return (errors, MathNet.Numerics.Statistics.SortedArrayStatistics.Quantile(greatest, 0.95));
    }

    private static (int Best, int Worst)[] Ranks(double[] estimate, List<double[]> draws)
    {
        (int A, int B)[] pairs = [.. from a in Enumerable.Range(0, estimate.Length) from b in Enumerable.Range(a + 1, estimate.Length - a - 1) select (a, b)];
        (int Best, int Worst)[] ranks = [.. estimate.Select(_ => (1, estimate.Length))];
        if (pairs.Length == 0) return ranks;
        double[] differences = Array.ConvertAll(pairs, pair => estimate[pair.A] - estimate[pair.B]);
        (double[] errors, double critical) = MaximumT(differences, [.. draws.Select(draw => Array.ConvertAll(pairs, pair => draw[pair.A] - draw[pair.B]))]);
        for (int i = 0; i < pairs.Length; i++)
        {
            if (Math.Abs(differences[i]) <= critical * errors[i]) continue;
            (int ahead, int behind) = differences[i] > 0 ? (pairs[i].A, pairs[i].B) : (pairs[i].B, pairs[i].A);
            ranks[ahead].Worst--;
            ranks[behind].Best++;
        }
        return ranks;
    }
}
