using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Numerics;

namespace LatentStitching.Supports;

/// <summary>What the selectors share.</summary>
internal static class SupportGuard
{
    public static void Inputs(Tensor latents, int count)
    {
        TensorGuard.FiniteMatrix(latents);
        if (count >= 1 && count <= latents.size(0)) return;
        throw new ArgumentOutOfRangeException(nameof(count), string.Create(CultureInfo.InvariantCulture, $"count must lie from 1 to the {latents.size(0)} candidates, but it is {count}."));
    }

    /// <summary>A number in (0, 1] of 53 random bits.</summary>
    public static double Uniform(ref SplitMix64 random) => ((random.Next() >> 11) + 1) * (1.0 / (1UL << 53));

    /// <summary>Place of the greatest entry of a vector among those not yet taken, the first of equals.</summary>
    public static int Greatest(double[] values, bool[] taken)
    {
        int best = -1;
        for (int i = 0; i < values.Length; i++)
        {
            if (!taken[i] && (best < 0 || values[i] > values[best])) best = i;
        }
        return best;
    }
}
