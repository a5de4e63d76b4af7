using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>Squared maximum mean discrepancy between two sets of features under the cubic kernel (⟨x, y⟩/d + 1)³: the KID where the features are Inception's. Around 0 for equal distributions.</summary>
/// <remarks>
/// <para>Unbiased whatever the number of images, so it can be negative. By default from all images, with a 95 % interval by the jackknife over the images of both sets;
/// with <see cref="KernelDistanceOptions.Subsets"/> the mean over random subsets, with their standard deviation and no interval, as torch-fidelity and torchmetrics give it.</para>
/// <para>Numerics: float64. Memory: blocks of the kernel matrix, never the whole of it. Cost: (n₁² + n₂² + n₁n₂)·d, the reference's own part once for all candidates.</para>
/// <para>Source: Bińkowski, Sutherland, Arbel and Gretton, "Demystifying MMD GANs", ICLR 2018 (arXiv:1801.01401), section 4; the estimate is that of Gretton et al., JMLR 13 (2012), lemma 6.</para>
/// </remarks>
public sealed class KernelDistance
{
    private readonly KernelDistanceOptions _options;

    /// <summary>Makes the metric.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public KernelDistance(KernelDistanceOptions? options = null) => _options = options ?? new KernelDistanceOptions();

    /// <summary>Measures.</summary>
    /// <param name="candidate">Features of the images to judge, at least two. Not changed.</param>
    /// <param name="reference">Features of the images to judge them by, from the same extractor, at least two. Not changed.</param>
    /// <param name="seed">Seed of the subsets; not used without them.</param>
    /// <returns>The value; with subsets, <see cref="MetricValue.StandardDeviation"/> is that of the subsets' values (over their number, as published).</returns>
    /// <exception cref="ArgumentException">The features differ, a set has fewer than two images, or fewer than a subset needs.</exception>
    public MetricValue Evaluate(FeatureSet candidate, FeatureSet reference, ulong seed = 0)
    {
        FeatureSet.RequirePair(candidate, reference, 2);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return _options.Subsets is { } subsets ? OfSubsets(candidate, reference, subsets, seed) : OfAll(candidate, reference);
    }

    /// <summary>The value of each pair of subsets, for given row numbers.</summary>
    internal static double[] OfRows(FeatureSet candidate, FeatureSet reference, IEnumerable<(long[] Candidate, long[] Reference)> subsets)
    {
        List<double> values = [];
        foreach ((long[] one, long[] other) in subsets)
        {
            using var scope = NewDisposeScope();
            Tensor x = candidate.Values.index_select(0, tensor(one)), y = reference.Values.index_select(0, tensor(other));
            double own = PolynomialKernel.OwnSums(x).Sum() / ((double)one.Length * (one.Length - 1)), its = PolynomialKernel.OwnSums(y).Sum() / ((double)other.Length * (other.Length - 1));
            values.Add(own + its - (2 * PolynomialKernel.CrossSums(x, y).Rows.Sum() / ((double)one.Length * other.Length)));
        }
        return [.. values];
    }

    private static MetricValue OfAll(FeatureSet candidate, FeatureSet reference)
    {
        double m = candidate.Count, n = reference.Count;
        double[] own = candidate.Derived(nameof(KernelDistance), PolynomialKernel.OwnSums), its = reference.Derived(nameof(KernelDistance), PolynomialKernel.OwnSums);
        (double[] rows, double[] columns) = PolynomialKernel.CrossSums(candidate.Values, reference.Values);
        double ownSum = own.Sum(), itsSum = its.Sum(), crossSum = rows.Sum();
        double value = Estimate(ownSum, m, itsSum, n, crossSum);
        // Each image of either set left out in turn; a set of two has no estimate without one of them.
        bool jackknife = m > 2 && n > 2;
        (double lower, double upper) = (double.NaN, double.NaN);
        if (jackknife)
        {
            double[] withoutOwn = [.. own.Zip(rows, (k, cross) => Estimate(ownSum - (2 * k), m - 1, itsSum, n, crossSum - cross))];
            double[] withoutIts = [.. its.Zip(columns, (k, cross) => Estimate(ownSum, m, itsSum - (2 * k), n - 1, crossSum - cross))];
            (lower, upper) = Jackknife.Interval(value, Jackknife.Variance(withoutOwn) + Jackknife.Variance(withoutIts));
        }
        return new MetricValue
        {
            Info = Info(candidate.Features, "full"),
            Value = value,
            Lower = lower,
            Upper = upper,
            Count = $"{candidate.Count}/{reference.Count}",
            IntervalMethod = jackknife ? Jackknife.Signature : "none",
        };
    }

    private static double Estimate(double own, double m, double its, double n, double cross) => (own / (m * (m - 1))) + (its / (n * (n - 1))) - (2 * cross / (m * n));

    private static MetricInfo Info(string features, string estimate) => new()
    {
        Name = "kernel distance",
        Direction = MetricDirection.LowerIsBetter,
        Unit = "squared kernel units",
        Reference = "Binkowski, Sutherland, Arbel and Gretton, ICLR 2018 (arXiv:1801.01401)",
        Signature = $"kid|features:{features}|kernel:cubic|estimator:unbiased|sample:{estimate}",
    };

    private MetricValue OfSubsets(FeatureSet candidate, FeatureSet reference, int subsets, ulong seed)
    {
        int size = _options.SubsetSize;
        long fewest = Math.Min(candidate.Count, reference.Count);
        if (fewest < size)
        {
            string name = candidate.Count == fewest ? nameof(candidate) : nameof(reference);
            throw new ArgumentException($"{name} must hold at least the {size} images of a subset, but it holds {fewest}. Lower SubsetSize, or leave Subsets null for the estimate from all images.", name);
        }
        using Generator generator = new(seed);
        double[] values = OfRows(candidate, reference, Enumerable.Range(0, subsets).Select(_ => (Draw(candidate.Count), Draw(reference.Count))));
        double mean = values.Average();
        return new MetricValue
        {
            Info = Info(candidate.Features, $"{subsets}x{size}"),
            Value = mean,
            Lower = double.NaN,
            Upper = double.NaN,
            StandardDeviation = Math.Sqrt(values.Average(value => (value - mean) * (value - mean))),
            Count = $"{candidate.Count}/{reference.Count}",
            IntervalMethod = "none",
        };

        long[] Draw(long count)
        {
            using Tensor order = randperm(count, ScalarType.Int64, generator: generator);
            return order.data<long>().ToArray()[..size];
        }
    }
}
