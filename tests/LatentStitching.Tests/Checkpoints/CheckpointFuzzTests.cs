using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Checkpoints;

/// <summary>Damaged files are refused with InvalidDataException, or give tensors of a bounded size; nothing else happens. The long lane is a command of the benchmarks: fuzz.</summary>
[NoTensorLeaks]
public sealed class CheckpointFuzzTests
{
    private const int Rounds = 2000;

    public static TheoryData<string> Readers => [.. CheckpointFuzzer.Readers];

    [Theory]
    [MemberData(nameof(Readers))]
    public void Load_DamagedFile_IsRefusedOrBounded(string reader)
    {
        FuzzReport report = CheckpointFuzzer.Run(reader, Rounds, seed: 20260717, Path.GetDirectoryName(CheckpointFiles.Fixture("x"))!);
        report.Files.Should().Be(Rounds);
        report.Refused.Should().BeInRange(Rounds / 4, Rounds - 1, "much damage is to be seen, and some does no harm");
    }
}
