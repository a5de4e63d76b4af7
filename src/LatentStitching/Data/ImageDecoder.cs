using SkiaSharp;

namespace LatentStitching.Data;

/// <summary>A decoded picture: bytes laid out [c, h, w].</summary>
internal readonly record struct DecodedImage(byte[] Planes, int Height, int Width);

/// <summary>Decodes picture files to the bytes that Pillow's convert("RGB") and convert("L") give: transparency dropped, no colour management, no turning by EXIF.</summary>
internal static class ImageDecoder
{
    private const long LargestPicture = 1L << 26;

    /// <summary>Decodes one file.</summary>
    /// <param name="encoded">The file.</param>
    /// <param name="grey">One channel by the luma of ITU-R BT.601 instead of three.</param>
    /// <param name="describe">What an error text calls the file.</param>
    /// <exception cref="InvalidDataException">The file is no picture, is cut short, or is larger than 67 million pixels.</exception>
    public static DecodedImage Decode(byte[] encoded, bool grey, Func<string> describe)
    {
        using SKData data = SKData.CreateCopy(encoded);
        using SKCodec? codec = encoded.Length == 0 ? null : SKCodec.Create(data);
        if (codec is null) throw new InvalidDataException($"{describe()} must be a JPEG, PNG, BMP or WebP picture, but it could not be decoded.");
        (int width, int height) = (codec.Info.Width, codec.Info.Height);
        if ((long)width * height > LargestPicture)
        {
            throw new InvalidDataException($"{describe()} must hold at most {LargestPicture} pixels, but it declares {width} × {height}.");
        }
        // No colour space: the stored numbers as they are.
        SKImageInfo info = new(width, height, SKColorType.Rgba8888, SKAlphaType.Unpremul, colorspace: null);
        SKCodecResult result = codec.GetPixels(info, out byte[] rgba);
        if (result != SKCodecResult.Success) throw new InvalidDataException($"{describe()} must be a whole picture, but decoding ended with {result}.");
        return new DecodedImage(grey ? Luma(rgba) : Planes(rgba), height, width);
    }

    private static byte[] Planes(ReadOnlySpan<byte> rgba)
    {
        int count = rgba.Length / 4;
        byte[] planes = new byte[3 * count];
        Span<byte> red = planes.AsSpan(0, count);
        Span<byte> green = planes.AsSpan(count, count);
        Span<byte> blue = planes.AsSpan(2 * count, count);
        for (int i = 0; i < count; i++)
        {
            red[i] = rgba[4 * i];
            green[i] = rgba[(4 * i) + 1];
            blue[i] = rgba[(4 * i) + 2];
        }
        return planes;
    }

    // Pillow's "L": 0.299 R + 0.587 G + 0.114 B in 16-bit fixed point, rounded.
    private static byte[] Luma(ReadOnlySpan<byte> rgba)
    {
        byte[] luma = new byte[rgba.Length / 4];
        for (int i = 0; i < luma.Length; i++)
        {
            luma[i] = (byte)(((rgba[4 * i] * 19595) + (rgba[(4 * i) + 1] * 38470) + (rgba[(4 * i) + 2] * 7471) + 0x8000) >> 16);
        }
        return luma;
    }
}
