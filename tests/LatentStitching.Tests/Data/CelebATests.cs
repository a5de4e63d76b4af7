using System.IO.Compression;
using LatentStitching.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Data;

[NoTensorLeaks]
public sealed class CelebATests
{
    private const string Csv = "image_id,identity,Smiling,Male\n000003.jpg,7,1,0\n000001.jpg,2880,0,1\n000002.jpg,9,1,1\n000009.jpg,9,1,1\n";
    private const string Official = "4\nSmiling Male\n000001.jpg -1  1\n000002.jpg  1  1\n000003.jpg  1 -1\n000009.jpg -1 -1\n";
    private static readonly byte[] _face = TempFolder.Picture(218, 178, 9, SkiaSharp.SKEncodedImageFormat.Jpeg);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Open_ZipOrFolder_OfficialOrCsv_GivesTheSame(bool zip)
    {
        using TempFolder folder = new();
        foreach (string table in new[] { Csv, Csv.Replace(",0", ",-1", StringComparison.Ordinal), Official })
        {
            using CelebA faces = CelebA.Open(zip ? Zip(folder) : Folder(folder), folder.Write("table", table));
            faces.Ids.Should().Equal("000001.jpg", "000002.jpg", "000003.jpg");
            faces.Attributes!.Names.Should().Equal("Smiling", "Male");
            faces.Attributes.Column("Smiling").Should().Equal(false, true, true);
            faces.Attributes.Column("Male").Should().Equal(true, true, false);
            faces.Name.Should().Be("CelebA");
            faces.Geometry.Should().Be(ImageGeometry.CelebADefault);
            using Tensor images = faces.LoadAll();
            images.shape.Should().Equal(3, 3, 64, 64);
        }
    }

    [Fact]
    public void Open_WithoutTable_HasNoAttributes()
    {
        using TempFolder folder = new();
        using CelebA faces = CelebA.Open(Zip(folder), geometry: ImageGeometry.CelebADiffusionCrop(32), grey: true);
        faces.Attributes.Should().BeNull();
        using Tensor images = faces.LoadAll();
        images.shape.Should().Equal(3, 1, 32, 32);
    }

    [Fact]
    public void Open_ImagesWithoutRow_AreCountedAndNamed()
    {
        using TempFolder folder = new();
        string table = folder.Write("table.csv", "image_id,Smiling\n000002.jpg,1\n");
        ((Action)(() => CelebA.Open(Zip(folder), table))).Should().Throw<ArgumentException>()
            .WithMessage($"attributes must have a row for each of the 3 images, but 2 images (000001.jpg, 000003.jpg) are not in '{table}'. Take the table that belongs to these images.*")
            .WithParameterName("attributes");
        // A refused archive is closed again.
        File.Delete(folder["faces.zip"]);
    }

    [Theory]
    [InlineData("", "Line 1 of '*' must hold a count of images (list_attr_celeba.txt) or a CSV header that begins with image_id, but it holds ''.")]
    [InlineData("name,Smiling\n", "Line 1 of '*' must hold a count of images (list_attr_celeba.txt) or a CSV header that begins with image_id, but it holds 'name,Smiling'.")]
    [InlineData("image_id,Smiling,age\n000001.jpg,1,37\n", "Line 2 of '*' must hold 0 or 1 (or -1 or 1) in the column 'age', but it holds '37'. Only binary columns and 'identity' are understood: remove the others.")]
    [InlineData("image_id,Smiling\n000001.jpg,1,1\n", "Line 2 of '*' must hold 2 cells, but it holds 3.")]
    [InlineData("image_id,Smiling\n000001.jpg,1\n000001.jpg,1\n", "Line 3 of '*' must hold an image of its own, but it holds '000001.jpg' again.")]
    [InlineData("3\nSmiling\n000001.jpg 1\n", "'*' must hold the 3 images that its first line declares, but it holds 1.")]
    [InlineData("3\n", "Line 1 of '*' must hold a line of attribute names below it, but it holds the end of the file.")]
    public void Open_DamagedTable_NamesTheLine(string table, string message)
    {
        using TempFolder folder = new();
        string path = folder.Write("table", table);
        ((Action)(() => CelebA.Open(Zip(folder), path))).Should().Throw<InvalidDataException>().WithMessage(message.Replace("*", path, StringComparison.Ordinal));
    }

    [Fact]
    public void Open_BadPaths_Throw()
    {
        using TempFolder folder = new();
        ((Action)(() => CelebA.Open(folder["none"]))).Should().Throw<FileNotFoundException>().WithMessage($"path must be a folder or a zip archive, but there is no '{folder["none"]}'.");
        ((Action)(() => CelebA.Open(Zip(folder), folder["none"]))).Should().Throw<FileNotFoundException>().WithMessage($"attributes must be a table, but there is no file '{folder["none"]}'.");
        string text = folder.Write("text", "no archive");
        ((Action)(() => CelebA.Open(text))).Should().Throw<InvalidDataException>().WithMessage($"path must be a folder or a zip archive, but '{text}' is neither.");
        string twice = folder.WriteZip("twice.zip", ("a/1.jpg", _face), ("b/1.jpg", _face));
        ((Action)(() => CelebA.Open(twice))).Should().Throw<ArgumentException>()
            .WithMessage($"path must hold images of different names, but '{twice}' holds '1.jpg' twice. The file name is the image's id.*");
        string empty = folder.WriteZip("empty.zip", ("readme.txt", _face));
        ((Action)(() => CelebA.Open(empty))).Should().Throw<ArgumentException>().WithMessage($"path must hold at least one image, but '{empty}' holds none.*");
    }

    [Fact]
    public void Partition_SelectsTheOfficialPart()
    {
        using TempFolder folder = new();
        using CelebA faces = CelebA.Open(Zip(folder), folder.Write("table", Official));
        string list = folder.Write("list", "000001.jpg 0\n000002.jpg 2\n000003.jpg 0\n000004.jpg 1\n");
        IImageSource train = faces.Partition(CelebAPartition.Train, list);
        train.Ids.Should().Equal("000001.jpg", "000003.jpg");
        train.Attributes!.Column("Smiling").Should().Equal(false, true);
        faces.Partition(CelebAPartition.Test, list).Ids.Should().Equal("000002.jpg");
        faces.Invoking(source => source.Partition(CelebAPartition.Validation, list)).Should().Throw<ArgumentException>()
            .WithMessage("partition must hold at least one of the 3 images, but none of them is in Validation.*");
        faces.Invoking(source => source.Partition((CelebAPartition)3, list)).Should().Throw<ArgumentOutOfRangeException>()
            .WithMessage("partition must be Train, Validation or Test, but it is 3.*");
        string wrong = folder.Write("wrong", "000001.jpg 3\n");
        faces.Invoking(source => source.Partition(CelebAPartition.Test, wrong)).Should().Throw<InvalidDataException>()
            .WithMessage($"Line 1 of '{wrong}' must hold a file name and 0, 1 or 2, but it holds '000001.jpg 3'.");
        string less = folder.Write("less", "000001.jpg 0\n");
        faces.Invoking(source => source.Partition(CelebAPartition.Test, less)).Should().Throw<ArgumentException>()
            .WithMessage($"path must have a row for each of the 3 images, but 2 images (000002.jpg, 000003.jpg) are not in '{less}'.*");
    }

    [Fact]
    public void Load_DamagedArchive_NamesThePicture()
    {
        using TempFolder folder = new();
        string path = Zip(folder);
        byte[] bytes = File.ReadAllBytes(path);
        int second = bytes.AsSpan().IndexOf("faces/000002.jpg"u8);
        // The signature of the local header before its name.
        bytes[second - 30] = 0;
        File.WriteAllBytes(path, bytes);
        using CelebA faces = CelebA.Open(path);
        faces.Invoking(source => source.Load([0, 1])).Should().Throw<InvalidDataException>()
            .WithMessage($"'000002.jpg' in '{path}' must be readable, but the archive is damaged there: *");
    }

    [Fact]
    public void Load_AfterDispose_Throws()
    {
        using TempFolder folder = new();
        CelebA faces = CelebA.Open(Zip(folder));
        IImageSource view = faces.Take(1);
        faces.Dispose();
        faces.Dispose();
        faces.Invoking(source => source.LoadAll()).Should().Throw<ObjectDisposedException>();
        view.Invoking(source => source.LoadAll()).Should().Throw<ObjectDisposedException>();
    }

    [SharedFact("data/celeba")]
    public void Open_RealPictures_HasTheKnownAttributes()
    {
        using CelebA faces = Faces();
        faces.Ids.Should().HaveCount(5000);
        faces.Ids[0].Should().Be("000002.jpg");
        AttributeTable table = faces.Attributes!;
        table.Names.Should().HaveCount(40).And.NotContain("identity");
        foreach ((string name, int count) in new[] { ("Smiling", 2267), ("Male", 1443), ("Eyeglasses", 241), ("Young", 3992), ("Blond_Hair", 1004), ("Wearing_Hat", 170) })
        {
            table.Column(name).Count(value => value).Should().Be(count, name);
        }
    }

    [SharedFact("data/celeba")]
    public void Load_RealPictures_AreCloseToTheirLanczosThumbnails()
    {
        using CelebA faces = Faces();
        using var scope = NewDisposeScope();
        byte[] expected = new byte[128 * 3 * 64 * 64];
        using (GZipStream file = new(File.OpenRead(Shared.Path("data/celeba/first128_rgb_3x64x64.u8.gz")), CompressionMode.Decompress)) file.ReadExactly(expected);
        Tensor thumbnails = tensor(expected, ScalarType.Byte).reshape(128, 3, 64, 64).to_type(ScalarType.Float32) / 255;
        Tensor images = faces.Load(0, 128);
        images.shape.Should().Equal(128, 3, 64, 64);
        Tensor difference = (images - thumbnails).abs().mean([1, 2, 3]);
        difference.mean().ToDouble().Should().BeLessThan(0.02);
        difference.max().ToDouble().Should().BeLessThan(0.03);
    }

    [SharedTheory("data/celeba")]
    [InlineData(false, 53078928)]
    [InlineData(true, 17913068)]
    public void Load_RealPictures_DecodesToPillowsBytes(bool grey, long expected)
    {
        // Pillow 9.4: sum over the first 8 of np.asarray(Image.open(...).convert("RGB" or "L"))[57:185, 25:153].astype("int64").sum()
        using CelebA faces = CelebA.Open(Shared.Path("data/celeba/img_align_celeba_5000.zip"), geometry: ImageGeometry.CelebADiffusionCrop(128), grey: grey);
        using var scope = NewDisposeScope();
        faces.Load(0, 8).mul(255).round().to_type(ScalarType.Int64).sum().ToInt64().Should().Be(expected);
    }

    private static CelebA Faces() => CelebA.Open(Shared.Path("data/celeba/img_align_celeba_5000.zip"), Shared.Path("data/celeba/attributes.csv"));

    private static string Zip(TempFolder folder) => folder.WriteZip(
        "faces.zip", ("faces/000002.jpg", _face), ("faces/000001.jpg", _face), ("faces/000003.jpg", _face), ("__MACOSX/._000001.jpg", [1]), ("readme.txt", [1]));

    private static string Folder(TempFolder folder)
    {
        foreach (int i in new[] { 2, 1, 3 }) folder.Write($"faces/00000{i}.jpg", _face);
        return folder["faces"];
    }
}
