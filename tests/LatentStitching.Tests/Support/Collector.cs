using System.Runtime.CompilerServices;

namespace LatentStitching.Tests.Support;

/// <summary>
/// Collects garbage every millisecond beside the tests where LATENTSTITCHING_TESTS_COLLECT is set: what libtorch reads and nothing holds is then freed under way, and the run fails.
/// </summary>
internal static class Collector
{
    [ModuleInitializer]
    internal static void Start()
    {
        if (Environment.GetEnvironmentVariable("LATENTSTITCHING_TESTS_COLLECT") is null) return;
        new Thread(() =>
        {
            while (true)
            {
                GC.Collect(0);
                Thread.Sleep(1);
            }
        }) { IsBackground = true }.Start();
    }
}
