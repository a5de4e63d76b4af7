namespace LatentStitching.Numerics;

/// <summary>TensorFlow 1's resize_bilinear with align_corners=False and half_pixel_centers=False, as the Inception graph of FID has it.</summary>
/// <remarks>Output j reads at j·(inputs/outputs), without the half pixel that everybody else adds, and is never smoothed. In float32 and in TensorFlow's order: columns first, a + (b − a)·t each.</remarks>
internal static class TensorFlowResize
{
    /// <summary>float32 [n, c, h, w] → float32 [n, c, height, width].</summary>
    public static Tensor Bilinear(Tensor images, long height, long width)
    {
        using var scope = NewDisposeScope();
        Tensor across = Along(images, 3, width, [1, 1, 1, width]);
        return Along(across, 2, height, [1, 1, height, 1]).MoveToOuterDisposeScope();
    }

    private static Tensor Along(Tensor images, int axis, long outputs, long[] shape)
    {
        long inputs = images.size(axis);
        float scale = (float)inputs / outputs;
        long[] lower = new long[outputs], upper = new long[outputs];
        float[] share = new float[outputs];
        for (long j = 0; j < outputs; j++)
        {
            float place = j * scale;
            lower[j] = (long)place;
            upper[j] = Math.Min(lower[j] + 1, inputs - 1);
            share[j] = place - lower[j];
        }
        Tensor low = images.index_select(axis, tensor(lower).to(images.device)), high = images.index_select(axis, tensor(upper).to(images.device));
        return high.sub_(low).mul_(tensor(share).reshape(shape).to(images.device)).add_(low);
    }
}
