using LatentStitching.Metrics;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics;

/// <summary>Intervals, corrections and tables: what keeps a number from saying more than it knows.</summary>
public sealed class HonestyTests
{
    private static MetricValue Value(string signature, double value, string count = "12", string? warning = null) => new()
    {
        Info = new MetricInfo { Name = "a metric", Direction = MetricDirection.HigherIsBetter, Unit = "none", Reference = "none", Signature = signature },
        Value = value,
        Lower = double.NaN,
        Upper = double.NaN,
        Count = count,
        IntervalMethod = "none",
        Warning = warning,
    };

    [Fact]
    public void Bootstrap_OfSkewedValues_IsSciPys()
    {
        // The spatial test data of Efron and Tibshirani (1993), table 14.1: squared deviations from their mean.
        double[] a = [48, 36, 20, 29, 42, 42, 20, 42, 22, 41, 45, 14, 6, 0, 33, 28, 34, 4, 32, 24, 47, 41, 24, 26, 30, 41];
        double mean = a.Average();
        double[] squares = [.. a.Select(value => (value - mean) * (value - mean))];
        // scipy.stats.bootstrap((squares,), np.mean, n_resamples=100000, method="BCa"): 106.85 to 282.6, where percentiles say 96.5 to 261.1. 2,000 resamples scatter by a few units at the far end.
        (double Lower, double Upper)[] intervals = [.. Enumerable.Range(0, 20).Select(seed => Bootstrap.Mean(squares, (ulong)seed))];
        intervals.Average(interval => interval.Lower).Should().BeApproximately(106.85, 1);
        intervals.Average(interval => interval.Upper).Should().BeApproximately(282.6, 3);
    }

    [Fact]
    public void Bootstrap_OfExponentialValues_CoversTheMean()
    {
        MathNet.Numerics.Random.MersenneTwister random = new(3, threadSafe: false);
        int covered = 0, below = 0;
        for (int trial = 0; trial < 400; trial++)
        {
            double[] values = [.. Enumerable.Range(0, 40).Select(_ => -Math.Log(1 - random.NextDouble()))];
            (double lower, double upper) = Bootstrap.Mean(values, (ulong)trial);
            if (lower <= 1 && 1 <= upper) covered++;
            if (upper < 1) below++;
        }
        // 95 % ± 3 standard errors of 400 trials, less the 1.5 points that 40 such values cost; the percentile interval misses on the right twice as often.
        (covered / 400.0).Should().BeInRange(0.905, 0.98);
        (below / 400.0).Should().BeLessThan(0.065);
    }

    [Fact]
    public void Bootstrap_OfARatio_IsTheMeansWhereTheDenominatorIsConstant()
    {
        MathNet.Numerics.Random.MersenneTwister random = new(4, threadSafe: false);
        double[] values = [.. Enumerable.Range(0, 30).Select(_ => random.NextDouble())], twos = [.. values.Select(_ => 2.0)];
        (double lower, double upper) = Bootstrap.Mean(values, 5);
        (double Lower, double Upper) ratio = Bootstrap.Ratio(values, twos, 5);
        ratio.Lower.Should().BeApproximately(lower / 2, 1e-12);
        ratio.Upper.Should().BeApproximately(upper / 2, 1e-12);
        Bootstrap.Mean([3, 3, 3], 0).Should().Be((3, 3));
        Bootstrap.Signature.Should().Be("bca-bootstrap-2000");
    }

    [Fact]
    public void Holm_Adjust_StepsDownAndNeverFalls()
    {
        // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") gives 0.03 0.06 0.06 0.02.
        Holm.Adjust([0.01, 0.04, 0.03, 0.005]).Should().BeEquivalentTo([0.03, 0.06, 0.06, 0.02], options => options.WithStrictOrdering().Using<double>(c => c.Subject.Should().BeApproximately(c.Expectation, 1e-15)).WhenTypeIs<double>());
        Holm.Adjust([0.7, 0.8]).Should().Equal(1, 1);
        Holm.Adjust([0.2]).Should().Equal(0.2);
        Action none = () => Holm.Adjust([]), wrong = () => Holm.Adjust([0.5, 1.5]), nothing = () => Holm.Adjust(null!);
        none.ShouldRefuse("pValues", "pValues must hold at least one entry, but it is empty. Give the p-values of all tests that were made.");
        wrong.ShouldRefuse("pValues", "pValues must lie from 0 to 1, but entry 1 is 1.5.");
        nothing.Should().Throw<ArgumentNullException>();
    }

    [Fact]
    public void MetricTable_TakesOneSignatureAColumn()
    {
        MetricTable table = new();
        table.Add("a → b", "CKA", Value("cka|hsic:song", 0.5));
        table.Add("a → c", "CKA", Value("cka|hsic:song", 0.25, warning: "Few rows."));
        table.Add("a → c", "RV|1", Value("cka|hsic:gretton", 0.75));
        Action biased = () => table.Add("b → c", "CKA", Value("cka|hsic:gretton", 0.6)), fewer = () => table.Add("b → c", "CKA", Value("cka|hsic:song", 0.6, "11")), twice = () => table.Add("a → b", "CKA", Value("cka|hsic:song", 0.5));
        biased.ShouldRefuse("value", "value must have the signature of column \"CKA\", but it is cka|hsic:gretton|n:12|ci:none, and that of \"a → b\" there is cka|hsic:song|n:12|ci:none. Such numbers are not comparable: measure both alike, or give it a column of its own.");
        fewer.Should().Throw<ArgumentException>();
        twice.ShouldRefuse("row", "row must be free in column \"CKA\", but \"a → b\" has a value there. Name each row once.");
        Action blank = () => table.Add(" ", "CKA", Value("x", 1)), nothing = () => table.Add("a", "CKA", null!);
        blank.ShouldRefuse("row", "row must not be blank.");
        nothing.Should().Throw<ArgumentNullException>();

        (table.Rows, table.Columns, table["b → c", "CKA"]).Should().BeEquivalentTo((new[] { "a → b", "a → c" }, new[] { "CKA", "RV|1" }, (MetricValue?)null));
        table["a → c", "CKA"]!.Value.Should().Be(0.25);
        table.ToString().Should().Be("2 rows, 2 columns");
        table.ToMarkdown().Should().Be(
            "|  | CKA | RV\\|1 |\n| --- | ---: | ---: |\n| a → b | 0.5 |  |\n| a → c | 0.25 | 0.75 |\n\n- CKA: `cka|hsic:song|n:12|ci:none`\n- RV\\|1: `cka|hsic:gretton|n:12|ci:none`\n- CKA, a → c: Few rows.\n");
    }
}
