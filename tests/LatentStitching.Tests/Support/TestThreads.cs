using System.Runtime.CompilerServices;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace LatentStitching.Tests.Support;

internal static class TestThreads
{
    // Two spinning OpenMP threads on a busy machine are eight times slower than one.
    [ModuleInitializer]
    internal static void UseOneThread()
    {
        LatentStitching.Native.TorchNative.EnsureLoaded();
        set_num_threads(1);
    }
}
