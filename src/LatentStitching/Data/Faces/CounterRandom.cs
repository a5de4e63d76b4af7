namespace LatentStitching.Data.Faces;

/// <summary>Random numbers addressed by (seed, item, stream): number i never depends on how many were drawn before it.</summary>
/// <remarks>
/// Each number is the SplitMix64 finaliser (<see href="https://doi.org/10.1145/2660193.2660195">Steele, Lea and Flood 2014</see>)
/// of its address, mixed in one coordinate at a time.
/// </remarks>
internal readonly struct CounterRandom(ulong seed, int item)
{
    private readonly ulong _key = Mix(Mix(seed + Golden) ^ ((ulong)item * Golden));

    private const ulong Golden = 0x9E3779B97F4A7C15;

    /// <summary>The uniform number of a stream, in [0, 1), with 24 random bits.</summary>
    public float Uniform(int stream) => (Mix(_key + ((ulong)stream + 1) * Golden) >> 40) * (1f / (1 << 24));

    private static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }
}
