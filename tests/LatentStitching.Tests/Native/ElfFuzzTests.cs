using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using LatentStitching.Native;

namespace LatentStitching.Tests.Native;

/// <summary>No bytes may make the reader throw or run on; and whatever it changes, it changes one flag only.</summary>
public sealed class ElfFuzzTests
{
    private static readonly byte[] _sound = Sound();

    [Property(MaxTest = 300)]
    public bool AnyReader_RandomBytes_NeverThrows(byte[] bytes)
    {
        Read([.. bytes]);
        Read([.. _sound[..64], .. bytes]);
        return true;
    }

    [Property(MaxTest = 1000)]
    public bool AnyReader_AFewBytesChanged_ChangesAtMostTheFlag(PositiveInt first, PositiveInt second, PositiveInt third, byte value)
    {
        byte[] image = [.. _sound];
        image[first.Get % image.Length] = value;
        image[second.Get % image.Length] ^= (byte)(1 << (third.Get % 8));
        return Read(image);
    }

    [Fact]
    public void AnyReader_EveryByteOfTheFileAtItsExtremes_ChangesAtMostTheFlag()
    {
        for (int at = 0; at < _sound.Length; at++)
        {
            foreach (byte value in new byte[] { 0, 1, 0x7f, 0x80, 0xff })
            {
                byte[] image = [.. _sound];
                image[at] = value;
                Read(image).Should().BeTrue("byte {0} became {1}", at, value);
            }
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void AnyReader_ManyBytesChangedBySeed_ChangesAtMostTheFlag(int seed)
    {
        Random random = new(seed);
        for (int round = 0; round < 5000; round++)
        {
            byte[] image = [.. _sound];
            int changes = random.Next(1, 12);
            for (int i = 0; i < changes; i++) image[random.Next(4, image.Length)] = (byte)random.Next(256);
            Read(image).Should().BeTrue("round {0}", round);
        }
    }

    private static bool Read(byte[] image)
    {
        byte[] before = [.. image];
        ElfSymbolVersions.ReadNeeded(image, out _);
        ElfSymbolVersions.ReadProvided(image, out _);
        image.Should().Equal(before);
        var fault = ElfSymbolVersions.MakeWeak(image, ElfBuilder.Cxx, ElfBuilder.Version, ElfBuilder.Symbol);
        int[] changed = [.. Enumerable.Range(0, image.Length).Where(at => image[at] != before[at])];
        return fault == ElfFault.None
            ? changed.Length >= 1 && Array.TrueForAll(changed, at => (image[at] ^ before[at]) == 2)
            : changed.Length == 0;
    }

    private static byte[] Sound()
    {
        ElfBuilder builder = new();
        builder.Definitions.AddRange(["libx.so", "X_1", "X_2"]);
        builder.ShortRelocations.Add(1);
        return builder.Build();
    }
}
