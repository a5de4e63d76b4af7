using LatentStitching.Numerics;

namespace LatentStitching.Data;

/// <summary>How a picture of any size becomes a model's square image: what is cut away and how the rest is resized. Immutable.</summary>
/// <remarks>
/// <para>Resizing is bilinear, corners not aligned, with a kernel widened where the picture shrinks: Pillow's BILINEAR, without its rounding to bytes.
/// Crops take whole pixels and follow torchvision's rounding, so that the same picture shows the same part of the face.</para>
/// <para>The same face framed in two ways is two inputs: a map between models whose images are framed differently learns that difference too.
/// Compare models under one geometry, and let reports say which: <see cref="ToString"/>.</para>
/// <para>Thread safety: immutable.</para>
/// </remarks>
public sealed record ImageGeometry
{
    private readonly Framing _framing;
    private readonly int _crop;

    private ImageGeometry(Framing framing, int size, int crop = 0)
    {
        _framing = framing;
        _crop = crop;
        Size = size;
    }

    private enum Framing
    {
        Squash,
        ResizeThenCentreCrop,
        CentreCropThenResize,
        CelebADiffusionCrop,
    }

    /// <summary>The library's one default for aligned CelebA pictures (178 wide, 218 high): <see cref="Squash"/> to 64.</summary>
    /// <value>The public VAEs that stitching studies use were trained so, and no part of the picture is lost. Faces come out 22 % wider.</value>
    public static ImageGeometry CelebADefault { get; } = Squash(64);

    /// <summary>Height and width of the images that come out, in pixels.</summary>
    public int Size { get; }

    /// <summary>The whole picture, resized to size × size whatever its proportions. Trained so: DiffuseVAE, the VAEs of Asperti and Tonelli and of Burgess et al.</summary>
    /// <param name="size">Height and width of the result in pixels, at least 1.</param>
    /// <returns>The geometry "squash size×size".</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    public static ImageGeometry Squash(int size) => new(Framing.Squash, Guard.Positive(size));

    /// <summary>The shorter side resized to size, then the central square. In use for Glow and VQ-VAE.</summary>
    /// <remarks>The longer side becomes ⌊size × long / short⌋; the square begins at (long − size) / 2, halves rounded to the even number, as
    /// torchvision's Resize and CenterCrop do: 178×218 becomes 64×78, of which rows 7 to 70 are kept.</remarks>
    /// <param name="size">Height and width of the result in pixels, at least 1.</param>
    /// <returns>The geometry "shorter side to size, centre crop size×size".</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    public static ImageGeometry ResizeThenCentreCrop(int size) => new(Framing.ResizeThenCentreCrop, Guard.Positive(size));

    /// <summary>The central square of the picture as it is, then resized. A crop of 160 is in use for CelebA.</summary>
    /// <remarks>The square begins at (height − crop) / 2 and (width − crop) / 2, halves rounded to the even number, as torchvision's CenterCrop does.
    /// A picture smaller than the crop is refused, not padded.</remarks>
    /// <param name="crop">Height and width of the square in pixels of the picture, at least 1.</param>
    /// <param name="size">Height and width of the result in pixels, at least 1.</param>
    /// <returns>The geometry "centre crop crop×crop, resized to size×size".</returns>
    /// <exception cref="ArgumentOutOfRangeException">A number is not positive.</exception>
    public static ImageGeometry CentreCropThenResize(int crop, int size)
    {
        Guard.Positive(crop);
        return new(Framing.CentreCropThenResize, Guard.Positive(size), crop);
    }

    /// <summary>Rows 57 to 184 and columns 25 to 152 of an aligned CelebA picture, then resized: the tighter face that DDIM was trained on.</summary>
    /// <param name="size">Height and width of the result in pixels, at least 1.</param>
    /// <returns>The geometry "CelebA rows 57–184, columns 25–152, resized to size×size".</returns>
    /// <exception cref="ArgumentOutOfRangeException">The size is not positive.</exception>
    public static ImageGeometry CelebADiffusionCrop(int size) => new(Framing.CelebADiffusionCrop, Guard.Positive(size));

    /// <summary>Frames pictures of one size.</summary>
    /// <param name="images">Image batch [n, c, h, w], floating point, finite, in [0, 1]. Not disposed.</param>
    /// <returns>Image batch [n, c, size, size] of the same dtype and device, in [0, 1], owned by the caller.</returns>
    /// <exception cref="ArgumentException">The pictures are no image batch, are smaller than the crop, or are not 218 × 178 where the geometry is for aligned CelebA.</exception>
    public Tensor Apply(Tensor images)
    {
        TensorGuard.Images(images);
        (int height, int width) = ((int)images.size(2), (int)images.size(3));
        if (Refusal(height, width) is { } refusal) throw new ArgumentException($"images must {refusal}", nameof(images));
        return Frame(images);
    }

    /// <summary>Says the geometry for reports, for example "squash 64×64".</summary>
    /// <returns>The rule and the sizes.</returns>
    public override string ToString() => _framing switch
    {
        Framing.Squash => $"squash {Size}×{Size}",
        Framing.ResizeThenCentreCrop => $"shorter side to {Size}, centre crop {Size}×{Size}",
        Framing.CentreCropThenResize => $"centre crop {_crop}×{_crop}, resized to {Size}×{Size}",
        _ => $"CelebA rows 57–184, columns 25–152, resized to {Size}×{Size}",
    };

    /// <summary>Why pictures of this size cannot be framed, as the end of "images must …", or null.</summary>
    internal string? Refusal(int height, int width) => _framing switch
    {
        Framing.CentreCropThenResize when height < _crop || width < _crop =>
            $"be at least {_crop} pixels high and wide for the geometry \"{this}\", but they are {height} high and {width} wide. Choose a smaller crop, or another geometry.",
        Framing.CelebADiffusionCrop when (height, width) != (218, 178) =>
            $"be aligned CelebA pictures, 218 high and 178 wide, for the geometry \"{this}\", but they are {height} high and {width} wide. Choose another geometry.",
        _ => null,
    };

    /// <summary>What happens to pictures of one size, in whole pixels.</summary>
    internal ImageFrame FrameOf(int height, int width)
    {
        ImageFrame whole = new(0, 0, height, width, Size, Size, 0, 0);
        switch (_framing)
        {
            case Framing.ResizeThenCentreCrop:
                int shorter = Math.Min(height, width);
                int tall = (int)((long)Size * height / shorter);
                int wide = (int)((long)Size * width / shorter);
                return whole with { ResizedHeight = tall, ResizedWidth = wide, KeepTop = CentreStart(tall, Size), KeepLeft = CentreStart(wide, Size) };
            case Framing.CentreCropThenResize:
                return whole with { Top = CentreStart(height, _crop), Left = CentreStart(width, _crop), Height = _crop, Width = _crop };
            case Framing.CelebADiffusionCrop:
                return whole with { Top = 57, Left = 25, Height = 128, Width = 128 };
            default:
                return whole;
        }
    }

    /// <summary>Frames pictures whose size and pixels are known to be good.</summary>
    internal Tensor Frame(Tensor images)
    {
        ImageFrame frame = FrameOf((int)images.size(2), (int)images.size(3));
        using var scope = NewDisposeScope();
        Tensor part = images.narrow(2, frame.Top, frame.Height).narrow(3, frame.Left, frame.Width);
        Tensor resized = ImageResize.Bilinear(part, frame.ResizedHeight, frame.ResizedWidth);
        if (frame.ResizedHeight == Size && frame.ResizedWidth == Size) return resized.contiguous().MoveToOuterDisposeScope();
        return resized.narrow(2, frame.KeepTop, Size).narrow(3, frame.KeepLeft, Size).contiguous().MoveToOuterDisposeScope();
    }

    // Python's round(), which torchvision uses, takes halves to the even number.
    private static int CentreStart(int length, int size) => (int)Math.Round((length - size) / 2.0, MidpointRounding.ToEven);
}

/// <summary>Cut [Top, Top + Height) × [Left, Left + Width) out, resize it, and keep the square that begins at (KeepTop, KeepLeft).</summary>
internal readonly record struct ImageFrame(int Top, int Left, int Height, int Width, int ResizedHeight, int ResizedWidth, int KeepTop, int KeepLeft);
