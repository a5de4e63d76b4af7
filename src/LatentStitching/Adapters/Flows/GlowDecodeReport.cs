using System.Globalization;

namespace LatentStitching.Adapters.Flows;

/// <summary>Which latents a <see cref="Glow"/> could not decode as it decodes those of its own images, and how far off they were.</summary>
/// <remarks>
/// In many dimensions nearly all draws of a Gaussian have a norm within a few percent of √D: its typical set. What a map makes need not lie there, and the inverse of a flow may
/// then grow without bound.
/// </remarks>
public sealed record GlowDecodeReport
{
    /// <summary>Latents decoded.</summary>
    public required long Count { get; init; }

    /// <summary>The norm √D near which whitened latents of the prior lie.</summary>
    public required double ExpectedNorm { get; init; }

    /// <summary>The largest norm among the whitened latents that came; infinite where one could not be whitened.</summary>
    public required double LargestNorm { get; init; }

    /// <summary>Rows whose whitened norm is over twice the expected one, or not finite.</summary>
    public required IReadOnlyList<long> OutsideTypicalSet { get; init; }

    /// <summary>Rows with a pixel that lay outside [0, 1] by more than the whole range before it was clamped.</summary>
    public required IReadOnlyList<long> FarOutOfRange { get; init; }

    /// <summary>Rows with a pixel that was NaN or infinite. Their images are grey.</summary>
    public required IReadOnlyList<long> NotFinite { get; init; }

    /// <summary>Whether every row decoded without remark.</summary>
    public bool IsClean => OutsideTypicalSet.Count == 0 && FarOutOfRange.Count == 0 && NotFinite.Count == 0;

    /// <summary>Says the counts.</summary>
    /// <returns>For example "2 of 100 latents lie outside the typical set (norm up to 310 where 111 is expected), 1 decodes far out of range, 0 to no finite image".</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{OutsideTypicalSet.Count} of {Count} latents lie outside the typical set (norm up to {LargestNorm:g4} where {ExpectedNorm:g4} is expected), {FarOutOfRange.Count} decode far out of range, {NotFinite.Count} to no finite image");
}
