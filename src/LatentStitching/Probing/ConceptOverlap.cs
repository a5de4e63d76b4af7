using LatentStitching.Metrics;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>Whether two models see the same concepts: in each image, and in how often they see them over all images.</summary>
/// <remarks>
/// P₁, P₂ [n, a] hold each model's probability that image i shows concept k; rounded (halves to 0, as the studies' rounding does) they are sets of concepts. Source: Badrinath et al., "All Roads Lead to Rome?" (arXiv:2407.13449) and
/// its code; Jaccard, New Phytologist 11 (1912). The studies leave an image in which neither model sees anything without a value; here it counts as full overlap, and is counted.
/// </remarks>
public sealed record ConceptOverlap
{
    /// <summary>Mean over images of |R₁∧R₂| / |R₁∨R₂|, 1 where both see nothing; in [0, 1].</summary>
    public required MetricValue InstanceJaccard { get; init; }

    /// <summary>Images in which neither model sees any concept.</summary>
    public required int EmptyImages { get; init; }

    /// <summary>The mean over the other images alone; NaN where there are none. What the studies' code gives where it gives a number.</summary>
    public required double NonEmptyJaccard { get; init; }

    /// <summary>KL(s₁/Σs₁ ‖ s₂/Σs₂) in nats, s the column sums of P: how differently the two share their belief out among the concepts.</summary>
    /// <remarks>NaN where a model sees nothing at all, infinite where the second never sees a concept that the first does. It has no interval then.</remarks>
    public required MetricValue DatasetDivergence { get; init; }

    /// <summary>The same on rounded probabilities.</summary>
    public required MetricValue RoundedDatasetDivergence { get; init; }

    /// <summary>Measures.</summary>
    /// <param name="first">P₁ [n, a], floating point, in [0, 1]. Not disposed.</param>
    /// <param name="second">P₂ [n, a] for the same images and concepts. Not disposed.</param>
    /// <param name="seed">Seed of the intervals over images.</param>
    /// <param name="cancellationToken">Cancels between resamples.</param>
    /// <returns>The overlap.</returns>
    /// <exception cref="ArgumentException">The shapes differ, or an entry is not in [0, 1].</exception>
    public static ConceptOverlap Measure(Tensor first, Tensor second, ulong seed = 0, CancellationToken cancellationToken = default)
    {
        Probabilities(first, nameof(first));
        Probabilities(second, nameof(second));
        TensorGuard.SameRows(first, second, nameof(first), nameof(second));
        if (first.size(1) != second.size(1)) throw new ArgumentException($"second must have a column a concept of first, but the shapes are {TensorGuard.Shape(second)} and {TensorGuard.Shape(first)}.", nameof(second));
        (int rows, int concepts) = ((int)first.size(0), (int)first.size(1));
        double[] p = Values(first), q = Values(second), hardP = Rounded(p), hardQ = Rounded(q);

        double[] jaccard = new double[rows];
        List<double> nonEmpty = [];
        for (int row = 0; row < rows; row++)
        {
            (int both, int either) = (0, 0);
            for (int k = row * concepts; k < (row + 1) * concepts; k++)
            {
                if (hardP[k] > 0 && hardQ[k] > 0) both++;
                if (hardP[k] > 0 || hardQ[k] > 0) either++;
            }
            jaccard[row] = either == 0 ? 1 : both / (double)either;
            if (either > 0) nonEmpty.Add(jaccard[row]);
        }

        int[] once = [.. Enumerable.Repeat(1, rows)];
        double[] means = new double[RowResampling.Resamples], soft = new double[RowResampling.Resamples], hard = new double[RowResampling.Resamples];
        RowResampling.Run(rows, seed, (resample, times) =>
        {
            double sum = 0;
            for (int row = 0; row < rows; row++) sum += times[row] * jaccard[row];
            means[resample] = sum / rows;
            soft[resample] = Divergence(p, q, times, concepts);
            hard[resample] = Divergence(hardP, hardQ, times, concepts);
        }, cancellationToken);
        return new ConceptOverlap
        {
            InstanceJaccard = RowResampling.Value(
                Info("instance Jaccard", MetricDirection.HigherIsBetter, "share of concepts", "jaccard|level:image|rounding:half-even|empty:1"), jaccard.Average(), means, rows, jaccard),
            EmptyImages = rows - nonEmpty.Count,
            NonEmptyJaccard = nonEmpty.Count > 0 ? nonEmpty.Average() : double.NaN,
            DatasetDivergence = RowResampling.Value(Info("dataset KL", MetricDirection.LowerIsBetter, "nats", "kl|level:dataset|concepts:soft"), Divergence(p, q, once, concepts), soft, rows),
            RoundedDatasetDivergence = RowResampling.Value(
                Info("rounded dataset KL", MetricDirection.LowerIsBetter, "nats", "kl|level:dataset|concepts:rounded"), Divergence(hardP, hardQ, once, concepts), hard, rows),
        };
    }

    private static void Probabilities(Tensor values, string name)
    {
        TensorGuard.FiniteMatrix(values, name);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor bad = values.lt(0).logical_or(values.gt(1)).any(1);
        if (!bad.any().ToBoolean()) return;
        long row = bad.to_type(ScalarType.Int32).argmax().ToInt64();
        throw new ArgumentException(
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name} must hold probabilities in [0, 1], but row {row} holds values from {values[row].min().ToDouble():g4} to {values[row].max().ToDouble():g4}. Pass scores through sigmoid(), or those of regressions through clamp(0, 1)."),
            name);
    }

    private static double[] Values(Tensor values)
    {
        using var scope = NewDisposeScope();
        return values.detach().to(ScalarType.Float64, CPU).contiguous().data<double>().ToArray();
    }

    private static double[] Rounded(double[] values) => Array.ConvertAll(values, value => Math.Round(value, MidpointRounding.ToEven));

    /// <summary>KL between the shares of two weighted column sums; 0·ln 0 is 0.</summary>
    private static double Divergence(double[] p, double[] q, int[] times, int concepts)
    {
        double[] first = new double[concepts], second = new double[concepts];
        for (int row = 0; row < times.Length; row++)
        {
            if (times[row] == 0) continue;
            for (int k = 0; k < concepts; k++)
            {
                first[k] += times[row] * p[(row * concepts) + k];
                second[k] += times[row] * q[(row * concepts) + k];
            }
        }
        (double firstSum, double secondSum) = (first.Sum(), second.Sum());
        if (firstSum == 0 || secondSum == 0) return double.NaN;
        double divergence = 0;
        for (int k = 0; k < concepts; k++)
        {
            if (first[k] > 0) divergence += first[k] / firstSum * Math.Log(first[k] / firstSum / (second[k] / secondSum));
        }
        return divergence;
    }

    private static MetricInfo Info(string name, MetricDirection direction, string unit, string signature) => new()
    {
        Name = name,
        Direction = direction,
        Unit = unit,
        Reference = "Badrinath et al., All Roads Lead to Rome? (arXiv:2407.13449): concept overlap",
        Signature = signature,
    };
}
