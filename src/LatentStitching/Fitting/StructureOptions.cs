using LatentStitching.Numerics;

namespace LatentStitching.Fitting;

/// <summary>Options of <see cref="StructureFitter"/>.</summary>
public sealed record StructureOptions
{
    // A dense map of more weights is left out of the standard candidates: 16 million, half a latent of 12288 numbers to one of 2730.
    private const long LargestDense = 1L << 24;

    /// <summary>The fitters to choose from; each must give an affine map.</summary>
    /// <value>At least one.</value>
    public required IReadOnlyList<ILatentMapFitter> Candidates
    {
        get;
        init
        {
            Guard.NotEmpty(value, "ForImages gives the standard ones.", nameof(Candidates));
            foreach (ILatentMapFitter candidate in value) Guard.NotNull(candidate, nameof(Candidates));
            field = [.. value];
        }
    }

    /// <summary>Into how many parts the images are dealt; each is predicted once by maps fitted to the others.</summary>
    /// <value>At least 2; default 5. With as many as there are images, or more, each image is left out alone, at the cost of a fit an image (a convolution needs one for all).</value>
    public int Folds
    {
        get;
        init => field = Guard.AtLeast(value, 2, nameof(Folds));
    } = 5;

    /// <summary>Seed of the deal; one seed gives one deal on every machine.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <summary>The standard candidates between two spatial latents: convolutions of side 1, 3 and 5 where heights and widths agree, a Kronecker product, a <see cref="ReducedRankPathFitter"/> that chooses its strength too and takes
    /// at least seven images, and, up to 16,777,216 weights, a dense <see cref="RidgePathFitter"/>.</summary>
    /// <param name="sourceShape">[channels, height, width] of the source.</param>
    /// <param name="targetShape">[channels, height, width] of the target.</param>
    /// <returns>The options.</returns>
    /// <exception cref="ArgumentException">A shape is not three positive sizes.</exception>
    public static StructureOptions ForImages(IReadOnlyList<long> sourceShape, IReadOnlyList<long> targetShape)
    {
        sourceShape = StructuredFit.Shape(sourceShape, nameof(sourceShape));
        targetShape = StructuredFit.Shape(targetShape, nameof(targetShape));
        List<ILatentMapFitter> candidates = [];
        if (sourceShape.Skip(1).SequenceEqual(targetShape.Skip(1)))
        {
            foreach (int size in (int[])[1, 3, 5]) candidates.Add(new ConvolutionFitter(new ConvolutionOptions { SourceShape = sourceShape, TargetShape = targetShape, KernelSize = size }));
        }
        candidates.Add(new KroneckerFitter(new KroneckerOptions { SourceShape = sourceShape, TargetShape = targetShape }));
        double weights = sourceShape.Concat(targetShape).Aggregate(1.0, (product, size) => product * size);
        candidates.Add(new ReducedRankPathFitter(new ReducedRankPathOptions { ChooseAlpha = true }));
        if (weights <= LargestDense) candidates.Add(new RidgePathFitter());
        return new StructureOptions { Candidates = candidates };
    }
}
