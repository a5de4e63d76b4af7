namespace LatentStitching.Adapters.Flows;

/// <summary>Finds the rows that a flow could not decode well.</summary>
internal static class GlowDecoding
{
    /// <summary>Looks at one block.</summary>
    /// <param name="images">Images before they are clamped.</param>
    /// <param name="squaredNorms">Squared norms of the whitened latents, [n].</param>
    /// <param name="dimension">Width of the latents.</param>
    /// <param name="radius">Norm, as a multiple of the expected one, from which a row lies outside.</param>
    /// <param name="start">The number of the block's first row.</param>
    public static GlowDecodeReport Examine(Tensor images, Tensor squaredNorms, long dimension, double radius, long start)
    {
        using var scope = NewDisposeScope();
        Tensor norms = squaredNorms.sqrt();
        double expected = Math.Sqrt(dimension);
        Tensor finite = images.isfinite().flatten(1).all(1);
        Tensor far = finite.logical_and(images.sub(0.5).abs().flatten(1).amax([1]).gt(1.5));
        double largest = norms.isfinite().all().ToBoolean() ? norms.max().ToDouble() : double.PositiveInfinity;
        return new GlowDecodeReport
        {
            Count = images.size(0),
            ExpectedNorm = expected,
            LargestNorm = largest,
            // Neither infinity nor NaN is less.
            OutsideTypicalSet = Rows(norms.le(radius * expected).logical_not(), start),
            FarOutOfRange = Rows(far, start),
            NotFinite = Rows(finite.logical_not(), start),
        };
    }

    public static GlowDecodeReport Join(GlowDecodeReport? first, GlowDecodeReport second) => first is null ? second : second with
    {
        Count = first.Count + second.Count,
        LargestNorm = Math.Max(first.LargestNorm, second.LargestNorm),
        OutsideTypicalSet = [.. first.OutsideTypicalSet, .. second.OutsideTypicalSet],
        FarOutOfRange = [.. first.FarOutOfRange, .. second.FarOutOfRange],
        NotFinite = [.. first.NotFinite, .. second.NotFinite],
    };

    private static long[] Rows(Tensor chosen, long start)
    {
        using var scope = NewDisposeScope();
        return [.. chosen.nonzero().reshape(-1).cpu().data<long>().ToArray().Select(row => row + start)];
    }
}
