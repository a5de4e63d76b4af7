using LatentStitching.Checkpoints;
using LatentStitching.Tests.Data;

namespace LatentStitching.Tests.Checkpoints;

public sealed class AtomicFileTests
{
    [Fact]
    public void Write_ClearsAwayWhatKilledProcessesLeft_AndNothingElse()
    {
        using TempFolder folder = new();
        string old = Left("bank", days: 2), young = Left("bank", days: 0), other = Left("bank2", days: 2), notes = folder.Write("bank.notes.tmp", "mine");
        File.SetLastWriteTimeUtc(notes, DateTime.UtcNow.AddDays(-2));
        AtomicFile.Write(folder["bank"], stream => stream.WriteByte(1));
        File.ReadAllBytes(folder["bank"]).Should().Equal(1);
        File.Exists(old).Should().BeFalse();
        foreach (string kept in (string[])[young, other, notes]) File.Exists(kept).Should().BeTrue();

        string Left(string name, int days)
        {
            string path = folder.Write($"{name}.{Guid.NewGuid():N}.tmp", "half");
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-days));
            return path;
        }
    }
}
