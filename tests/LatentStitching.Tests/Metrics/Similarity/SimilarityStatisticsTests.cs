using LatentStitching.Metrics.Similarity;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Similarity;

/// <summary>Measures of rows that come batch by batch.</summary>
[NoTensorLeaks]
public sealed class SimilarityStatisticsTests
{
    public static TheoryData<string> Ids => [.. SimilarityMeasures.All().OfType<IStatisticsMeasure>().Where(measure => measure.Info.Id != "cka-kernel=linear-hsic=song-score").Select(measure => measure.Info.Id)];

    private static (Tensor X, Tensor Y) Pair(long rows, long p = 6, long q = 4)
    {
        using Generator generator = new(9);
        Tensor x = randn([rows, p], ScalarType.Float64, generator: generator) / arange(1, p + 1, ScalarType.Float64);
        return (x + 1000, x.mm(randn([p, q], ScalarType.Float64, generator: generator)) + (randn([rows, q], ScalarType.Float64, generator: generator) * 0.5) - 300);
    }

    private static SimilarityStatistics Sums(Tensor x, Tensor y, params int[] cuts)
    {
        SimilarityStatistics sums = new(x.size(1), y.size(1));
        int start = 0;
        foreach (int end in (int[])[.. cuts, (int)x.size(0)])
        {
            sums.Add(x.narrow(0, start, end - start), y.narrow(0, start, end - start));
            start = end;
        }
        return sums;
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Measure_OfStatistics_IsThatOfTheRows_HoweverTheyWereCut(string id)
    {
        var measure = (IStatisticsMeasure)SimilarityMeasures.All().Single(measure => measure.Info.Id == id);
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Pair(90);
        double expected = measure.Measure(x, y);
        using SimilarityStatistics whole = Sums(x, y), cut = Sums(x, y, 1, 17, 60), first = Sums(x.narrow(0, 0, 33), y.narrow(0, 0, 33), 20), second = Sums(x.narrow(0, 33, 57), y.narrow(0, 33, 57));
        first.Merge(second);
        foreach (SimilarityStatistics sums in (SimilarityStatistics[])[whole, cut, first])
        {
            sums.Count.Should().Be(90);
            measure.Measure(sums).Should().BeApproximately(expected, 1e-10, sums.ToString());
        }
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void Measure_OfTooFewOrConstantRows_IsRefused(string id)
    {
        var measure = (IStatisticsMeasure)SimilarityMeasures.All().Single(measure => measure.Info.Id == id);
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Pair(90);
        using SimilarityStatistics empty = new(6, 4), flat = Sums(x, full([90, 4], 0.1, ScalarType.Float64));
        Action none = () => measure.Measure(empty), constant = () => measure.Measure(flat), nothing = () => measure.Measure((SimilarityStatistics)null!);
        none.Should().Throw<ArgumentException>().Which.Message.Should().MatchRegex("^statistics must hold at least [23] rows for .*, but it holds 0. Add more images.");
        constant.ShouldRefuse("statistics", "statistics must be of rows that vary, but all 90 rows of y are the same. A space without variance is like no other.");
        nothing.Should().Throw<ArgumentNullException>();
        using SimilarityStatistics wide = Sums(x.narrow(0, 0, 7), y.narrow(0, 0, 7));
        if (measure.Info.NeedsMoreRowsThanColumns) FluentActions.Invoking(() => measure.Measure(wide)).Should().Throw<ArgumentException>().Which.Message.Should().Contain("two more rows than");
        else double.IsFinite(measure.Measure(wide)).Should().BeTrue();
    }

    [Fact]
    public void DebiasedCka_OfStatistics_IsRefused()
    {
        using SimilarityStatistics sums = new(3, 2);
        Action act = () => new LinearCka().Measure(sums);
        act.ShouldRefuse("statistics", "statistics must hold the length of each row for cka-kernel=linear-hsic=song-score, but they hold moments. Take the rows, MinibatchCkaSums, or new LinearCka(CkaEstimator.Biased).");
    }

    [Fact]
    public void Statistics_OutOfRange_AreRefused()
    {
        using var scope = NewDisposeScope();
        Tensor x = tensor(new double[,] { { 0 }, { 2 }, { 1 } });
        using SimilarityStatistics tiny = Sums(x, x * 1e-80), huge = Sums(x * 1e80, x);
        Action small = () => new NormalisedBuresSimilarity().Measure(tiny), large = () => new NormalisedBuresSimilarity().Measure(huge);
        small.ShouldRefuse("statistics", "statistics must be of rows whose sums of squares lie from 1e-140 to 1e140, but the largest of y is 2e-160. Scale the rows to entries around 1.");
        large.ShouldRefuse("statistics", "statistics must be of rows whose sums of squares lie from 1e-140 to 1e140, but the largest of x is 2e+160. Scale the rows to entries around 1.");
    }

    [Fact]
    public void Statistics_BadRows_AreRefused()
    {
        using var scope = NewDisposeScope();
        using SimilarityStatistics sums = new(3, 2), other = new(3, 3);
        sums.ToString().Should().Be("statistics of 0 rows, 3 and 2 wide");
        Action width = () => sums.Add(ones(5, 3), ones(5, 3)), rows = () => sums.Add(ones(5, 3), ones(4, 2)), merge = () => sums.Merge(other), none = () => _ = new SimilarityStatistics(0, 2);
        width.ShouldRefuse("y", "y must have 2 columns, the latent width of the statistics, but its shape is [5, 3].");
        rows.ShouldRefuse("y", "y must hold as many rows as x, but the shapes are [5, 3] and [4, 2]. Row i of both must come from the same input.");
        merge.Should().Throw<ArgumentException>();
        none.ShouldRefuse("xColumns", "xColumns must be positive, but it is 0.");
        SimilarityStatistics gone = new(3, 2);
        gone.Dispose();
        gone.Dispose();
        FluentActions.Invoking(() => gone.Add(ones(5, 3), ones(5, 2))).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void MinibatchCkaSums_AreTheMeasures_AndMerge()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Pair(60);
        MinibatchCkaSums whole = new(), first = new(), second = new();
        for (int start = 0; start < 60; start += 20)
        {
            (Tensor a, Tensor b) = (x.narrow(0, start, 20), y.narrow(0, start, 20));
            whole.Add(a, b);
            (start < 40 ? first : second).Add(a, b);
        }
        first.Merge(second);
        whole.Value.Should().Be(new MinibatchCka(20).Measure(x, y));
        first.Value.Should().BeApproximately(whole.Value, 1e-14);
        (first.Batches, first.Rows).Should().Be((3, 60));
        whole.ToString().Should().Be("minibatch CKA of 3 batches, 60 rows");
        // One batch of everything is the debiased CKA itself.
        new MinibatchCka(60).Measure(x, y).Should().BeApproximately(new LinearCka().Measure(x, y), 1e-14);

        Action few = () => whole.Add(x.narrow(0, 0, 3), y.narrow(0, 0, 3)), nothing = () => _ = new MinibatchCkaSums().Value, rest = () => new MinibatchCka(19).Measure(x, y), small = () => _ = new MinibatchCka(3);
        few.ShouldRefuse("x", "x must hold at least 4 rows for cka-kernel=linear-hsic=song-score, but its shape is [3, 6]. Take more images.");
        nothing.ShouldSay<InvalidOperationException>("Value must be asked for after a batch was added, but there is none. Call Add.");
        rest.ShouldRefuse("x", "x must make batches of 19 rows and leave none or at least 4, but its 60 rows leave 3. Leave some rows out, or change the batch.");
        small.ShouldRefuse("batchRows", "batchRows must be at least 4, but it is 3.");
        whole.Batches.Should().Be(3);
    }
}
