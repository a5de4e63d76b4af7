using LatentStitching.Metrics;
using LatentStitching.Metrics.Similarity;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Similarity;

/// <summary>Intervals, warnings and p-values of similarity measures.</summary>
[NoTensorLeaks]
public sealed class SimilarityHonestyTests
{
    private static Tensor Normal(Generator generator, params long[] shape) => randn(shape, ScalarType.Float64, generator: generator);

    private static (Tensor X, Tensor Y) Pair(Generator generator, long rows)
    {
        Tensor shared = Normal(generator, rows, 4);
        return (shared + (Normal(generator, rows, 4) * 0.7), shared + (Normal(generator, rows, 4) * 0.7));
    }

    [Fact]
    public void Evaluate_Interval_CoversTheValueOfThePopulation()
    {
        // 200 trials, so 95 % ± 3 standard errors. Both spaces are a shared normal vector plus noise: Σ_XY = I, Σ_X = Σ_Y = 1.49·I, so CKA is 1/1.49².
        Coverage(new LinearCka(), 1 / (1.49 * 1.49), 120, 200).Should().BeInRange(0.9, 0.99);
    }

    [Theory]
    [InlineData("mutual")]
    [InlineData("procrustes")]
    [InlineData("rsa")]
    public void Evaluate_Interval_CoversWhatTheMeasureHasOnAverage(string kind)
    {
        ISimilarityMeasure measure = kind switch { "mutual" => new MutualKnn(5), "procrustes" => new ProcrustesDistance(), _ => new Rsa(correlation: RdmCorrelation.Pearson) };
        double mean = 0;
        using (Generator generator = new(100))
        {
            for (int trial = 0; trial < 200; trial++)
            {
                using var scope = NewDisposeScope();
                (Tensor x, Tensor y) = Pair(generator, 60);
                mean += measure.Measure(x, y) / 200;
            }
        }
        // 100 trials: 95 % less three standard errors is 88 %.
        Coverage(measure, mean, 60, 100).Should().BeInRange(0.88, 1);
    }

    private static double Coverage(ISimilarityMeasure measure, double truth, long rows, int trials)
    {
        int covered = 0;
        using Generator generator = new(7);
        for (int trial = 0; trial < trials; trial++)
        {
            using var scope = NewDisposeScope();
            (Tensor x, Tensor y) = Pair(generator, rows);
            MetricValue value = measure.Evaluate(x, y, seed: (ulong)trial);
            if (value.Lower <= truth && truth <= value.Upper) covered++;
        }
        return covered / (double)trials;
    }

    [Fact]
    public void Evaluate_TellsEverythingAboutItsNumber()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        (Tensor x, Tensor y) = Pair(generator, 50);
        MetricValue value = new LinearCka().Evaluate(x, y, seed: 3), again = new LinearCka().Evaluate(x, y, seed: 3), other = new LinearCka().Evaluate(x, y, seed: 4), bare = new LinearCka().Evaluate(x, y, interval: false);
        value.Signature.Should().Be("cka|kernel:linear|hsic:song|form:score|n:50|ci:jackknife-20");
        (value.Value, value.Warning, value.PerImage.Count).Should().Be((new LinearCka().Measure(x, y), null, 0));
        (value.Lower, value.Upper).Should().Be((again.Lower, again.Upper));
        value.Lower.Should().NotBe(other.Lower);
        (bare.Signature, bare.Lower).Should().Be(("cka|kernel:linear|hsic:song|form:score|n:50|ci:none", double.NaN));

        new LinearCka(CkaEstimator.Biased).Evaluate(x.narrow(0, 0, 4), y.narrow(0, 0, 4), interval: false).Warning.Should().Be("4 rows and up to 4 columns: biased CKA is near 1 for any two such spaces. Use the debiased estimator.");
        new DistanceCorrelation(DistanceCorrelationEstimator.Biased).Warning(4, 4, 2).Should().Be("4 rows and up to 4 columns: biased distance correlation is near 1 for any two such spaces. Use the bias-corrected estimator.");
        new CanonicalCorrelation().Evaluate(x.narrow(0, 0, 7), y.narrow(0, 0, 7)).Warning.Should().Be("7 rows and 4 + 4 columns: 2 of the canonical correlations are 1 for any two such spaces. Take more images, or fewer columns (Svcca).");
        MetricValue few = new CanonicalCorrelation(CcaSummary.MeanSquare).Evaluate(x.narrow(0, 0, 6), y.narrow(0, 0, 6));
        few.Warning.Should().EndWith("No interval: cca-summary=mean_square-score is not defined without a group of these rows.");
        few.IntervalMethod.Should().Be("none");
        new MutualKnn().Evaluate(x.narrow(0, 0, 21), y.narrow(0, 0, 21)).Warning.Should().Be("10 neighbours of 21 rows: two unrelated spaces share 0.5 of them by chance. Take more images, or fewer neighbours.");
        // Without one of the groups of three rows this leaves a batch of one: no interval, and the text says so.
        new MinibatchCka(20).Evaluate(x.narrow(0, 0, 44), y.narrow(0, 0, 44)).Warning.Should().StartWith("No interval: ");
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Action stop = () => new LinearCka().Evaluate(x, y, cancellationToken: cancelled.Token);
        stop.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void PermutationTest_OfUnrelatedSpaces_IsUniform_AndOfRelatedOnesSmall()
    {
        int small = 0;
        for (ulong seed = 0; seed < 200; seed++)
        {
            using var scope = NewDisposeScope();
            using Generator generator = new(seed);
            PermutationTest test = PermutationTest.Of(new LinearCka(), Normal(generator, 20, 3), Normal(generator, 20, 4), permutations: 19, seed);
            if (test.PValue <= 0.101) small++;
        }
        // Exactly 10 % of 200 in the mean, with a standard error of 4.2.
        small.Should().BeInRange(8, 33);
        using var outer = NewDisposeScope();
        using Generator related = new(1);
        (Tensor x, Tensor y) = Pair(related, 40);
        List<int> told = [];
        foreach (ISimilarityMeasure measure in (ISimilarityMeasure[])[new LinearCka(), new ProcrustesDistance(), new MutualKnn(5)])
        {
            PermutationTest test = PermutationTest.Of(measure, x, y, permutations: 99, seed: 2, progress: new Told(told));
            (test.AtLeastAsGood, test.PValue, test.Permutations).Should().Be((0, 0.01, 99));
            test.Observed.Should().Be(measure.Measure(x, y));
            test.Should().Be(PermutationTest.Of(measure, x, y, permutations: 99, seed: 2));
            (Math.Abs(test.Observed - test.Chance) > 0.1).Should().BeTrue();
        }
        told.Should().HaveCount(297);
        PermutationTest.Of(new LinearCka(), x, y, 9).Signature.Should().Be("cka|kernel:linear|hsic:song|form:score|n:40|p:permutation-9|seed:0");
        (PermutationTest.Of(new LinearCka(), x, y, 9) with { Observed = 0.5, Chance = 0.25 }).ToString().Should().Be("0.5, by chance 0.25, p = 0.1");
    }

    [Fact]
    public void PermutationTest_WhereShufflingChangesNothing_IsOne()
    {
        using var scope = NewDisposeScope();
        // Two values in halves: of 4 rows a third of the shuffles give CKA 1 again, and equal counts as good.
        Tensor x = tensor(new double[,] { { 0 }, { 1 } });
        PermutationTest.Of(new LinearCka(CkaEstimator.Biased), x, x, 9).PValue.Should().Be(1);
        Action none = () => PermutationTest.Of(new LinearCka(), x, x, 0), short_ = () => PermutationTest.Of(new LinearCka(), ones(5, 2), ones(4, 2)), nothing = () => PermutationTest.Of(null!, x, x);
        none.ShouldRefuse("permutations", "permutations must be positive, but it is 0.");
        short_.ShouldRefuse("y", "y must hold as many rows as x, but the shapes are [5, 2] and [4, 2]. Row i of both must come from the same input.");
        nothing.Should().Throw<ArgumentNullException>();
    }

    private sealed class Told(List<int> told) : IProgress<int>
    {
        public void Report(int value) => told.Add(value);
    }
}
