namespace LatentStitching.Benchmarks.Metrics;

/// <summary>Processor time of work in this process; the least of several runs, which a busy machine disturbs least.</summary>
internal static class Sampling
{
    public static Timed Best(int repeats, Func<double> work)
    {
        double best = double.PositiveInfinity, value = 0;
        for (int i = 0; i < repeats; i++)
        {
            using var scope = NewDisposeScope();
            using var grad = no_grad();
            TimeSpan start = Environment.CpuUsage.TotalTime;
            value = work();
            best = Math.Min(best, (Environment.CpuUsage.TotalTime - start).TotalSeconds);
        }
        return new Timed(best, value);
    }

    internal readonly record struct Timed(double Seconds, double Value);
}
