using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>Keeps predicted images within bounds that depend on each image: Saharia et al., "Photorealistic Text-to-Image Diffusion Models" (arXiv:2205.11487), section 2.3.</summary>
/// <remarks>With s the given quantile of |x_0| in units of the pixel range, at least 1 and at most <see cref="Maximum"/>, x_0 is clipped to ±s and divided by s.</remarks>
public sealed record DynamicThreshold
{
    /// <summary>The quantile.</summary>
    /// <value>Strictly between 0 and 1; default 0.995.</value>
    public double Quantile
    {
        get;
        init => field = Guard.Fraction(value, nameof(Quantile));
    } = 0.995;

    /// <summary>The largest s, in units of the pixel range.</summary>
    /// <value>Positive; default 2. At 1 and below this is plain clipping, and at less than 1 it enlarges.</value>
    public double Maximum
    {
        get;
        init => field = Guard.Positive(value, nameof(Maximum));
    } = 2;
}
