using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;
using SkiaSharp;

namespace LatentStitching.Tests.Data;

[NoTensorLeaks]
public sealed class ImageFolderTests
{
    private static readonly ImageGeometry _asIs = ImageGeometry.Squash(16);

    [Fact]
    public void Open_ListsPicturesOfAllFoldersInOrdinalOrder()
    {
        using TempFolder folder = new();
        byte[] png = TempFolder.Picture(16, 16, 0);
        foreach (string name in new[] { "b.png", "a/z.PNG", "B.png", "a.png", "notes.txt", ".hidden.png" }) folder.Write(name, png);
        var images = ImageFolder.Open(folder.Root, _asIs);
        images.Ids.Should().Equal("B.png", "a.png", "a/z.PNG", "b.png");
        images.Name.Should().Be(Path.GetFileName(folder.Root));
        images.Image.Should().Be(ImageFormat.Rgb(16));
        images.Attributes.Should().BeNull();
        images.Geometry.Should().Be(_asIs);
    }

    [Fact]
    public void ContentHash_TellsFoldersOfEqualNamesApart()
    {
        using TempFolder folder = new();
        foreach (string set in (string[])["a", "b", "c"])
        {
            for (int i = 0; i < 40; i++) folder.Write($"{set}/train/{i:D2}.png", TempFolder.Picture(16, 16, (byte)(i + (set == "b" ? 1 : 0))));
        }
        string? Hash(string set) => ((IImageSource)ImageFolder.Open(folder[$"{set}/train"], _asIs)).ContentHash;
        Hash("a").Should().MatchRegex("^[0-9a-f]{64}$").And.NotBe(Hash("b")).And.Be(Hash("c"));
    }

    [Theory]
    [InlineData("x.png", SKEncodedImageFormat.Png)]
    [InlineData("x.webp", SKEncodedImageFormat.Webp)]
    [InlineData("x.jpg", SKEncodedImageFormat.Jpeg)]
    public void Load_ReturnsTheFilesPixels(string name, SKEncodedImageFormat format)
    {
        using TempFolder folder = new();
        folder.Write(name, TempFolder.Picture(16, 16, 200, format));
        using var scope = NewDisposeScope();
        Tensor image = ImageFolder.Open(folder.Root, _asIs).LoadAll();
        image.shape.Should().Equal(1, 3, 16, 16);
        image.dtype.Should().Be(ScalarType.Float32);
        Tensor rows = arange(16, dtype: ScalarType.Float32).reshape(16, 1).expand(16, 16);
        Tensor expected = stack([rows, rows.t(), full_like(rows, 200)]) / 255;
        double error = (image[0] - expected).abs().max().ToDouble();
        if (format == SKEncodedImageFormat.Png) error.Should().Be(0);
        else error.Should().BeLessThan(0.03);
    }

    [Fact]
    public void Load_Bmp_ReturnsTheFilesPixels()
    {
        using TempFolder folder = new();
        // 1 × 2 pixels, 24 bits, bottom-up, BGR: red, then blue.
        byte[] header = [0x42, 0x4D, 62, 0, 0, 0, 0, 0, 0, 0, 54, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 24, 0, .. new byte[24]];
        folder.Write("x.bmp", [.. header, 0, 0, 255, 255, 0, 0, 0, 0]);
        using Tensor image = ImageFolder.Open(folder.Root, ImageGeometry.ResizeThenCentreCrop(1)).LoadAll();
        image.data<float>().ToArray().Should().Equal(1, 0, 0);
    }

    [Fact]
    public void Load_Grey_IsPillowsLuma()
    {
        using TempFolder folder = new();
        folder.Write("x.png", TempFolder.Picture(16, 16, 201));
        using var scope = NewDisposeScope();
        Tensor image = ImageFolder.Open(folder.Root, _asIs, grey: true).LoadAll();
        image.shape.Should().Equal(1, 1, 16, 16);
        // (7·19595 + 12·38470 + 201·7471 + 32768) >> 16 = 32
        image[0, 0, 7, 12].ToDouble().Should().BeApproximately(32 / 255.0, 1e-7);
    }

    [Fact]
    public void Load_Transparent_KeepsTheColourUnderIt()
    {
        using TempFolder folder = new();
        using SKBitmap bitmap = new(new SKImageInfo(16, 16, SKColorType.Rgba8888, SKAlphaType.Unpremul));
        bitmap.Erase(new SKColor(250, 120, 30, 128));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        folder.Write("x.png", data.ToArray());
        using var scope = NewDisposeScope();
        Tensor image = ImageFolder.Open(folder.Root, _asIs).LoadAll();
        (image[0, .., 3, 3] * 255).round().contiguous().data<float>().ToArray().Should().Equal(250, 120, 30);
    }

    [Fact]
    public void Load_GammaInThePng_IsNotApplied()
    {
        byte[] plain = TempFolder.Picture(16, 16, 100);
        byte[] gamma = [(byte)'g', (byte)'A', (byte)'M', (byte)'A', 0, 1, 0x86, 0xA0]; // 1.0
        byte[] crc = new byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(crc, Crc32(gamma));
        // After the signature and the IHDR chunk.
        SamePixels(plain, [.. plain[..33], 0, 0, 0, 4, .. gamma, .. crc, .. plain[33..]], "png");
    }

    [Fact]
    public void Load_ExifTurning_IsNotApplied()
    {
        byte[] plain = TempFolder.Picture(16, 16, 100, SKEncodedImageFormat.Jpeg);
        // An APP1 segment with one TIFF tag: orientation 6, a quarter turn.
        byte[] exif = [.. "Exif\0\0II*\0"u8, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0];
        byte[] turned = [.. plain[..2], 0xFF, 0xE1, 0, (byte)(exif.Length + 2), .. exif, .. plain[2..]];
        using (SKData data = SKData.CreateCopy(turned))
        using (SKCodec codec = SKCodec.Create(data)) codec.EncodedOrigin.Should().Be(SKEncodedOrigin.RightTop);
        SamePixels(plain, turned, "jpg");
    }

    [Fact]
    public void Load_MixedSizesRepeatsAnyOrder_EqualsOneAtATime()
    {
        using TempFolder folder = new();
        for (int i = 0; i < 150; i++) folder.Write($"{i:D3}.png", TempFolder.Picture(20 + (i % 3), 18, (byte)i));
        var images = ImageFolder.Open(folder.Root, _asIs);
        int[] order = [.. Enumerable.Range(0, 150).Reverse(), 3, 3, 140];
        using var scope = NewDisposeScope();
        Tensor together = images.Load(order);
        for (int i = 0; i < order.Length; i++)
        {
            Tensor alone = images.Load([order[i]]);
            together[i].eq(alone[0]).all().ToBoolean().Should().BeTrue("image {0} must not depend on its neighbours", order[i]);
        }
    }

    [Fact]
    public void Load_FromManyThreads_GivesTheSamePixels()
    {
        using TempFolder folder = new();
        for (int i = 0; i < 8; i++) folder.Write($"{i}.png", TempFolder.Picture(20, 18, (byte)i));
        var images = ImageFolder.Open(folder.Root, _asIs);
        float[] expected;
        using (Tensor all = images.LoadAll()) expected = all.data<float>().ToArray();
        var results = new float[6][];
        Parallel.For(0, results.Length, i =>
        {
            using Tensor all = images.LoadAll();
            results[i] = all.data<float>().ToArray();
        });
        results.Should().AllSatisfy(result => result.Should().Equal(expected));
    }

    [Fact]
    public void Load_DamagedFile_NamesIt()
    {
        using TempFolder folder = new();
        folder.Write("good.png", TempFolder.Picture(16, 16, 1));
        folder.Write("no.png", "not a picture");
        var images = ImageFolder.Open(folder.Root, _asIs);
        images.Invoking(source => source.Load([0, 1])).Should().Throw<InvalidDataException>()
            .WithMessage($"'no.png' in '{folder.Root}' must be a JPEG, PNG, BMP or WebP picture, but it could not be decoded.");
        folder.Write("no.png", Array.Empty<byte>());
        images.Invoking(source => source.Load([1])).Should().Throw<InvalidDataException>().WithMessage("'no.png' in *could not be decoded.");
    }

    [Theory]
    [InlineData(SKEncodedImageFormat.Png)]
    [InlineData(SKEncodedImageFormat.Jpeg)]
    public void Load_CutShort_IsRefused(SKEncodedImageFormat format)
    {
        using TempFolder folder = new();
        byte[] whole = TempFolder.Picture(64, 64, 1, format);
        folder.Write("cut.png", whole[..(whole.Length * 2 / 3)]);
        ImageFolder.Open(folder.Root, _asIs).Invoking(source => source.LoadAll()).Should().Throw<InvalidDataException>()
            .WithMessage($"'cut.png' in '{folder.Root}' must be a whole picture, but decoding ended with IncompleteInput.");
    }

    [Fact]
    public void Load_HugeDeclaredPicture_IsRefusedBeforeMemoryIsTaken()
    {
        using TempFolder folder = new();
        byte[] png = TempFolder.Picture(16, 16, 1);
        // Width and height in the IHDR chunk, and its checksum.
        byte[] chunk = [(byte)'I', (byte)'H', (byte)'D', (byte)'R', 0, 0, 0x40, 0, 0, 0, 0x40, 0, .. png[24..29]];
        chunk.CopyTo(png, 12);
        uint crc = Crc32(chunk);
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(png.AsSpan(29), crc);
        folder.Write("huge.png", png);
        ImageFolder.Open(folder.Root, _asIs).Invoking(source => source.LoadAll()).Should().Throw<InvalidDataException>()
            .WithMessage("'huge.png' in * must hold at most 67108864 pixels, but it declares 16384 × 16384.");
    }

    [Fact]
    public void Load_PictureThatDoesNotFitTheGeometry_IsNamed()
    {
        using TempFolder folder = new();
        folder.Write("x.png", TempFolder.Picture(16, 16, 1));
        ImageFolder.Open(folder.Root, ImageGeometry.CentreCropThenResize(32, 8)).Invoking(source => source.LoadAll()).Should().Throw<InvalidDataException>()
            .WithMessage($"'x.png' in '{folder.Root}' must be at least 32 pixels high and wide for the geometry \"centre crop 32×32, resized to 8×8\", but they are 16 high and 16 wide. *");
    }

    [Fact]
    public void Open_NoPictures_Throws()
    {
        using TempFolder folder = new();
        folder.Write("notes.txt", "x");
        ((Action)(() => ImageFolder.Open(folder.Root, _asIs))).Should().Throw<ArgumentException>()
            .WithMessage($"path must hold at least one image, but '{folder.Root}' holds none. Images are files that end in .jpg, .jpeg, .png, .bmp, .webp.*");
        ((Action)(() => ImageFolder.Open(folder["none"], _asIs))).Should().Throw<DirectoryNotFoundException>()
            .WithMessage($"path must be a folder of images, but there is no folder '{folder["none"]}'.");
        ((Action)(() => ImageFolder.Open(" ", _asIs))).Should().Throw<ArgumentException>().WithMessage("path must not be blank.*");
    }

    [Fact]
    public void Load_IndexOutsideTheSource_Throws()
    {
        using TempFolder folder = new();
        folder.Write("x.png", TempFolder.Picture(16, 16, 1));
        var images = ImageFolder.Open(folder.Root, _asIs);
        images.Invoking(source => source.Load([0, 1])).Should().Throw<ArgumentOutOfRangeException>().WithMessage("indices must lie from 0 to 0, but entry 1 is 1.*");
        images.Invoking(source => source.Load([])).Should().Throw<ArgumentException>().WithMessage("indices must hold at least one index, but it is empty.*");
    }

    private static void SamePixels(byte[] one, byte[] other, string extension)
    {
        using TempFolder folder = new();
        folder.Write($"1.{extension}", one);
        folder.Write($"2.{extension}", other);
        using var scope = NewDisposeScope();
        Tensor images = ImageFolder.Open(folder.Root, _asIs).LoadAll();
        images[0].eq(images[1]).all().ToBoolean().Should().BeTrue();
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0xEDB88320u;
        }
        return ~crc;
    }
}
