using System.IO.Compression;
using SkiaSharp;

namespace LatentStitching.Tests.Data;

/// <summary>A folder of small generated files that goes when the test ends.</summary>
internal sealed class TempFolder : IDisposable
{
    public TempFolder() => Root = Directory.CreateTempSubdirectory("images-").FullName;

    public string Root { get; }

    public string this[string name] => Path.Combine(Root, name);

    /// <summary>A picture whose pixel (row, column) is (r, g, b) = (row, column, shade).</summary>
    public static byte[] Picture(int height, int width, byte shade, SKEncodedImageFormat format = SKEncodedImageFormat.Png)
    {
        using SKBitmap bitmap = new(new SKImageInfo(width, height, SKColorType.Rgba8888, SKAlphaType.Opaque));
        for (int y = 0; y < height; y++)
        {
            for (int x = 0; x < width; x++) bitmap.SetPixel(x, y, new SKColor((byte)y, (byte)x, shade));
        }
        using SKData data = bitmap.Encode(format, 95);
        return data.ToArray();
    }

    public string Write(string name, byte[] bytes)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(this[name])!);
        File.WriteAllBytes(this[name], bytes);
        return this[name];
    }

    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public string WriteGzip(string name, byte[] bytes)
    {
        using MemoryStream packed = new();
        using (GZipStream gzip = new(packed, CompressionLevel.Optimal)) gzip.Write(bytes);
        return Write(name, packed.ToArray());
    }

    public string WriteZip(string name, params (string Entry, byte[] Bytes)[] entries)
    {
        using FileStream file = File.Create(this[name]);
        using ZipArchive archive = new(file, ZipArchiveMode.Create);
        foreach ((string entry, byte[] bytes) in entries)
        {
            using Stream stream = archive.CreateEntry(entry, CompressionLevel.NoCompression).Open();
            stream.Write(bytes);
        }
        return this[name];
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
