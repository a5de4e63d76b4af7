using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Flows;

/// <summary>Between pixels in [0, 1] and the scale of the network, [−½, ½].</summary>
internal static class GlowPixels
{
    /// <summary>How many units of the network's scale one of [0, 1] takes.</summary>
    public const double Slope = 255.0 / 256;

    /// <summary>The middle of the bin of a pixel k/255: (k + ½)/256 − ½.</summary>
    public static Tensor Centred(Tensor images) => images.Times(Slope).Plus((0.5 / 256) - 0.5);

    /// <summary>The inverse of <see cref="Centred"/>.</summary>
    public static Tensor ToImages(Tensor pixels) => pixels.Plus(0.5 - (0.5 / 256)).Over(Slope);

    /// <summary>What training sees: pixels cut to some bits, spread evenly over their bins.</summary>
    public static Tensor Dequantised(Tensor images, int bits, Generator generator)
    {
        double bins = 1 << bits;
        // Rounded first: k/255·255 may fall short of k.
        Tensor cut = ((images * 255).round() / (256 / bins)).floor();
        return (cut + rand(images.shape, images.dtype, images.device, generator: generator)) / bins - 0.5;
    }

    /// <summary>From nats of an image's density on the network's scale to bits a dimension of one cut to some bits.</summary>
    public static Tensor BitsPerDimension(Tensor logLikelihood, int bits, long dimension) => logLikelihood / (-dimension * Math.Log(2)) + bits;
}
