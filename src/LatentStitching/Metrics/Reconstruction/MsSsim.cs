using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Multi-scale structural similarity of images with pixels in [0, 1]: 1 for the same image, 0 at the least.</summary>
/// <remarks>
/// <para>Π_{s&lt;S} cs_s^{w_s} · ssim_S^{w_S}: at each scale but the last the mean of the contrast and structure term (2σ₁₂ + C₂)/(σ₁² + σ₂² + C₂), at the last that of <see cref="Ssim"/>, a negative mean
/// taken as 0; a product a channel, then the mean over channels. Between scales 2×2 places are averaged, an odd last row or column left out. Window and constants are those of <see cref="Ssim"/>. Computed in float64.</para>
/// <para>The weights 0.0448, 0.2856, 0.3001, 0.2363, 0.1333 need sides of at least 176 pixels; with fewer scales the first of them are taken, divided by their sum: another number, which the signature tells.</para>
/// <para>Source: Wang, Simoncelli and Bovik, "Multi-scale structural similarity for image quality assessment", Asilomar Conference (2003), eq. (7) and section 3.2.</para>
/// </remarks>
public sealed class MsSsim : IPerImageMetric
{
    private static readonly double[] _published = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];

    private readonly double[] _weights;

    /// <summary>Makes the metric with its five published scales.</summary>
    public MsSsim()
        : this(_published.Length)
    {
    }

    /// <summary>Makes the metric with fewer scales, for small images: three need 44 pixels a side, two 22.</summary>
    /// <param name="scales">From 1 to 5; a side must be at least 11·2^(scales − 1) pixels.</param>
    /// <exception cref="ArgumentOutOfRangeException">There are fewer than 1 or more than 5 scales.</exception>
    public MsSsim(int scales)
    {
        if (scales < 1 || scales > _published.Length)
        {
            throw new ArgumentOutOfRangeException(nameof(scales), $"scales must be from 1 to {_published.Length}, for which weights are published, but it is {scales}.");
        }
        double[] taken = _published[..scales];
        _weights = Array.ConvertAll(taken, weight => weight / taken.Sum());
        Info = new()
        {
            Name = scales == _published.Length ? "MS-SSIM" : $"MS-SSIM of {scales} scales",
            Direction = MetricDirection.HigherIsBetter,
            Unit = "similarity, 1 for the same image",
            Reference = "Wang, Simoncelli and Bovik, Multi-scale structural similarity for image quality assessment, Asilomar Conference (2003)",
            Signature = $"ms-ssim|scales:{scales}|window:gaussian-11-1.5|moments:biased|border:valid|pool:2x2|range:0-1",
        };
    }

    /// <inheritdoc/>
    public MetricInfo Info { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not an image batch in [0, 1], the shapes or devices differ, or a side is too short for the scales.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0) => PairedErrors.Mean(Info, Values(actual, reference), seed);

    /// <inheritdoc/>
    public IReadOnlyList<double> Measure(Tensor actual, Tensor reference) => Values(actual, reference);

    private double[] Values(Tensor actual, Tensor reference)
    {
        PairedErrors.RequireImages(actual, reference);
        StructuralSimilarity.RequireSize(actual, _weights.Length);
        return PairedErrors.PerImage(actual, reference, Product, StructuralSimilarity.Block(actual));
    }

    private Tensor Product(Tensor actual, Tensor reference)
    {
        Tensor? product = null;
        for (int scale = 0; scale < _weights.Length; scale++)
        {
            (Tensor similarity, Tensor contrast) = StructuralSimilarity.Means(actual, reference);
            Tensor factor = (scale == _weights.Length - 1 ? similarity : contrast).clamp_(min: 0).pow(_weights[scale]);
            product = product is null ? factor : product.mul_(factor);
            if (scale == _weights.Length - 1) break;
            actual = nn.functional.avg_pool2d(actual, 2);
            reference = nn.functional.avg_pool2d(reference, 2);
        }
        return product!.mean([1]);
    }
}
