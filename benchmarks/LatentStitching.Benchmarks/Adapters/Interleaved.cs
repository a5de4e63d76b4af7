using System.Diagnostics;

namespace LatentStitching.Benchmarks.Adapters;

/// <summary>Times several ways of doing one thing in turns, so that what else runs on the machine meets all of them alike, and keeps the medians.</summary>
internal static class Interleaved
{
    /// <summary>Runs every way once to warm up and then again and again: as many rounds as fit into the time, at least the least.</summary>
    public static Medians[] Time(TimeSpan length, int least, params Action[] ways)
    {
        using var grad = no_grad();
        foreach (Action way in ways)
        {
            if (Once(way).Wall < 1) Once(way);
        }
        List<(double Wall, double Processor)>[] times = Array.ConvertAll(ways, _ => new List<(double, double)>());
        var clock = Stopwatch.StartNew();
        for (int round = 0; round < least || clock.Elapsed < length; round++)
        {
            for (int i = 0; i < ways.Length; i++)
            {
                // Whoever comes after another finds the cache as that one left it: the order turns.
                int way = (i + round) % ways.Length;
                times[way].Add(Once(ways[way]));
            }
        }
        return Array.ConvertAll(times, list => new Medians(Median([.. list.Select(time => time.Wall)]), Median([.. list.Select(time => time.Processor)])));
    }

    private static (double Wall, double Processor) Once(Action way)
    {
        using var scope = NewDisposeScope();
        TimeSpan processor = Environment.CpuUsage.TotalTime;
        long start = Stopwatch.GetTimestamp();
        way();
        return (Stopwatch.GetElapsedTime(start).TotalSeconds, (Environment.CpuUsage.TotalTime - processor).TotalSeconds);
    }

    private static double Median(double[] values)
    {
        Array.Sort(values);
        return (values[(values.Length - 1) / 2] + values[values.Length / 2]) / 2;
    }

    /// <summary>Seconds by the clock and of the processor.</summary>
    internal readonly record struct Medians(double Wall, double Processor);
}
