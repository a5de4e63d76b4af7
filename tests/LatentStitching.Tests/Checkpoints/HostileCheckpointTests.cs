using System.Diagnostics;
using System.Text;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;
using static LatentStitching.Tests.Checkpoints.CheckpointFiles;

namespace LatentStitching.Tests.Checkpoints;

/// <summary>Files made to take long, to take memory, or to fill the screen.</summary>
[NoTensorLeaks]
public sealed class HostileCheckpointTests
{
    private static readonly byte[] _six = new byte[24];

    // Sixty dictionaries within each other, each met by two ways: 2^60 ways to a container that is not there.
    [Fact]
    public void Load_AContainerSoughtInATowerOfTheSameDictionaries_IsStopped()
    {
        StringBuilder pickle = new("}q\u0000U\u0001w" + Tensor("a", 6, 0, [6], [1]) + "s");
        for (int level = 1; level <= 60; level++) pickle.Append($"}}q{(char)level}(U\u0001ah{(char)(level - 1)}U\u0003a.ah{(char)(level - 1)}u");
        With(Zip(Pickle($"({pickle}t."), ("archive/data/a", _six)), path =>
        {
            var clock = Stopwatch.StartNew();
            Action act = () => StateDictionary.Load(path, "60." + string.Join('.', Enumerable.Repeat("a", 100)) + ".b");
            act.Should().Throw<InvalidDataException>().WithMessage("*must not hold more containers and tensors than its length allows*");
            clock.Elapsed.Should().BeLessThan(TimeSpan.FromSeconds(60));
        });
    }

    [Fact]
    public void Load_TwoContainersOfOneName_IsRefused()
    {
        string inner = "}U\u0001w" + Tensor("a", 6, 0, [6], [1]) + "s";
        With(Zip(Pickle($"}}(U\u00011}}K\u0001{inner}u."), ("archive/data/a", _six)), path =>
            ((Action)(() => StateDictionary.Load(path, "1.x"))).Should().Throw<InvalidDataException>().WithMessage($"'{path}' must name each container once, but '1' comes twice."));
    }

    [Fact]
    public void Load_AListOfMillionsAsAShape_TakesNoMemoryForIt()
    {
        byte[] header = Encoding.ASCII.GetBytes("{\"a\":{\"dtype\":\"U8\",\"shape\":[" + string.Join(',', Enumerable.Repeat("1", 2_000_000)) + "],\"data_offsets\":[0,1]}}");
        With(SafeTensors(header, new byte[1]), path =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Action act = () => LatentStitching.Checkpoints.SafeTensors.Load(path);
            act.Should().Throw<InvalidDataException>().WithMessage($"'{path}' must have lists of at most 64 numbers in its header, but one at byte * has more.");
            (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(header.Length + (1 << 20), "16 MB would hold the numbers");
        });
    }

    [Fact]
    public void Load_NamesOfMillionsOfLetters_AreShortInTheText()
    {
        string name = new('n', 1_000_000);
        foreach ((string header, int data) in ((string, int)[])
            [
                ($"{{\"{name}\":1}}", 0), ($"{{\"__metadata__\":{{\"{name}\":7}}}}", 0), ($"{{\"a\":{{\"{name}\":1}}}}", 0),
                ($"{{\"{name}\":{{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}}}", 2),
            ])
        {
            With(SafeTensors(header, data), path => ((Action)(() => LatentStitching.Checkpoints.SafeTensors.Load(path))).Should().Throw<InvalidDataException>().Which.Message.Length.Should().BeLessThan(1000));
        }
        using Tensor one = ones(1);
        using StateDictionary state = new([(name, one)]);
        ((Action)(() => _ = state["other"])).Should().Throw<ArgumentException>().Which.Message.Length.Should().BeLessThan(1000);
        WeightReport.Compare(state, []).ToString().Length.Should().BeLessThan(1000);
        using StateDictionary many = new([.. Enumerable.Range(0, 20_000).Select(i => ($"{i}", one))]);
        WeightReport.Compare(many, []).ToString().Should().EndWith("9999 is unexpected; and 10000 more are unexpected");
    }

    [Fact]
    public void Load_AChangedByteInAStorage_IsSeen()
    {
        byte[] good = Zip(Pickle(Tensor("a", 6, 0, [6], [1]) + "."), ("archive/data/a", [.. "0123456789abcdefghijklmn"u8]));
        int place = good.AsSpan().IndexOf("0123456789"u8);
        good[place + 5] ^= 1;
        With(good, path => ((Action)(() => StateDictionary.Load(path))).ShouldSay<InvalidDataException>(
            $"'{path}' must hold its parts as they were written, but 'archive/data/a' has another checksum. The file is damaged."));
    }

    [Fact]
    public void Load_APickleOfMoreBytesThanACheckpointNeeds_IsRefused()
    {
        // A file with a hole, so that its length allows the part.
        using TempFolder folder = new();
        long length = (1L << 28) + 1;
        using (FileStream stream = File.Create(folder["huge"]))
        using (System.IO.Compression.ZipArchive archive = new(stream, System.IO.Compression.ZipArchiveMode.Create))
        using (Stream part = archive.CreateEntry("archive/data.pkl", System.IO.Compression.CompressionLevel.NoCompression).Open())
        {
            byte[] block = new byte[1 << 20];
            for (long left = length; left > 0; left -= block.Length) part.Write(block, 0, (int)Math.Min(left, block.Length));
        }
        ((Action)(() => StateDictionary.Load(folder["huge"]))).ShouldSay<InvalidDataException>(
            $"'{folder["huge"]}' must describe its tensors in at most 268435456 bytes, but its data.pkl holds 268435457.");
    }

    [Fact]
    public void Load_ANameOfThousandsOfLetters_IsRefused() => With(
        Zip(Pickle("}X" + Encoding.Latin1.GetString(BitConverter.GetBytes(5000)) + new string('n', 5000) + Tensor("a", 6, 0, [6], [1]) + "s."), ("archive/data/a", _six)),
        path => ((Action)(() => StateDictionary.Load(path))).ShouldSay<InvalidDataException>($"'{path}' must have names of at most 4096 letters, but one has 5000."));

    [Fact]
    public void Load_ALegacyFileWithoutItsKeys_IsRefused()
    {
        byte[] pickle = Pickle(Tensor("a", 6, 0, [6], [1]) + "."), good = Legacy(pickle, ("a", _six, 6)), keys = Pickle("](U\u0001ae.");
        int place = good.AsSpan().LastIndexOf(keys);
        place.Should().BePositive();
        With([.. good[..place], .. Pickle("K\u0001."), .. good[(place + keys.Length)..]], path =>
            ((Action)(() => StateDictionary.Load(path))).ShouldSay<InvalidDataException>($"'{path}' must list the keys of its storages, but it does not."));
    }
}
