using FsCheck.Xunit;
using LatentStitching.Checkpoints;
using LatentStitching.Numerics;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Pairing;

/// <summary>Sums over blocks against sums over the whole.</summary>
[NoTensorLeaks]
public sealed class PairStatisticsTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData(0)]
    [InlineData(1e3)]
    [InlineData(1e6)]
    [InlineData(1e9)]
    public void Add_ManyBlocksFarFromZero_IsTheTwoPassSumOfTheWhole(double offset)
    {
        using var scope = NewDisposeScope();
        // 3,000 rows: the second call alone is cut into blocks.
        Tensor x = Random(3000, 7, 1).add(offset), y = Random(3000, 3, 2).sub(offset);
        using PairStatistics statistics = new(7, 3);
        statistics.Add(x.narrow(0, 0, 100), y.narrow(0, 0, 100));
        statistics.Add(x.narrow(0, 100, 2900), y.narrow(0, 100, 2900));
        ShouldBeThoseOf(statistics, x, y, 1e-13);
        statistics.ToString().Should().Be("statistics of 3000 pairs, 7 → 3");
    }

    [Property(MaxTest = 30)]
    public void Merge_RandomSplitsInAnyOrder_IsTheWhole(byte[] cuts, ushort seed)
    {
        using var scope = NewDisposeScope();
        double offset = seed % 2 == 0 ? 0 : 1000;
        Tensor x = Random(200, 5, seed).add(offset), y = Random(200, 4, seed + 1u).add(offset);
        long[] bounds = [0, .. (cuts ?? []).Select(cut => (long)cut % 201).Order(), 200];
        List<PairStatistics> shards = [];
        for (int i = 1; i < bounds.Length; i++)
        {
            PairStatistics shard = new(5, 4);
            if (bounds[i] > bounds[i - 1]) shard.Add(x.narrow(0, bounds[i - 1], bounds[i] - bounds[i - 1]), y.narrow(0, bounds[i - 1], bounds[i] - bounds[i - 1]));
            shards.Add(shard);
        }
        using PairStatistics forth = new(5, 4), back = new(5, 4);
        foreach (PairStatistics shard in shards) forth.Merge(shard);
        foreach (PairStatistics shard in Enumerable.Reverse(shards)) back.Merge(shard);
        ShouldBeThoseOf(forth, x, y, 1e-13);
        ShouldBeThoseOf(back, x, y, 1e-13);
        shards.ForEach(shard => shard.Dispose());
    }

    [Fact]
    public void Add_ConstantColumn_HasExactlyNoVariance()
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(500, 3, 1).mul(tensor(new[] { 1.0, 0, 1 })).add(0.1), y = ones(500, 1, ScalarType.Float64).mul(1 / 3.0);
        using PairStatistics first = new(3, 1), second = new(3, 1);
        first.Add(x.narrow(0, 0, 123), y.narrow(0, 0, 123));
        first.Add(x.narrow(0, 123, 77), y.narrow(0, 123, 77));
        second.Add(x.narrow(0, 200, 300), y.narrow(0, 200, 300));
        first.Merge(second);
        Moments moments = first.Moments(intercept: true);
        moments.Gram[1].abs().max().ToDouble().Should().Be(0);
        moments.Cross.abs().max().ToDouble().Should().Be(0);
        moments.TargetSquares.abs().max().ToDouble().Should().Be(0);
        moments.SourceCentre[1].ToDouble().Should().Be(0.1);
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float32)]
    public void Add_ShortTypes_AreSummedInFloat64(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(300, 4, 1).add(8).to_type(type), y = Random(300, 2, 2).to_type(type);
        using PairStatistics statistics = new(4, 2);
        statistics.Add(x, y);
        ShouldBeThoseOf(statistics, x.to_type(ScalarType.Float64), y.to_type(ScalarType.Float64), 1e-13);
    }

    [Fact]
    public void Add_TransposedViews_AreReadAsTheyAre()
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(4, 50, 1).t(), y = Random(2, 50, 2).t();
        using PairStatistics statistics = new(4, 2);
        statistics.Add(x, y);
        ShouldBeThoseOf(statistics, x.contiguous(), y.contiguous(), 1e-14);
    }

    [Fact]
    public void Of_BlocksOfAnIterator_FreesNoneAndLeaksNone()
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(90, 3, 1), y = Random(90, 2, 2);
        IEnumerable<LatentPairs> Blocks()
        {
            for (long start = 0; start < 90; start += 40)
            {
                using LatentPairs block = new(x.narrow(0, start, Math.Min(40, 90 - start)), y.narrow(0, start, Math.Min(40, 90 - start)));
                yield return block;
            }
        }
        using var statistics = PairStatistics.Of(Blocks());
        ShouldBeThoseOf(statistics, x, y, 1e-13);
    }

    [Fact]
    public void Of_Cancelled_ThrowsAndLeavesNoTensor()
    {
        using CancellationTokenSource cancel = new();
        IEnumerable<LatentPairs> Blocks()
        {
            using var scope = NewDisposeScope();
            using LatentPairs block = new(ones(4, 3), ones(4, 2));
            yield return block;
            cancel.Cancel();
            yield return block;
        }
        Action act = () => PairStatistics.Of(Blocks(), cancel.Token);
        act.Should().Throw<OperationCanceledException>();
    }

    [Fact]
    public void SaveAndLoad_KeepsEveryBitAndGoesOn()
    {
        using var scope = NewDisposeScope();
        Tensor x = Random(100, 4, 1).to_type(ScalarType.Float32), y = Random(100, 3, 2).add(50);
        using PairStatistics whole = new(4, 3), half = new(4, 3);
        half.Add(x.narrow(0, 0, 60), y.narrow(0, 0, 60));
        half.Save(_path, new Dictionary<string, string> { ["models"] = "a, b" });
        using var loaded = PairStatistics.Load(_path);
        loaded.Count.Should().Be(60);
        ShouldBeThoseOf(loaded, x.narrow(0, 0, 60).to_type(ScalarType.Float64), y.narrow(0, 0, 60), 1e-13);
        loaded.Add(x.narrow(0, 60, 40), y.narrow(0, 60, 40));
        half.Add(x.narrow(0, 60, 40), y.narrow(0, 60, 40));
        loaded.Moments(true).Gram.ShouldBeCloseTo(half.Moments(true).Gram, 0);
        loaded.Moments(true).Cross.ShouldBeCloseTo(half.Moments(true).Cross, 0);
        whole.Save(_path);
        using var empty = PairStatistics.Load(_path);
        empty.Count.Should().Be(0);
    }

    /// <summary>Files of before maps were float64 by default name the source's dtype, and their checksum begins with it.</summary>
    [Fact]
    public void Load_FileThatNamesTheSourceType_IsReadAlike()
    {
        using var scope = NewDisposeScope();
        using PairStatistics statistics = new(4, 3);
        statistics.Add(Random(10, 4, 1), Random(10, 3, 2));
        statistics.Save(_path);
        Rewrite("count", count => count, "Float32");
        using var loaded = PairStatistics.Load(_path);
        loaded.Count.Should().Be(10);
        loaded.Moments(true).Gram.ShouldBeCloseTo(statistics.Moments(true).Gram, 0);
    }

    [Fact]
    public void Load_DamagedOrForeignFile_SaysSo()
    {
        using var scope = NewDisposeScope();
        using PairStatistics statistics = new(4, 3);
        statistics.Add(Random(10, 4, 1), Random(10, 3, 2));
        statistics.Save(_path);
        byte[] bytes = File.ReadAllBytes(_path);
        foreach (int place in (int[])[bytes.Length - 1, bytes.Length - 100, bytes.Length - (4 * 4 * 8)])
        {
            byte[] damaged = [.. bytes];
            damaged[place] ^= 4;
            File.WriteAllBytes(_path, damaged);
            Action read = () => PairStatistics.Load(_path);
            read.Should().Throw<InvalidDataException>().WithMessage($"{_path} must match its checksum *The file was changed or damaged.");
        }
        File.WriteAllBytes(_path, bytes[..^8]);
        Action cut = () => PairStatistics.Load(_path);
        cut.Should().Throw<InvalidDataException>();

        SafeTensors.Save(_path, [("weight", ones(2))]);
        Action foreign = () => PairStatistics.Load(_path);
        foreign.ShouldSay<InvalidDataException>($"{_path} must be pair statistics, but its metadata names the kind 'none'. Write them with PairStatistics.Save.");
        SafeTensors.Save(_path, [("count", ones(1))], new Dictionary<string, string> { ["latentstitching.kind"] = "pair-statistics", ["latentstitching.format"] = "2" });
        foreign.ShouldSay<InvalidDataException>($"{_path} must be of format 1, but it is of format '2'. A newer version of the library wrote it.");
        SafeTensors.Save(_path, [("count", ones(1))], new Dictionary<string, string> { ["latentstitching.kind"] = "pair-statistics", ["latentstitching.format"] = "1" });
        foreign.ShouldSay<InvalidDataException>($"{_path} must hold the tensor 'source.origin', but it holds count.");
        using (StateDictionary whole = Rewritten(statistics, "gram", ones(4, 3, ScalarType.Float64)))
        {
            whole.Save(_path);
        }
        foreign.ShouldSay<InvalidDataException>($"{_path} must hold 'gram' as Float64 [4, 4], but it is Float64 [4, 3].");
    }

    [Theory]
    [InlineData("count", -1, "must hold statistics of a number of rows, but it says -1.")]
    [InlineData("cross", double.NaN, "must hold finite sums, but 'cross' does not.")]
    [InlineData("source.shift", double.PositiveInfinity, "must hold finite sums, but 'source.shift' does not.")]
    public void Load_NumbersThatCannotBe_SaysSo(string name, double bad, string text)
    {
        using var scope = NewDisposeScope();
        using PairStatistics statistics = new(4, 3);
        statistics.Add(Random(5, 4, 1), Random(5, 3, 2));
        statistics.Save(_path);
        Rewrite(name, tensor => tensor.mul(0).add(bad).to_type(tensor.dtype), sourceType: null);
        Action read = () => PairStatistics.Load(_path);
        read.ShouldSay<InvalidDataException>($"{_path} {text}");
    }

    [Fact]
    public void Merge_OtherDevice_IsNamed()
    {
        // A device without numbers, which every machine has.
        using PairStatistics here = new(4, 3), there = new(4, 3, META);
        Action merge = () => here.Merge(there);
        merge.ShouldRefuse("other", "other must be on cpu, where the statistics are, but it is on meta. Move it with .to(device).");
        using LatentPairs pairs = Four();
        Action add = () => there.Add(pairs);
        add.ShouldRefuse("pairs", "pairs must be on meta, where the statistics are, but it is on cpu. Move it with .to(device).");
    }

    // With a checksum that is right: these numbers were written so.
    private void Rewrite(string name, Func<Tensor, Tensor> change, string? sourceType)
    {
        using var file = SafeTensors.Load(_path);
        (string Name, Tensor Tensor)[] tensors = [.. file.Names.Select(key => (key, key == name ? change(file[key]) : file[key].clone()))];
        Dictionary<string, string> metadata = new(file.Metadata);
        metadata.Should().NotContainKey("latentstitching.source-type");
        if (sourceType is not null) metadata["latentstitching.source-type"] = sourceType;
        string[] order = ["count", "source.origin", "source.shift", "target.origin", "target.shift", "gram", "cross", "target.squares"];
        metadata["latentstitching.sha256"] = TensorChecksum.Of(sourceType ?? "", [.. order.Select(key => tensors.Single(part => part.Name == key).Tensor)]);
        SafeTensors.Save(_path, tensors, metadata);
    }

    private static LatentPairs Four()
    {
        using var scope = NewDisposeScope();
        return new LatentPairs(ones(5, 4), ones(5, 3));
    }

    [Fact]
    public void Save_ReservedKey_IsRefused()
    {
        using PairStatistics statistics = new(4, 3);
        Action act = () => statistics.Save(_path, new Dictionary<string, string> { ["latentstitching.kind"] = "x" });
        act.ShouldRefuse("provenance", "provenance must not use keys that start with 'latentstitching.', but it has 'latentstitching.kind'.");
    }

    [Fact]
    public void Arguments_ThatDoNotFit_AreNamed()
    {
        using var scope = NewDisposeScope();
        using PairStatistics statistics = new(4, 3), other = new(4, 2);
        Action width = () => statistics.Add(ones(5, 3), ones(5, 3));
        width.ShouldRefuse("pairs", "pairs must have the widths 4 → 3 of the statistics, but it has 3 → 3.");
        Action rows = () => statistics.Add(ones(5, 4), ones(6, 3));
        rows.ShouldRefuse("target", "target must hold as many rows as source, but the shapes are [5, 4] and [6, 3]. Row i of both must come from the same input.");
        Action none = () => statistics.Add(ones(0, 4), ones(0, 3));
        none.ShouldRefuse("source", "source must hold at least one row, but its shape is [0, 4].");
        Action infinite = () => statistics.Add(ones(1, 4).div(0), ones(1, 3));
        infinite.ShouldRefuse("source", "source must be finite, but 4 of its entries are NaN or infinite, the first in row 0.");
        Action merge = () => statistics.Merge(other);
        merge.ShouldRefuse("other", "other must have the widths 4 → 3 of the statistics, but it has 4 → 2.");
        Action noBlocks = () => PairStatistics.Of([]);
        noBlocks.ShouldRefuse("blocks", "blocks must hold at least one block of pairs, but there is none.");
        Action noWidth = () => _ = new PairStatistics(3, 0);
        noWidth.Should().Throw<ArgumentOutOfRangeException>().WithMessage("targetDimension must be positive, but it is 0.*");
        statistics.Count.Should().Be(0);
        statistics.Dispose();
        statistics.Dispose();
        Action disposed = () => statistics.Add(ones(5, 4), ones(5, 3));
        disposed.Should().Throw<ObjectDisposedException>();
    }

    private static StateDictionary Rewritten(PairStatistics statistics, string name, Tensor value)
    {
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.safetensors");
        statistics.Save(path);
        using var file = SafeTensors.Load(path);
        File.Delete(path);
        return new StateDictionary([.. file.Names.Select(key => (key, key == name ? value : file[key].clone()))], file.Metadata);
    }

    private static void ShouldBeThoseOf(PairStatistics statistics, Tensor x, Tensor y, double tolerance)
    {
        // Differences to the first row are exact where the offset is large, so this reference is as good at 10⁹ as at 0.
        Tensor a = x.sub(x[0]), b = y.sub(y[0]), xc = a.sub(a.mean([0])), yc = b.sub(b.mean([0]));
        statistics.Count.Should().Be(x.size(0));
        Moments moments = statistics.Moments(intercept: true);
        moments.Gram.ShouldBeCloseTo(xc.t().mm(xc), tolerance);
        moments.Cross.sub(xc.t().mm(yc)).abs().max().ToDouble().Should().BeLessThan(tolerance * 10 * x.size(0));
        moments.TargetSquares.ShouldBeCloseTo(yc.square().sum([0]), tolerance);
        moments.SourceCentre.ShouldBeCloseTo(x.mean([0]), tolerance);
        moments.TargetCentre.ShouldBeCloseTo(y.mean([0]), tolerance);
        if (x.abs().max().ToDouble() > 1e4) return;
        Moments raw = statistics.Moments(intercept: false);
        raw.Gram.ShouldBeCloseTo(x.t().mm(x), tolerance);
        raw.Cross.sub(x.t().mm(y)).abs().max().ToDouble().Should().BeLessThan(tolerance * x.t().mm(x).abs().max().ToDouble() + (tolerance * x.size(0)));
        raw.TargetSquares.ShouldBeCloseTo(y.square().sum([0]), tolerance);
    }

    private static Tensor Random(long rows, long columns, ulong seed)
    {
        using Generator generator = new(seed);
        return randn([rows, columns], ScalarType.Float64, generator: generator);
    }
}
