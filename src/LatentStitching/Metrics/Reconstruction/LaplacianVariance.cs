using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Reconstruction;

/// <summary>How sharp images are, without a reference: the variance over places of the Laplacian of the luma. Blurred images have less of it.</summary>
/// <remarks>
/// <para>L = I(y−1, x) + I(y+1, x) + I(y, x−1) + I(y, x+1) − 4 I(y, x) at all places that have four neighbours, so that no border is made up; the variance is over those places, with their number as divisor. I is the one channel of grey
/// images, and 0.299 R + 0.587 G + 0.114 B (ITU-R BT.601) of RGB ones. Computed in float64.</para>
/// <para>From 0, for images that are flat or ramps, to 16. It measures contrast of fine detail, wanted or not: noise and artefacts are sharp too, so compare images of the same scenes and the same size.</para>
/// <para>Source: Pech-Pacheco, Cristóbal, Chamorro-Martínez and Fernández-Valdivia, "Diatom autofocusing in brightfield microscopy: a comparative study", ICPR 2000, vol. 3, 314–317; the kernel without their factor 1/6.</para>
/// </remarks>
public static class LaplacianVariance
{
    private const int LeastSide = 3;

    /// <summary>What the number is.</summary>
    public static MetricInfo Info { get; } = new()
    {
        Name = "sharpness",
        Direction = MetricDirection.HigherIsBetter,
        Unit = "squared pixel intensity, pixels in [0, 1]",
        Reference = "Pech-Pacheco et al., Diatom autofocusing in brightfield microscopy: a comparative study (ICPR 2000): variance of the Laplacian",
        Signature = "laplacian-variance|kernel:4-neighbours|luma:bt601|border:none|range:0-1",
    };

    /// <summary>Measures all images together.</summary>
    /// <param name="images">Images [n, c, h, w] with c 1 or 3 and at least 3 × 3 pixels, floating point in [0, 1]. Not disposed.</param>
    /// <param name="seed">Seed of the interval over images.</param>
    /// <returns>The mean over images with its 95 % interval.</returns>
    /// <exception cref="ArgumentException">The images are not such a batch.</exception>
    public static MetricValue Evaluate(Tensor images, ulong seed = 0) => PairedErrors.Mean(Info, Values(images), seed);

    /// <summary>Measures each image.</summary>
    /// <param name="images">Images [n, c, h, w] with c 1 or 3 and at least 3 × 3 pixels, floating point in [0, 1]. Not disposed.</param>
    /// <returns>One number an image, in order.</returns>
    /// <exception cref="ArgumentException">The images are not such a batch.</exception>
    public static IReadOnlyList<double> Measure(Tensor images) => Values(images);

    /// <summary>Whether images of a format have a sharpness.</summary>
    internal static bool Measures(ImageFormat format) => format.Channels is 1 or 3 && format.Height >= LeastSide && format.Width >= LeastSide;

    private static double[] Values(Tensor images)
    {
        TensorGuard.Images(images);
        if (!Measures(new ImageFormat(images.size(1), images.size(2), images.size(3))))
        {
            throw new ArgumentException($"images must have 1 or 3 channels and at least 3 × 3 pixels to have a sharpness, but their shape is {TensorGuard.Shape(images)}.", nameof(images));
        }
        double[] values = new double[images.size(0)];
        using var grad = no_grad();
        foreach ((long start, long size) in CentredMatrix.Blocks(images.size(0), 512))
        {
            using var scope = NewDisposeScope();
            Tensor block = Luma(images.narrow(0, start, size).to_type(ScalarType.Float64));
            Laplacian(block).flatten(1).var([1], unbiased: false).cpu().data<double>().CopyTo(values, (int)start);
        }
        return values;
    }

    private static Tensor Luma(Tensor x) => x.size(1) == 1 ? x.select(1, 0) : x.select(1, 0).mul(0.299).add_(x.select(1, 1), 0.587).add_(x.select(1, 2), 0.114);

    private static Tensor Laplacian(Tensor luma)
    {
        long height = luma.size(1) - 2, width = luma.size(2) - 2;
        return Inner(1, 1).mul(-4).add_(Inner(0, 1)).add_(Inner(2, 1)).add_(Inner(1, 0)).add_(Inner(1, 2));

        Tensor Inner(long top, long left) => luma.narrow(1, top, height).narrow(2, left, width);
    }
}
