using LatentStitching.Tests.Checkpoints;

namespace LatentStitching.Benchmarks.Checkpoints;

/// <summary>Many damaged files for every checkpoint reader; a table of what came of them. Fails at the first broken promise: ten seconds for one file, or after a minute where a reader does not come back at all.</summary>
internal static class FuzzLane
{
    private const int DefaultCount = 100_000;
    private const int Seed = 1;
    private static readonly TimeSpan _stuck = TimeSpan.FromMinutes(1);

    public static int Run(string[] arguments)
    {
        int count = arguments.Length > 0 && int.TryParse(arguments[0], out int asked) && asked > 0 ? asked : DefaultCount;
        long seen = -1;
        using Timer watchdog = new(
            _ =>
            {
                long now = CheckpointFuzzer.Progress;
                if (now == Interlocked.Exchange(ref seen, now)) Environment.FailFast($"The file after {now} files has not been read for {_stuck}.");
            },
            state: null,
            _stuck,
            _stuck);
        Console.WriteLine(FuzzReport.Header);
        foreach (string reader in CheckpointFuzzer.Readers) Console.WriteLine(CheckpointFuzzer.Run(reader, count, Seed, Path.Combine(AppContext.BaseDirectory, "fixtures")));
        return 0;
    }
}
