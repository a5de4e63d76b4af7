using System.Reflection;
using System.Runtime.InteropServices;
using LatentStitching.Native;

namespace LatentStitching.Tests.Native;

public sealed class ScalarReleaseTests
{
    [Fact]
    public void Scalar_LetGo_ItsNumberStaysReadable()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64) return;
        TorchNative.KeepNumbers();
        TorchNative.Diagnose().Should().EndWith("numbers: kept for a second after their last use");
        for (int i = 0; i < 100; i++)
        {
            Scalar scalar = i + 0.5;
            nint number = Address(scalar);
            byte[] before = Bytes(number);
            BitConverter.ToDouble(before, 16).Should().Be(i + 0.5);
            scalar.Dispose();
            // The allocator links what is free through its first bytes, where the type stands.
            Bytes(number).Should().Equal(before);
        }
        ScalarRelease.Released.Count.Should().BeGreaterThanOrEqualTo(100);
    }

    // A Scalar is 32 bytes: type, then value at 16 (c10/core/Scalar.h).
    private static byte[] Bytes(nint number)
    {
        byte[] bytes = new byte[32];
        Marshal.Copy(number, bytes, 0, bytes.Length);
        return bytes;
    }

    private static nint Address(Scalar scalar) => (nint)typeof(Scalar).GetProperty("Handle", BindingFlags.Instance | BindingFlags.NonPublic)!.GetValue(scalar)!;

    [Fact]
    public void Install_AnotherLibrary_SaysWhatIsAmiss()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64) return;
        ScalarRelease.Install(NativeLibrary.Load("libc.so.6")).Should().Be("THSTorch_dispose_scalar is not as it was known");
    }

    [Fact]
    public void GraceQueue_FreesEachOnce_NoSoonerThanTheTime_AndNoLaterThanTwiceIt()
    {
        Clock clock = new();
        Dictionary<nint, double> added = [], freed = [];
        GraceQueue queue = new(TimeSpan.FromSeconds(1), clock, item => freed.Add(item, clock.Seconds));
        for (int i = 0; i < 1000; i++)
        {
            added[i] = clock.Seconds;
            queue.Add(i);
            clock.Seconds += 0.0137 * (i % 7);
        }
        freed.Should().NotBeEmpty();
        freed.Keys.Should().Equal(Enumerable.Range(0, freed.Count).Select(i => (nint)i));
        freed.Should().OnlyContain(item => item.Value - added[item.Key] >= 1 && item.Value - added[item.Key] < 2.2);
        queue.Count.Should().Be(1000 - freed.Count);
    }

    [Fact]
    public void GraceQueue_AfterALongSilence_KeepsTheYoungest()
    {
        Clock clock = new();
        List<nint> freed = [];
        GraceQueue queue = new(TimeSpan.FromSeconds(1), clock, freed.Add);
        queue.Add(1);
        clock.Seconds = 3600;
        queue.Add(2);
        freed.Should().BeEmpty("a call may have been asleep with the process");
        clock.Seconds += 1;
        queue.Add(3);
        freed.Should().Equal(1);
        clock.Seconds += 1;
        queue.Add(4);
        freed.Should().Equal(1, 2);
    }

    private sealed class Clock : TimeProvider
    {
        public double Seconds { get; set; }

        public override long TimestampFrequency => 1_000_000;

        public override long GetTimestamp() => (long)Math.Round(Seconds * TimestampFrequency);
    }
}
