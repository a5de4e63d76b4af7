using System.Buffers.Binary;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Data;

[NoTensorLeaks]
public sealed class IdxImagesTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_ReadsPlainAndGzipped_WhateverTheName(bool gzipped)
    {
        using TempFolder folder = new();
        byte[] images = Idx(0x803, [2, 2, 3], [0, 51, 102, 153, 204, 255, 1, 2, 3, 4, 5, 6]);
        byte[] labels = Idx(0x801, [2], [3, 1]);
        var source = gzipped
            ? IdxImages.Open(folder.WriteGzip("digits", images), folder.WriteGzip("labels", labels))
            : IdxImages.Open(folder.Write("digits.gz", images), folder.Write("labels.gz", labels));
        source.Name.Should().Be("digits");
        source.Ids.Should().Equal("digits:00000", "digits:00001");
        source.Image.Should().Be(new ImageFormat(1, 2, 3));
        source.Labels.Should().Equal(3, 1);
        source.Attributes!.Names.Should().Equal("0", "1", "2", "3", "4", "5", "6", "7", "8", "9");
        source.Attributes.Column("3").Should().Equal(true, false);
        source.Attributes.Column("1").Should().Equal(false, true);
        using var scope = NewDisposeScope();
        Tensor image = source.Load([1, 0]);
        image.shape.Should().Equal(2, 1, 2, 3);
        image[1].data<float>().ToArray().Should().Equal(0, 0.2f, 0.4f, 0.6f, 0.8f, 1);
        image[0, 0, 1, 2].ToDouble().Should().BeApproximately(6 / 255.0, 1e-8);
    }

    [Fact]
    public void Open_WithSize_Resizes()
    {
        using TempFolder folder = new();
        string path = folder.Write("x", Idx(0x803, [1, 28, 28], [.. Enumerable.Range(0, 784).Select(i => (byte)(i % 251))]));
        using var scope = NewDisposeScope();
        var source = IdxImages.Open(path, size: 32);
        source.Image.Should().Be(ImageFormat.Grey(32));
        Tensor plain = IdxImages.Open(path).LoadAll();
        Tensor expected = TriangleFilter.Resize(plain[0, 0], 32, 32);
        source.LoadAll()[0, 0, 9, 21].ToDouble().Should().BeApproximately(expected[9, 21].ToDouble(), 1e-6);
    }

    [Fact]
    public void ContentHash_TellsFilesOfOneNameApart()
    {
        using TempFolder folder = new();
        IdxImages digits = IdxImages.Open(folder.Write("digits/t10k-images-idx3-ubyte", Idx(0x803, [2, 1, 2], [1, 2, 3, 4])));
        IdxImages clothes = IdxImages.Open(folder.Write("clothes/t10k-images-idx3-ubyte", Idx(0x803, [2, 1, 2], [1, 2, 3, 5])));
        clothes.Ids.Should().Equal(digits.Ids);
        clothes.ContentHash.Should().MatchRegex("^[0-9a-f]{64}$").And.NotBe(digits.ContentHash);
        digits.Select([1]).ContentHash.Should().Be(digits.ContentHash);
        IdxImages.Open(folder["digits/t10k-images-idx3-ubyte"], size: 4).ContentHash.Should().Be(digits.ContentHash);
    }

    [Fact]
    public void Open_ClassNames_NameTheAttributes()
    {
        using TempFolder folder = new();
        string images = folder.Write("x", Idx(0x803, [2, 1, 1], [0, 1]));
        string labels = folder.Write("y", Idx(0x801, [2], [0, 1]));
        IdxImages.Open(images, labels, classNames: ["coat", "bag"]).Attributes!.Column("bag").Should().Equal(false, true);
        ((Action)(() => IdxImages.Open(images, labels, classNames: ["coat"]))).Should().Throw<ArgumentException>()
            .WithMessage("classNames must name every label, but it holds 1 names and the highest label is 1.*");
        ((Action)(() => IdxImages.Open(images, classNames: ["coat"]))).Should().Throw<ArgumentException>()
            .WithMessage("classNames must come with labels, but labels is null.*");
        IdxImages.Open(images, folder.Write("z", Idx(0x801, [2], [0, 46]))).Attributes!.Names.Should().HaveCount(47);
    }

    [Fact]
    public void Open_OtherCountOfLabels_Throws()
    {
        using TempFolder folder = new();
        string images = folder.Write("x", Idx(0x803, [2, 1, 1], [0, 1]));
        string labels = folder.Write("y", Idx(0x801, [3], [0, 1, 2]));
        ((Action)(() => IdxImages.Open(images, labels))).Should().Throw<ArgumentException>()
            .WithMessage($"labels must hold one label an image, but there are 3 labels and 2 images. Take the label file that belongs to '{images}'.*");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Open_HostileHeaders_AreRefused(bool gzipped)
    {
        using TempFolder folder = new();
        Refused(Idx(0x801, [12], new byte[12]), "must begin with 0x00000803 (IDX, unsigned bytes, 3 dimensions), but it begins with 0x00000801.");
        Refused([0, 0, 8], "must begin with an IDX header of 16 bytes, but it ends after 3.");
        Refused(Idx(0x803, [2, 2, 2], new byte[7]), gzipped ? "must hold the 2 × 2 × 2 bytes that its header declares, but it ends after 7." : "*but it ends after 7.");
        Refused(Idx(0x803, [2, 2, 2], new byte[9]), "must end after the 2 × 2 × 2 bytes that its header declares, but it goes on.");
        Refused(Idx(0x803, [2, 0, 2], []), "must have dimensions from 1 to 2147483647, but dimension 1 is 0.");
        Refused(Idx(0x803, [-1, 28, 28], []), "must have dimensions from 1 to 2147483647, but dimension 0 is 4294967295.");
        Refused(Idx(0x803, [60000, 2000, 2000], new byte[100]), "must hold the 60000 × 2000 × 2000 bytes that its header declares, but it is too short for them.");
        Refused(Idx(0x803, [int.MaxValue, int.MaxValue, int.MaxValue], new byte[100]), "must hold the 2147483647 × 2147483647 × 2147483647 bytes*too short for them.");

        void Refused(byte[] bytes, string message)
        {
            string path = gzipped ? folder.WriteGzip("x", bytes) : folder.Write("x", bytes);
            ((Action)(() => IdxImages.Open(path))).Should().Throw<InvalidDataException>().WithMessage($"'{path}' {message}");
        }
    }

    [Fact]
    public void Open_GzipBomb_IsReadNoFurtherThanDeclared()
    {
        using TempFolder folder = new();
        string path = folder.WriteGzip("x", Idx(0x803, [1, 2, 2], new byte[50_000_000]));
        long before = GC.GetAllocatedBytesForCurrentThread();
        ((Action)(() => IdxImages.Open(path))).Should().Throw<InvalidDataException>().WithMessage("*must end after the 1 × 2 × 2 bytes that its header declares, but it goes on.");
        (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(5_000_000);
    }

    [Fact]
    public void Open_DamagedGzip_IsNamed()
    {
        using TempFolder folder = new();
        string path = folder.Write("x", [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF]);
        ((Action)(() => IdxImages.Open(path))).Should().Throw<InvalidDataException>().WithMessage($"'{path}' must be plain or gzipped IDX, but its gzip data is damaged: *");
    }

    [Fact]
    public void Open_BadArguments_Throw()
    {
        using TempFolder folder = new();
        string path = folder.Write("x", Idx(0x803, [1, 1, 1], [0]));
        ((Action)(() => IdxImages.Open(folder["none"]))).Should().Throw<FileNotFoundException>().WithMessage($"There is no IDX file '{folder["none"]}'.");
        ((Action)(() => IdxImages.Open(path, size: 0))).Should().Throw<ArgumentOutOfRangeException>().WithMessage("size must be positive, but it is 0.*");
        IdxImages.Open(path).Invoking(source => source.Load([1])).Should().Throw<ArgumentOutOfRangeException>().WithMessage("indices must lie from 0 to 0, but entry 0 is 1.*");
    }

    [SharedFact("data/mnist")]
    public void Open_Mnist_IsTheOfficialTestSet()
    {
        var source = IdxImages.Open(Shared.Path("data/mnist/t10k-images-idx3-ubyte.gz"), Shared.Path("data/mnist/t10k-labels-idx1-ubyte.gz"), size: 32);
        source.Ids.Should().HaveCount(10000);
        source.Ids[9999].Should().Be("t10k-images-idx3-ubyte:09999");
        // The known class sizes of the MNIST test set.
        source.Attributes!.Names.Select(name => source.Attributes.Column(name).Count(value => value))
            .Should().Equal(980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009);
        source.Labels!.Take(5).Should().Equal(7, 2, 1, 0, 4);
        using Tensor images = source.Load([0, 9999]);
        images.shape.Should().Equal(2, 1, 32, 32);
    }

    private static byte[] Idx(int magic, int[] sizes, byte[] content)
    {
        byte[] header = new byte[4 + (4 * sizes.Length)];
        BinaryPrimitives.WriteInt32BigEndian(header, magic);
        for (int i = 0; i < sizes.Length; i++) BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(4 + (4 * i)), sizes[i]);
        return [.. header, .. content];
    }
}
