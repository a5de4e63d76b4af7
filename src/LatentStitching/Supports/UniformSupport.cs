using System.Globalization;
using LatentStitching.Data;

namespace LatentStitching.Supports;

/// <summary>Chooses images at random, all alike: what the others must beat.</summary>
public sealed class UniformSupport : ISupportSelector
{
    /// <summary>Seed: the same seed chooses the same rows on every machine.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <inheritdoc/>
    public string Signature => string.Create(CultureInfo.InvariantCulture, $"support|by:uniform|seed:{Seed}");

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The latents are not a finite matrix, or the count is out of range.</exception>
    public IReadOnlyList<long> Select(Tensor latents, int count, CancellationToken cancellationToken = default)
    {
        SupportGuard.Inputs(latents, count);
        return [.. new SplitMix64(Seed).Permutation((int)latents.size(0)).Take(count).Select(row => (long)row)];
    }
}
