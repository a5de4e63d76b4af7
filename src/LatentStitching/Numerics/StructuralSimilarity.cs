using System.Runtime.CompilerServices;

namespace LatentStitching.Numerics;

/// <summary>The local moments of structural similarity under an 11×11 Gaussian window of standard deviation 1.5, for pixels in [0, 1].</summary>
internal static class StructuralSimilarity
{
    private const int Window = 11;
    private const double Deviation = 1.5;
    private const double C1 = 0.01 * 0.01;
    private const double C2 = 0.03 * 0.03;
    private const long Tile = 128;
    private const long BlockPixels = 1 << 18;

    /// <summary>How many images to take at once, so that their maps stay near the processor.</summary>
    public static long Block(Tensor images) => Math.Clamp(BlockPixels / (images.numel() / images.size(0)), 1, 64);

    public static void RequireSize(Tensor images, int scales, [CallerArgumentExpression(nameof(images))] string name = "")
    {
        long least = (long)Window << (scales - 1);
        if (images.size(2) >= least && images.size(3) >= least) return;
        string cure = scales > 1 ? "Use fewer scales, or Ssim." : "Use PixelMse.";
        throw new ArgumentException($"{name} must be at least {least} pixels high and wide for a window of 11 at {scales} scales, but its shape is {TensorGuard.Shape(images)}. {cure}", name);
    }

    /// <summary>Means over the valid places of the similarity and of its contrast and structure part, for float64 images [n, c, h, w]. [n, c] each.</summary>
    public static (Tensor Similarity, Tensor Contrast) Means(Tensor x, Tensor y)
    {
        // From the sum and the difference of the images four blurred maps tell all five moments: σ₁² + σ₂² = (var s + var d)/2 and σ₁₂ = (var s − var d)/4.
        Tensor sum = x + y, difference = x - y;
        Tensor blurred = Blur(stack([sum, difference, sum.square(), difference.square()], 0));
        Tensor meanSum = blurred[0].square(), meanDifference = blurred[1].square();
        Tensor varSum = blurred[2].sub_(meanSum), varDifference = blurred[3].sub_(meanDifference);
        Tensor contrast = (varSum - varDifference).div_(2).add_(C2).div_((varSum + varDifference).div_(2).add_(C2));
        Tensor luminance = (meanSum - meanDifference).div_(2).add_(C1).div_((meanSum + meanDifference).div_(2).add_(C1));
        return (luminance.mul_(contrast).mean([2, 3]), contrast.mean([2, 3]));
    }

    /// <summary>Both passes of the window as products with a banded matrix: at these sizes faster than a convolution in float64, which has no blocked kernel.</summary>
    private static Tensor Blur(Tensor maps)
    {
        Tensor across = Tiles(maps, (int)maps.dim() - 1, static (part, band) => part.matmul(band));
        return Tiles(across, (int)maps.dim() - 2, static (part, band) => band.t().matmul(part));
    }

    // In tiles, so that the zeros in the band cost no more than the window on large images.
    private static Tensor Tiles(Tensor maps, int axis, Func<Tensor, Tensor, Tensor> multiply)
    {
        long valid = maps.size(axis) - Window + 1;
        List<Tensor> tiles = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(valid, Tile))
        {
            tiles.Add(multiply(maps.narrow(axis, start, size + Window - 1), Band(size, maps.device)));
        }
        return tiles.Count == 1 ? tiles[0] : cat(tiles, axis);
    }

    /// <summary>Column j holds the window from row j on. [outputs + 10, outputs].</summary>
    private static Tensor Band(long outputs, Device device)
    {
        double[] window = [.. Enumerable.Range(0, Window).Select(i => Math.Exp(-Math.Pow(i - (Window / 2), 2) / (2 * Deviation * Deviation)))];
        double total = window.Sum();
        double[] band = new double[(outputs + Window - 1) * outputs];
        for (long j = 0; j < outputs; j++)
        {
            for (int i = 0; i < Window; i++) band[((j + i) * outputs) + j] = window[i] / total;
        }
        return tensor(band).reshape(outputs + Window - 1, outputs).to(device);
    }
}
