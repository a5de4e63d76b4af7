namespace LatentStitching.Data;

/// <summary>SplitMix64 of Steele, Lea and Flood (2014): the same numbers from the same seed on every machine.</summary>
internal struct SplitMix64(ulong seed)
{
    private ulong _state = seed;

    public ulong Next()
    {
        unchecked
        {
            ulong z = _state += 0x9E3779B97F4A7C15UL;
            z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
            z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
            return z ^ (z >> 31);
        }
    }

    /// <summary>A number from 0 to bound − 1, each equally likely: the upper half of draw × bound, draws that would favour some number thrown away (Lemire 2019).</summary>
    public int Below(int bound)
    {
        ulong range = (ulong)bound;
        ulong threshold = unchecked(0UL - range) % range;
        while (true)
        {
            ulong high = Math.BigMul(Next(), range, out ulong low);
            if (low >= threshold) return (int)high;
        }
    }

    /// <summary>The numbers 0 to count − 1 in random order: Fisher and Yates from the last place to the first.</summary>
    public int[] Permutation(int count)
    {
        int[] order = [.. Enumerable.Range(0, count)];
        for (int i = count - 1; i > 0; i--)
        {
            int j = Below(i + 1);
            (order[i], order[j]) = (order[j], order[i]);
        }
        return order;
    }
}
