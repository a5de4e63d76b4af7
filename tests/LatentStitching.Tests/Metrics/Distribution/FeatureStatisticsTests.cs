using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Metrics.Distribution;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Metrics.Distribution;

[NoTensorLeaks]
public sealed class FeatureStatisticsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("features-").FullName;

    private string File => Path.Combine(_folder, "file.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Batches that stay rows, that cross over to sums in the middle, and that are sums from the start; merged in both orders.
    [Theory]
    [InlineData(10, 4, 5)]
    [InlineData(10, 9, 30)]
    [InlineData(10, 30, 9)]
    [InlineData(6, 1500, 1100)]
    public void Batches_AndMerges_AreTheWhole(int d, int first, int second)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        // A large offset, which a sum of squares would lose ten digits to.
        Tensor x = randn([first + second, d], ScalarType.Float64, generator: generator) + 1e5;
        Tensor centred = x - x.mean([0]);
        Tensor covariance = centred.t().mm(centred) / (first + second - 1);
        using FeatureStatistics whole = new("test", d), batches = new("test", d), left = new("test", d), right = new("test", d), none = new("test", d);
        whole.Add(x);
        batches.Add(x.narrow(0, 0, first / 2 + 1));
        batches.Add(x.narrow(0, first / 2 + 1, first + second - (first / 2) - 1));
        left.Add(x.narrow(0, 0, first));
        right.Add(x.narrow(0, first, second));
        left.Merge(right);
        none.Merge(left);
        none.Merge(new FeatureStatistics("test", d));
        foreach (FeatureStatistics statistics in (FeatureStatistics[])[whole, batches, left, none])
        {
            statistics.Count.Should().Be(first + second);
            statistics.Mean().ShouldBeCloseTo(x.mean([0]), 1e-14);
            statistics.Covariance().ShouldBeCloseTo(covariance, 1e-12);
            statistics.HasRows.Should().Be(first + second <= d);
        }
    }

    [Fact]
    public void Distance_OfMergedParts_IsThatOfTheWhole()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(2);
        Tensor x = randn([500, 16], generator: generator), y = randn([400, 16], generator: generator) + 0.1;
        using FeatureStatistics whole = FrechetDistanceTests.Statistics(x), reference = FrechetDistanceTests.Statistics(y);
        using FeatureStatistics left = FrechetDistanceTests.Statistics(x.narrow(0, 0, 7)), right = FrechetDistanceTests.Statistics(x.narrow(0, 7, 493));
        left.Merge(right);
        double expected = FrechetDistance.Evaluate(whole, reference).Distance.Value;
        FrechetDistance.Evaluate(left, reference).Distance.Value.Should().BeApproximately(expected, 1e-12);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(50)]
    public void Files_KeepEveryBit_AndMoreCanBeAdded(int count)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        Tensor x = randn([count, 8], generator: generator);
        using FeatureStatistics saved = new("inception-64,tensorflow", 8);
        saved.Add(x);
        saved.Save(File);
        using FeatureStatistics loaded = FeatureStatistics.Load(File);
        (loaded.Features, loaded.Count, loaded.Dimension, loaded.HasRows).Should().Be((saved.Features, saved.Count, saved.Dimension, saved.HasRows));
        loaded.ToString().Should().Be($"statistics of {count} images, inception-64,tensorflow");
        loaded.Mean().bytes.SequenceEqual(saved.Mean().bytes).Should().BeTrue();
        loaded.Covariance().bytes.SequenceEqual(saved.Covariance().bytes).Should().BeTrue();
        loaded.Add(x);
        loaded.Count.Should().Be(2 * count);
        using FeatureSet set = new(x, "test");
        set.Save(File);
        using FeatureSet again = FeatureSet.Load(File);
        again.Values.bytes.SequenceEqual(set.Values.bytes).Should().BeTrue();
        again.ToString().Should().Be($"{count} images, test");
    }

    [Fact]
    public void Load_OtherOrDamagedFiles_Throws()
    {
        using var scope = NewDisposeScope();
        using FeatureSet set = new(ones(3, 2), "test");
        set.Save(File);
        ((Action)(() => FeatureStatistics.Load(File))).ShouldSay<InvalidDataException>($"{File} must be of the kind 'feature-statistics', but its metadata names 'feature-set'.");
        byte[] bytes = System.IO.File.ReadAllBytes(File);
        bytes[^1] ^= 1;
        System.IO.File.WriteAllBytes(File, bytes);
        ((Action)(() => FeatureSet.Load(File))).Should().Throw<InvalidDataException>().WithMessage("*must match its checksum*The file was changed or damaged.");
        Write("feature-set", "2", ("features", ones(3, 2)));
        ((Action)(() => FeatureSet.Load(File))).ShouldSay<InvalidDataException>($"{File} must be of format 1, but it is of format '2'. A newer version of the library wrote it.");
        Write("feature-set", "1", ("features", ones(3)));
        ((Action)(() => FeatureSet.Load(File))).ShouldSay<InvalidDataException>($"{File} must hold a whole feature-set, but it holds features Float32 [3].");
        Write("feature-statistics", "1", ("count", tensor(new[] { 4L })), ("rows", ones(3, 9, ScalarType.Float64)));
        ((Action)(() => FeatureStatistics.Load(File))).ShouldSay<InvalidDataException>($"{File} must hold a whole feature-statistics, but it holds count Int64 [1], rows Float64 [3, 9].");
        Write("feature-statistics", "1", ("count", tensor(new[] { 4L })), ("origin", ones(2, ScalarType.Float64)), ("shift", ones(2, ScalarType.Float64)), ("scatter", full([2, 2], double.NaN)));
        ((Action)(() => FeatureStatistics.Load(File))).Should().Throw<InvalidDataException>();

        void Write(string kind, string format, params (string, Tensor)[] tensors) => SafeTensors.Save(File, tensors, new Dictionary<string, string>
        {
            ["latentstitching.kind"] = kind,
            ["latentstitching.format"] = format,
            ["latentstitching.features"] = "test",
            ["latentstitching.sha256"] = TensorChecksum.Of("test", Array.ConvertAll(tensors, pair => pair.Item2)),
        });
    }

    [Fact]
    public void Misuse_Throws()
    {
        using var scope = NewDisposeScope();
        using FeatureStatistics statistics = new("test", 3), other = new("test", 4);
        ((Action)(() => statistics.Add(ones(2, 4)))).ShouldRefuse("features", "features must have 3 columns, the features of 'test', but the shape is [2, 4].");
        ((Action)(() => statistics.Add(full([2, 3], float.NaN)))).ShouldRefuse("features", "features must be finite, but 6 of its entries are NaN or infinite, the first in row 0.");
        ((Action)(() => statistics.Merge(other))).ShouldRefuse("other", "other must be of the features 'test' [3], but it is of 'test' [4]. Features of different extractors cannot be compared.");
        ((Action)(() => statistics.Mean())).ShouldSay<InvalidOperationException>("Statistics must hold at least 1 image for this, but they hold 0. Call Add.");
        ((Action)(() => statistics.Save(File))).ShouldSay<InvalidOperationException>("Statistics must hold at least 1 image for this, but they hold 0. Call Add.");
        statistics.Add(ones(1, 3));
        ((Action)(() => statistics.Covariance())).ShouldSay<InvalidOperationException>("Statistics must hold at least 2 images for this, but they hold 1. Call Add.");
        ((Action)(() => _ = new FeatureStatistics("Inception|64", 3))).ShouldRefuse("features", "features must be of lower-case letters, digits, '-', '.', '+' and ',', but it is 'Inception|64'.");
        statistics.Dispose();
        ((Action)(() => statistics.Add(ones(1, 3)))).Should().Throw<ObjectDisposedException>();
        ((Action)(() => other.Merge(statistics))).Should().Throw<ObjectDisposedException>();
        FeatureSet set = new(ones(2, 2), "test");
        set.Dispose();
        ((Action)(() => _ = set.Statistics)).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Of_ImageSource_IsTheWholeBatch()
    {
        using var scope = NewDisposeScope();
        using IFeatureExtractor extractor = FeatureExtractor.FromFunction("pixels", 6, images => images.flatten(1));
        TensorImages images = Toy.Images(10);
        Steps<int> steps = new();
        using FeatureSet set = FeatureSet.Of(extractor, images, 4, steps), whole = FeatureSet.Of(extractor, images.Load(0, 10));
        set.Values.bytes.SequenceEqual(whole.Values.bytes).Should().BeTrue();
        (set.Count, set.Dimension, set.Features).Should().Be((10, 6, "pixels"));
        steps.All.Should().Equal(4, 8, 10);
        using CancellationTokenSource cancel = new();
        ((Action)(() => FeatureSet.Of(extractor, images, 4, new Steps<int>(cancel.Cancel), cancel.Token))).Should().Throw<OperationCanceledException>();
        ((Action)(() => FeatureSet.Of(extractor, images, 0))).ShouldRefuse("batchSize", "batchSize must be positive, but it is 0.");
        ((Action)(() => FeatureSet.Of(extractor, new TensorImages("none", [], Toy.Format)))).ShouldRefuse("images", "images must hold at least one image, but it holds none.");
    }
}
