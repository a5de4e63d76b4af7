using SkiaSharp;

namespace LatentStitching.Reporting;

/// <summary>Tensors to pictures and pictures to files.</summary>
internal static class Picture
{
    /// <summary>The images of a checked batch [n, c, h, w] in [0, 1], one or three channels, values rounded to the nearest of 256.</summary>
    public static SKImage[] FromTensor(Tensor images)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor bytes = images.cpu().to_type(ScalarType.Float32).mul(255).round().to_type(ScalarType.Byte);
        (long n, long h, long w) = (bytes.size(0), bytes.size(2), bytes.size(3));
        Tensor opaque = full(n, 1, h, w, 255, dtype: ScalarType.Byte);
        Tensor rgba = cat([bytes.expand(n, 3, h, w), opaque], 1).permute(0, 2, 3, 1).contiguous();
        SKImageInfo info = new((int)w, (int)h, SKColorType.Rgba8888, SKAlphaType.Opaque);
        SKImage[] pictures = new SKImage[n];
        for (int i = 0; i < n; i++) pictures[i] = SKImage.FromPixelCopy(info, rgba.bytes.Slice(i * info.BytesSize, info.BytesSize));
        return pictures;
    }

    /// <summary>Writes a PNG file, beside its place first: whoever looks there finds the old file or the new one, never a part.</summary>
    public static void Save(SKImage picture, string path)
    {
        using SKData png = picture.Encode(SKEncodedImageFormat.Png, 100);
        string beside = $"{path}.{Guid.NewGuid():N}.tmp";
        try
        {
            using (FileStream file = new(beside, FileMode.CreateNew, FileAccess.Write)) png.SaveTo(file);
            File.Move(beside, path, overwrite: true);
        }
        catch
        {
            File.Delete(beside);
            throw;
        }
    }
}
