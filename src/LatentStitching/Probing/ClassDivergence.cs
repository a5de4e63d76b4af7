using LatentStitching.Metrics;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Numerics;

namespace LatentStitching.Probing;

/// <summary>How far apart a probe's class probabilities are on true latents, p, and on mapped ones, p̂, over the images of one class.</summary>
/// <remarks>Source: Kullback and Leibler, Annals of Mathematical Statistics 22 (1951); Lin, IEEE Transactions on Information Theory 37 (1991), for the symmetric form.</remarks>
public sealed record ClassDivergence
{
    /// <summary>What a probability is at least, before the row is made to sum to 1 again.</summary>
    /// <value>Default of <see cref="Measure"/>: 1e-12. A zero where the other has some would make the divergence infinite.</value>
    public const double DefaultFloor = 1e-12;

    // Of a row's sum: float32 rows of some thousand classes keep it.
    private const double SumTolerance = 1e-3;

    /// <summary>The true class.</summary>
    public required string Name { get; init; }

    /// <summary>KL(p̂‖p) = Σ p̂ ln(p̂/p), in nats, mean over the class's images: the direction the studies took.</summary>
    public required MetricValue MappedFromTrue { get; init; }

    /// <summary>KL(p‖p̂), in nats, mean over the class's images.</summary>
    public required MetricValue TrueFromMapped { get; init; }

    /// <summary>Jensen–Shannon divergence, in nats, from 0 to ln 2, mean over the class's images.</summary>
    public required MetricValue JensenShannon { get; init; }

    /// <summary>KL(p̂‖p) without a floor, over all entries instead of rows: the studies' number, which "mean" reduction makes smaller by the number of classes. Infinite where p has a zero that p̂ has not. Only for comparison.</summary>
    public required double Legacy { get; init; }

    /// <summary>Measures each class that has images.</summary>
    /// <param name="probabilities">p [n, c], floating point, rows in [0, 1] that sum to 1 within 0.001: for softmax probes <c>probes.Scores(latents).softmax(1)</c>. Not disposed.</param>
    /// <param name="mapped">p̂ of the same images, [n, c]. Not disposed.</param>
    /// <param name="classes">The true class of each row, a place in <paramref name="names"/>.</param>
    /// <param name="names">The classes, c of them.</param>
    /// <param name="floor">The least probability, above 0 and below 1.</param>
    /// <param name="seed">Seed of the intervals.</param>
    /// <returns>One result a class with images, in the order of <paramref name="names"/>.</returns>
    /// <exception cref="ArgumentException">Shapes do not fit, a row is no distribution, or a class has no name.</exception>
    public static IReadOnlyList<ClassDivergence> Measure(Tensor probabilities, Tensor mapped, IReadOnlyList<int> classes, IReadOnlyList<string> names, double floor = DefaultFloor, ulong seed = 0)
    {
        ArgumentNullException.ThrowIfNull(classes);
        ArgumentNullException.ThrowIfNull(names);
        Guard.Fraction(floor);
        Distributions(probabilities, names.Count, nameof(probabilities));
        Distributions(mapped, names.Count, nameof(mapped));
        TensorGuard.SameRows(probabilities, mapped, nameof(probabilities), nameof(mapped));
        TensorGuard.SameDevice(probabilities, mapped, nameof(probabilities), nameof(mapped));
        if (classes.Count != probabilities.size(0)) throw new ArgumentException($"classes must have an entry a row, {probabilities.size(0)}, but they have {classes.Count}.", nameof(classes));
        for (int row = 0; row < classes.Count; row++)
        {
            if (classes[row] >= 0 && classes[row] < names.Count) continue;
            throw new ArgumentException($"classes must lie from 0 to {names.Count - 1}, the places of names, but row {row} is {classes[row]}.", nameof(classes));
        }

        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor p = probabilities.to_type(ScalarType.Float64), q = mapped.to_type(ScalarType.Float64);
        double[] legacy = Rows(q.xlogy(q).sub(q.xlogy(p)));
        (p, q) = (Floored(p, floor), Floored(q, floor));
        Tensor middle = p.add(q).div(2);
        double[] forward = Rows(Divergence(q, p)), backward = Rows(Divergence(p, q)), symmetric = Rows(Divergence(p, middle).add(Divergence(q, middle)).div(2));
        List<ClassDivergence> results = [];
        foreach (int place in Enumerable.Range(0, names.Count).Where(classes.Contains))
        {
            int[] rows = [.. Enumerable.Range(0, classes.Count).Where(row => classes[row] == place)];
            results.Add(new ClassDivergence
            {
                Name = names[place],
                MappedFromTrue = Mean("KL(mapped‖true)", "Kullback and Leibler, On Information and Sufficiency (1951)", "kl|from:true|to:mapped", forward),
                TrueFromMapped = Mean("KL(true‖mapped)", "Kullback and Leibler, On Information and Sufficiency (1951)", "kl|from:mapped|to:true", backward),
                JensenShannon = Mean("Jensen–Shannon divergence", "Lin, Divergence Measures Based on the Shannon Entropy (1991)", "js|between:true,mapped", symmetric),
                Legacy = rows.Average(row => legacy[row]) / names.Count,
            });

            MetricValue Mean(string name, string reference, string signature, double[] values) => PairedErrors.Mean(
                new MetricInfo
                {
                    Name = name,
                    Direction = MetricDirection.LowerIsBetter,
                    Unit = "nats",
                    Reference = reference,
                    Signature = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{signature}|floor:{floor:g3}"),
                },
                [.. rows.Select(row => values[row])],
                seed);
        }
        return results;
    }

    private static void Distributions(Tensor rows, int classes, string name)
    {
        TensorGuard.FiniteMatrix(rows, name);
        if (rows.size(1) != classes) throw new ArgumentException($"{name} must have {classes} columns, one a name, but its shape is {TensorGuard.Shape(rows)}.", name);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor wide = rows.to_type(ScalarType.Float64), sums = wide.sum([1]);
        Tensor bad = wide.lt(0).any(1).logical_or(sums.sub(1).abs().gt(SumTolerance));
        if (!bad.any().ToBoolean()) return;
        long first = bad.to_type(ScalarType.Int32).argmax().ToInt64();
        throw new ArgumentException(
            string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name} must have rows that are distributions, but row {first} sums to {sums[first].ToDouble():g4} with {wide[first].min().ToDouble():g4} as its least. Pass scores through softmax(1)."),
            name);
    }

    private static Tensor Floored(Tensor rows, double floor)
    {
        Tensor raised = rows.clamp_min(floor);
        return raised.div(raised.sum([1], keepdim: true));
    }

    private static Tensor Divergence(Tensor of, Tensor from) => of.mul(of.log().sub(from.log()));

    private static double[] Rows(Tensor terms) => terms.sum([1]).cpu().data<double>().ToArray();
}
