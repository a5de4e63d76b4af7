namespace LatentStitching.Numerics;

/// <summary>Resizing of image batches.</summary>
internal static class ImageResize
{
    /// <summary>Bilinear, corners not aligned, with a widened kernel where the image shrinks: what Pillow's BILINEAR computes, without its rounding to bytes.</summary>
    public static Tensor Bilinear(Tensor images, long height, long width)
    {
        if (images.size(2) == height && images.size(3) == width) return images.clone();
        using var scope = NewDisposeScope();
        bool shrinks = height < images.size(2) || width < images.size(3);
        // The widened kernel has no half-precision form on the CPU.
        Tensor wide = images.dtype == ScalarType.Float64 ? images : images.to_type(ScalarType.Float32);
        Tensor resized = nn.functional.interpolate(wide, size: [height, width], mode: InterpolationMode.Bilinear, align_corners: false, antialias: shrinks);
        // Rounding may leave [0, 1] by one unit in the last place.
        return resized.Within(0, 1).to_type(images.dtype).MoveToOuterDisposeScope();
    }
}
