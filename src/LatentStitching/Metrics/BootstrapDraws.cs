using MathNet.Numerics.Random;

namespace LatentStitching.Metrics;

/// <summary>The rows that each resample of a bootstrap draws. The same for every metric of a seed and a number of images, so the last ones are kept: drawing takes longer than summing.</summary>
internal sealed class BootstrapDraws
{
    // 16 MiB; larger sets of images are drawn anew each time.
    private const int MostKept = 4 << 20;
    private static volatile BootstrapDraws? _last;

    private readonly int _count;
    private readonly ulong _seed;
    private readonly int[] _rows;

    private BootstrapDraws(int count, ulong seed, int resamples)
    {
        (_count, _seed, _rows) = (count, seed, new int[count * resamples]);
        MersenneTwister random = Generator(seed);
        for (int i = 0; i < _rows.Length; i++) _rows[i] = random.Next(count);
    }

    /// <summary>Hands on each resample: its number and its rows, which may not be kept.</summary>
    public static void Run(int count, ulong seed, int resamples, Action<int, ReadOnlySpan<int>> use)
    {
        if ((long)count * resamples > MostKept)
        {
            MersenneTwister random = Generator(seed);
            int[] rows = new int[count];
            for (int resample = 0; resample < resamples; resample++)
            {
                for (int i = 0; i < count; i++) rows[i] = random.Next(count);
                use(resample, rows);
            }
            return;
        }
        // Two threads may both draw; the draws are the same.
        BootstrapDraws? draws = _last;
        if (draws is null || draws._count != count || draws._seed != seed || draws._rows.Length != count * resamples) _last = draws = new BootstrapDraws(count, seed, resamples);
        for (int resample = 0; resample < resamples; resample++) use(resample, draws._rows.AsSpan(resample * count, count));
    }

    private static MersenneTwister Generator(ulong seed) => new(unchecked((int)(seed ^ (seed >> 32))), threadSafe: false);
}
