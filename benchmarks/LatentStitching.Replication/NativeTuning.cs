using System.Runtime.InteropServices;

namespace LatentStitching.Replication;

/// <summary>Settings of the C libraries beneath libtorch that an application may choose and a library may not.</summary>
internal static partial class NativeTuning
{
    private const int TrimThreshold = -1;
    private const int TopPad = -2;
    private const int MapThreshold = -3;

    /// <summary>Must run before the first use of torch, which loads the OpenMP runtime.</summary>
    public static void Apply()
    {
        if (!OperatingSystem.IsLinux()) return;
        try
        {
            // Threads that spin while they wait make a shared machine several times slower. A user's own setting stays.
            _ = SetEnvironment("OMP_WAIT_POLICY", "passive", overwrite: 0);
            // glibc hands big blocks back to the kernel after every operation; keeping them saves a tenth to a quarter of a training step.
            _ = MallocOption(MapThreshold, 32 << 20);
            _ = MallocOption(TrimThreshold, int.MaxValue);
            _ = MallocOption(TopPad, 64 << 20);
        }
        catch (EntryPointNotFoundException)
        {
            // Another C library than glibc, which has its own ways.
        }
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnvironment(string name, string value, int overwrite);

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int MallocOption(int parameter, int value);
}
