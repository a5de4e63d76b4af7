using LatentStitching.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Data;

[NoTensorLeaks]
public sealed class DataSplitTests
{
    private static readonly string[] _ids = ["a", "b", "c", "d", "e"];

    [Fact]
    public void SplitMix64_GivesThePublishedNumbers()
    {
        // https://rosettacode.org/wiki/Pseudo-random_numbers/Splitmix64, seed 1234567
        SplitMix64 random = new(1234567);
        new[] { random.Next(), random.Next(), random.Next(), random.Next(), random.Next() }.Should().Equal(
            6457827717110365317UL, 3203168211198807973UL, 9817491932198370423UL, 4593380528125082431UL, 16408922859458223821UL);
    }

    [Fact]
    public void Permutation_GivesTheRecordedOrder() =>
        // From an independent Python transcription of the documented algorithm, seed 42.
        new SplitMix64(42).Permutation(10).Should().Equal(8, 3, 6, 5, 4, 0, 9, 2, 1, 7);

    [Fact]
    public void Below_IsEven()
    {
        SplitMix64 random = new(7);
        int[] counts = new int[6];
        for (int i = 0; i < 60000; i++) counts[random.Below(6)]++;
        // Five standard deviations of a binomial count: 5 √(60000 · 1/6 · 5/6) = 456.
        counts.Should().OnlyContain(count => Math.Abs(count - 10000) < 456);
    }

    [Theory]
    [InlineData(100, 50, 30, 20)]
    [InlineData(101, 50, 30, 20)]
    [InlineData(1, 0, 0, 1)]
    public void Create_GivesDisjointSetsOfTheSizesAskedFor(int count, int map, int probe, int test)
    {
        var split = DataSplit.Create(count, map, probe, test, seed: 3);
        (split.MapTrain.Count, split.ProbeTrain.Count, split.Test.Count).Should().Be((map, probe, test));
        int[] all = [.. split.MapTrain, .. split.ProbeTrain, .. split.Test];
        all.Should().OnlyHaveUniqueItems().And.OnlyContain(place => place >= 0 && place < count);
        split.IsDisjoint.Should().BeTrue();
        split.ImageCount.Should().Be(count);
    }

    [Fact]
    public void Create_SameSeed_SameSets()
    {
        var one = DataSplit.Create(10, 4, 3, 3, seed: 42);
        one.MapTrain.Should().Equal(8, 3, 6, 5);
        one.ProbeTrain.Should().Equal(4, 0, 9);
        one.Test.Should().Equal(2, 1, 7);
        DataSplit.Create(10, 4, 3, 3, seed: 43).MapTrain.Should().NotEqual(one.MapTrain);
        var smaller = DataSplit.Create(10, 4, 3, 1, seed: 42);
        smaller.MapTrain.Should().Equal(one.MapTrain);
        smaller.ProbeTrain.Should().Equal(one.ProbeTrain);
    }

    [Fact]
    public void CreateByShare_RoundsDown()
    {
        var split = DataSplit.CreateByShare(100, 0.29, 0.505, 0.2, seed: 0);
        (split.MapTrain.Count, split.ProbeTrain.Count, split.Test.Count).Should().Be((29, 50, 20));
        var whole = DataSplit.CreateByShare(5000, 0.7, 0.2, 0.1, seed: 0);
        (whole.MapTrain.Count, whole.ProbeTrain.Count, whole.Test.Count).Should().Be((3500, 1000, 500));
    }

    [Fact]
    public void ToString_SaysSizesAndSeed()
    {
        DataSplit.Create(100, 50, 30, 20, seed: 9).ToString().Should().Be("100 images: 50 map-train, 30 probe-train, 20 test (seed 9)");
        DataSplit.FromIds(_ids, ["a"], ["b"], ["b"], allowOverlap: true).ToString().Should().Be("5 images: 1 map-train, 1 probe-train, 1 test (from ids, sets overlap)");
    }

    [Fact]
    public void Create_MoreThanThereAre_Throws()
    {
        ((Action)(() => DataSplit.Create(10, 5, 5, 1, 0))).Should().Throw<ArgumentException>()
            .WithMessage("mapTrain + probeTrain + test must be at most the 10 images, but 5 + 5 + 1 is 11. Ask for fewer images, or add some.*");
        ((Action)(() => DataSplit.Create(10, int.MaxValue, int.MaxValue, 1, 0))).Should().Throw<ArgumentException>().WithMessage("*is 4294967295.*");
        ((Action)(() => DataSplit.Create(10, 0, 0, 0, 0))).Should().Throw<ArgumentException>()
            .WithMessage("mapTrain + probeTrain + test must hold at least one image, but all three are 0.*");
        ((Action)(() => DataSplit.Create(0, 1, 1, 1, 0))).Should().Throw<ArgumentOutOfRangeException>().WithMessage("imageCount must be positive, but it is 0.*");
        ((Action)(() => DataSplit.Create(10, 1, -1, 1, 0))).Should().Throw<ArgumentOutOfRangeException>().WithMessage("probeTrain must be zero or more, but it is -1.*");
    }

    [Fact]
    public void CreateByShare_BadShares_Throw()
    {
        ((Action)(() => DataSplit.CreateByShare(10, 0.5, 0.5, 0.1, 0))).Should().Throw<ArgumentException>()
            .WithMessage("mapTrain + probeTrain + test must be at most 1, but 0.5 + 0.5 + 0.1 is 1.1.*");
        ((Action)(() => DataSplit.CreateByShare(10, 0.5, double.NaN, 0.1, 0))).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage("probeTrain must lie from 0 to 1, but it is NaN.*");
    }

    [Fact]
    public void FromIds_KeepsTheOrderOfTheLists()
    {
        var split = DataSplit.FromIds(_ids, ["e", "a"], ["c"], ["b"]);
        split.MapTrain.Should().Equal(4, 0);
        split.ProbeTrain.Should().Equal(2);
        split.Test.Should().Equal(1);
        split.IsDisjoint.Should().BeTrue();
    }

    [Fact]
    public void FromIds_Overlap_IsRefusedUnlessAllowed()
    {
        ((Action)(() => DataSplit.FromIds(_ids, ["a", "b", "c", "d"], ["e"], ["d", "a", "b", "c"]))).Should().Throw<ArgumentException>()
            .WithMessage("test must share no image with mapTrain, but 4 images (a, b, c, …) are in both. Results on images that were fitted on flatter; pass allowOverlap: true only to repeat a published split.*")
            .WithParameterName("test");
        ((Action)(() => DataSplit.FromIds(_ids, ["a"], ["b"], ["b"]))).Should().Throw<ArgumentException>()
            .WithMessage("test must share no image with probeTrain, but 1 image (b) is in both.*");
        DataSplit.FromIds(_ids, ["a"], ["b"], ["b"], allowOverlap: true).IsDisjoint.Should().BeFalse();
    }

    [Fact]
    public void FromIds_UnknownOrRepeatedIds_Throw()
    {
        ((Action)(() => DataSplit.FromIds(_ids, ["a", "x", "y"], [], []))).Should().Throw<ArgumentException>()
            .WithMessage("mapTrain must name images of the source, but 2 images (x, y) are not among them.*");
        ((Action)(() => DataSplit.FromIds(_ids, ["a"], [], ["b", "c", "b"], allowOverlap: true))).Should().Throw<ArgumentException>()
            .WithMessage("test must name each image once, but 'b' comes twice.*");
        ((Action)(() => DataSplit.FromIds(["a", "a"], ["a"], [], []))).Should().Throw<ArgumentException>().WithMessage("ids must differ, but 'a' comes twice.*");
    }
}
