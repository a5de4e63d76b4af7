using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Reconstruction;

[NoTensorLeaks]
public sealed class LatentErrorStatisticsTests
{
    [Fact]
    public void BatchesAndMerges_AreTheWhole()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        // A large offset, and more rows than one block.
        Tensor reference = randn([3000, 4], ScalarType.Float64, generator: generator) * tensor([1.0, 10, 0.1, 1]) + 1e4;
        Tensor actual = reference + randn([3000, 4], ScalarType.Float64, generator: generator) * 0.5;
        LatentErrorStatistics whole = new(4), left = new(4), right = new(4), none = new(4);
        whole.Add(actual, reference);
        left.Add(actual.narrow(0, 0, 1), reference.narrow(0, 0, 1));
        left.Add(actual.narrow(0, 1, 499), reference.narrow(0, 1, 499));
        right.Add(actual.narrow(0, 500, 2500), reference.narrow(0, 500, 2500));
        none.Merge(left);
        none.Merge(right);
        none.Merge(new LatentErrorStatistics(4));
        foreach (LatentErrorStatistics statistics in (LatentErrorStatistics[])[whole, none])
        {
            statistics.Count.Should().Be(3000);
            Near(statistics.Mse().Value, new LatentMse().Evaluate(actual, reference).Value);
            Near(statistics.NormalisedMse().Value, new NormalisedLatentMse().Evaluate(actual, reference).Value);
            Near(statistics.R2().Value, new LatentR2().Evaluate(actual, reference).Value);
            statistics.R2PerDimension().Zip(LatentR2.PerDimension(actual, reference)).ToList().ForEach(pair => Near(pair.First, pair.Second));
            statistics.R2().Signature.Should().Be("r2|space:latent|columns:variance|n:3000|ci:none");
        }

        static void Near(double actual, double expected) => actual.Should().BeApproximately(expected, 1e-12 * Math.Max(1, Math.Abs(expected)));
    }

    [Fact]
    public void Misuse_Throws()
    {
        using var scope = NewDisposeScope();
        LatentErrorStatistics statistics = new(2);
        ((Action)(() => statistics.Mse())).ShouldSay<InvalidOperationException>("Statistics must hold at least one row for this. Call Add.");
        ((Action)(() => statistics.R2PerDimension())).ShouldSay<InvalidOperationException>("Statistics must hold at least one row for this. Call Add.");
        ((Action)(() => statistics.Add(ones(3, 4), ones(3, 4)))).ShouldRefuse("actual", "actual must have 2 columns, as the statistics do, but its shape is [3, 4].");
        ((Action)(() => statistics.Merge(new LatentErrorStatistics(3)))).ShouldRefuse("other", "other must be of 2 columns, but it is of 3.");
        ((Action)(() => _ = new LatentErrorStatistics(0))).ShouldRefuse("dimension", "dimension must be positive, but it is 0.");
        statistics.Add(zeros(3, 2), full([3, 2], 0.1));
        statistics.Mse().Value.Should().BeApproximately(0.01, 1e-9);
        ((Action)(() => statistics.R2())).ShouldSay<InvalidOperationException>("The reference must vary between rows, but all of its 3 rows are the same. Use Mse.");
        ((Action)(() => statistics.R2PerDimension())).ShouldSay<InvalidOperationException>("The reference must vary in every column, but column 0 is constant. Leave it out.");
    }
}
