using LatentStitching.Checkpoints;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Distribution;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Distribution;

[NoTensorLeaks]
public sealed class KernelAndNeighbourTests
{
    [Fact]
    public void KernelDistance_OfTheGoldenFeatures()
    {
        using var scope = NewDisposeScope();
        using FeatureSet x = new(Golden.X(), "test"), y = new(FrechetDistanceTests.F2(), "test"), twelve = new(FrechetDistanceTests.F2().narrow(0, 0, 12), "test");
        // The set keeps float32, the published numbers are of float64 features.
        new KernelDistance().Evaluate(x, y).Value.Should().BeApproximately(0.0969901909097404, 1e-7);
        new KernelDistance().Evaluate(x, twelve).Value.Should().BeApproximately(0.11603949105471, 1e-7);
        Estimate(Golden.X(), FrechetDistanceTests.F2()).Should().BeApproximately(0.0969901909097404, 1e-13);
    }

    // torch-fidelity 5e211a9 with the recorded subsets.
    [Fact]
    public void KernelDistance_AgreesWithTorchFidelity()
    {
        using StateDictionary file = Fixture.Load("fid_kid/kid_isc_prc.safetensors");
        using var scope = NewDisposeScope();
        using FeatureSet one = new(file["feat1"], "test"), other = new(file["feat2"], "test"), first = new(file["feat1"].narrow(0, 0, 100), "test");
        double[] values = KernelDistance.OfRows(one, other, Enumerable.Range(0, 20).Select(i => (file["subset_idx1"][i].data<long>().ToArray(), file["subset_idx2"][i].data<long>().ToArray())));
        double mean = file["kid_mean"].ToDouble(), deviation = file["kid_std"].ToDouble();
        values.Average().Should().BeApproximately(mean, 1e-6 * Math.Abs(mean));
        Math.Sqrt(values.Average(value => Math.Pow(value - values.Average(), 2))).Should().BeApproximately(deviation, 5e-6 * deviation, "the original multiplies in float32");
        double whole = file["mmd2_poly_first100_unbiased"].ToDouble();
        new KernelDistance().Evaluate(first, other).Value.Should().BeApproximately(whole, 1e-6 * Math.Abs(whole));
    }

    [Fact]
    public void KernelDistance_Blocks_AreTheWhole()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        // More rows than one block of the kernel matrix, on either side.
        Tensor x = randn([1500, 5], generator: generator), y = randn([2100, 5], generator: generator).mul(1.1);
        using FeatureSet one = new(x, "test"), other = new(y, "test");
        new KernelDistance().Evaluate(one, other).Value.Should().BeApproximately(Estimate(x, y), 1e-12);
        // The second time the sums of each set are there already.
        new KernelDistance().Evaluate(one, other).Value.Should().BeApproximately(Estimate(x, y), 1e-12);
        new KernelDistance().Evaluate(other, one).Value.Should().BeApproximately(Estimate(x, y), 1e-12);
    }

    [Fact]
    public void KernelDistance_Interval_IsTheJackknifeOfBothSets()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(2);
        Tensor x = randn([7, 3], generator: generator), y = randn([9, 3], generator: generator);
        using FeatureSet one = new(x, "test"), other = new(y, "test");
        double variance = Variance(7, left => Estimate(Without(x, left), y)) + Variance(9, left => Estimate(x, Without(y, left)));
        MetricValue value = new KernelDistance().Evaluate(one, other);
        (value.Upper - value.Value).Should().BeApproximately(1.959963984540054 * Math.Sqrt(variance), 1e-11);
        (value.Value - value.Lower).Should().BeApproximately(1.959963984540054 * Math.Sqrt(variance), 1e-11);

        static Tensor Without(Tensor rows, int left) => rows.index_select(0, tensor(Enumerable.Range(0, (int)rows.size(0)).Where(i => i != left).Select(i => (long)i).ToArray()));
        static double Variance(int n, Func<int, double> leave)
        {
            double[] values = [.. Enumerable.Range(0, n).Select(leave)];
            return (n - 1.0) / n * values.Sum(value => Math.Pow(value - values.Average(), 2));
        }
    }

    [Fact]
    public void KernelDistance_Interval_CoversZeroForEqualDistributions()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        int covered = 0;
        for (int trial = 0; trial < 40; trial++)
        {
            using FeatureSet one = new(randn([60, 4], generator: generator), "test"), other = new(randn([60, 4], generator: generator) + 0.5, "test");
            MetricValue value = new KernelDistance().Evaluate(one, other);
            // E k(x, y) by a large sample each: the distance of the distributions.
            if (value.Lower <= 0.9 && value.Upper >= 0.5) covered++;
        }
        covered.Should().BeGreaterThan(30);
    }

    [Fact]
    public void KernelDistance_Subsets_AreSeeded()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(4);
        using FeatureSet one = new(randn([50, 4], generator: generator), "test"), other = new(randn([60, 4], generator: generator), "test");
        KernelDistance metric = new(new KernelDistanceOptions { Subsets = 10, SubsetSize = 20 });
        MetricValue a = metric.Evaluate(one, other, 1), b = metric.Evaluate(one, other, 1), c = metric.Evaluate(one, other, 2);
        a.Value.Should().Be(b.Value);
        a.Value.Should().NotBe(c.Value);
        a.StandardDeviation.Should().BeGreaterThan(0);
        a.Signature.Should().Be("kid|features:test|kernel:cubic|estimator:unbiased|sample:10x20|n:50/60|ci:none");
        // A subset of everything is everything, whatever its order.
        using FeatureSet fifty = new(other.Values.narrow(0, 0, 50), "test");
        MetricValue all = new KernelDistance(new KernelDistanceOptions { Subsets = 2, SubsetSize = 50 }).Evaluate(one, fifty);
        all.Value.Should().BeApproximately(new KernelDistance().Evaluate(one, fifty).Value, 1e-12);
        all.StandardDeviation.Should().BeLessThan(1e-12);
        ((Action)(() => new KernelDistance(new KernelDistanceOptions { Subsets = 2 }).Evaluate(one, other))).ShouldRefuse(
            "candidate", "candidate must hold at least the 1000 images of a subset, but it holds 50. Lower SubsetSize, or leave Subsets null for the estimate from all images.");
        ((Action)(() => _ = new KernelDistanceOptions { Subsets = 1 })).ShouldRefuse("Subsets", "Subsets must be at least 2, but it is 1.");
        ((Action)(() => _ = new KernelDistanceOptions { SubsetSize = 1 })).ShouldRefuse("SubsetSize", "SubsetSize must be at least 2, but it is 1.");
    }

    [Fact]
    public void KernelDistance_TwoImages_HaveAValueAndNoInterval()
    {
        using var scope = NewDisposeScope();
        using FeatureSet two = new(tensor(new[,] { { 1f }, { 2f } }), "test"), one = new(ones(1, 1), "test");
        MetricValue value = new KernelDistance().Evaluate(two, two);
        // k(1, 2) = 27 within; 8, 27, 27, 125 between.
        value.Value.Should().BeApproximately(54 - (2 * 187 / 4.0), 1e-12);
        value.IntervalMethod.Should().Be("none");
        ((Action)(() => new KernelDistance().Evaluate(one, two))).ShouldRefuse("candidate", "candidate must hold at least 2 images, but it holds 1.");
    }

    // torch-fidelity's metric_prc: k = 3, feat1 generated, feat2 real; its shares are float32.
    [Fact]
    public void PrecisionRecall_AgreesWithTorchFidelity()
    {
        using StateDictionary file = Fixture.Load("fid_kid/kid_isc_prc.safetensors");
        using var scope = NewDisposeScope();
        using FeatureSet candidate = new(file["feat1"], "test"), reference = new(file["feat2"], "test");
        PrecisionRecallResult result = new PrecisionRecall().Evaluate(candidate, reference);
        result.Precision.Value.Should().BeApproximately(file["precision"].ToDouble(), 1e-7);
        result.Recall.Value.Should().BeApproximately(file["recall"].ToDouble(), 1e-7);
        result.FScore.Should().BeApproximately(file["f_score"].ToDouble(), 1e-7);
        result.Precision.Signature.Should().Be("precision|features:test|k:3|n:120/100|ci:bca-bootstrap-2000");
        result.Recall.Signature.Should().Be("recall|features:test|k:3|n:120/100|ci:bca-bootstrap-2000");
    }

    // torch-fidelity's test of the convention: a narrow model within a wide reference is precise and recalls little.
    [Fact]
    public void PrecisionRecall_OfANarrowModel()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(5);
        using FeatureSet narrow = new(randn([400, 8], generator: generator).mul(0.1), "test"), wide = new(randn([500, 8], generator: generator).mul(3), "test");
        PrecisionRecallResult result = new PrecisionRecall().Evaluate(narrow, wide);
        result.Precision.Value.Should().BeGreaterThan(0.8);
        result.Recall.Value.Should().BeLessThan(0.3);
        PrecisionRecallResult swapped = new PrecisionRecall().Evaluate(wide, narrow);
        (swapped.Precision.Value, swapped.Recall.Value).Should().Be((result.Recall.Value, result.Precision.Value));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    public void PrecisionRecall_EqualsALoop(int k)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(6);
        // More rows than a block of distances.
        Tensor x = randn([1100, 6], generator: generator), y = randn([60, 6], generator: generator) * 1.2;
        using FeatureSet candidate = new(x, "test"), reference = new(y, "test");
        double[,] own = Distances(y, y), across = Distances(x, y);
        double[] radii = [.. Enumerable.Range(0, 60).Select(i => Enumerable.Range(0, 60).Where(j => j != i).Select(j => own[i, j]).Order().ElementAt(k - 1))];
        double expected = Enumerable.Range(0, 1100).Count(i => Enumerable.Range(0, 60).Any(j => across[i, j] <= radii[j])) / 1100.0;
        PrecisionRecallResult result = new PrecisionRecall(k).Evaluate(candidate, reference);
        result.Precision.Value.Should().BeApproximately(expected, 1e-12);
        result.Precision.PerImage.Should().HaveCount(1100);
        result.Recall.PerImage.Should().HaveCount(60);
    }

    [Fact]
    public void PrecisionRecall_SameSet_IsAll_AndFarSetsAreNone()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(7);
        Tensor x = randn([50, 5], generator: generator);
        using FeatureSet one = new(x, "test"), far = new(x + 100, "test"), flat = new(ones(5, 5), "test"), few = new(ones(3, 5), "test");
        PrecisionRecallResult same = new PrecisionRecall().Evaluate(one, one), apart = new PrecisionRecall().Evaluate(one, far);
        (same.Precision.Value, same.Recall.Value, same.FScore).Should().Be((1, 1, 1));
        (apart.Precision.Value, apart.Recall.Value, apart.FScore).Should().Be((0, 0, 0));
        // Balls of no size still hold their own point.
        new PrecisionRecall().Evaluate(flat, flat).FScore.Should().Be(1);
        ((Action)(() => new PrecisionRecall().Evaluate(few, one))).ShouldRefuse("candidate", "candidate must hold at least 4 images, but it holds 3.");
        ((Action)(() => _ = new PrecisionRecall(0))).ShouldRefuse("neighbours", "neighbours must be at least 1, but it is 0.");
    }

    private static double[,] Distances(Tensor x, Tensor y)
    {
        Tensor squares = (x.to_type(ScalarType.Float64).unsqueeze(1) - y.to_type(ScalarType.Float64).unsqueeze(0)).square().sum([2]);
        double[,] result = new double[x.size(0), y.size(0)];
        double[] values = squares.data<double>().ToArray();
        for (int i = 0; i < values.Length; i++) result[i / (int)y.size(0), i % (int)y.size(0)] = values[i];
        return result;
    }

    private static double Estimate(Tensor x, Tensor y)
    {
        (x, y) = (x.to_type(ScalarType.Float64), y.to_type(ScalarType.Float64));
        double m = x.size(0), n = y.size(0);
        Tensor K(Tensor a, Tensor b) => (a.mm(b.t()) / a.size(1) + 1).pow(3);
        return ((K(x, x).sum() - K(x, x).diagonal().sum()).ToDouble() / (m * (m - 1))) + ((K(y, y).sum() - K(y, y).diagonal().sum()).ToDouble() / (n * (n - 1)))
            - (2 * K(x, y).mean().ToDouble());
    }
}
