using LatentStitching.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Data;

[NoTensorLeaks]
public sealed class ImageGeometryTests
{
    [Theory]
    [InlineData(218, 178, 64, 78, 64, 7, 0)] // int(64·218/178) = int(78.38); (78 − 64)/2 = 7
    [InlineData(178, 218, 64, 64, 78, 0, 7)]
    [InlineData(100, 101, 50, 50, 50, 0, 0)] // int(50.5) = 50
    [InlineData(100, 103, 100, 100, 103, 0, 2)] // 1.5 → 2
    [InlineData(100, 105, 100, 100, 105, 0, 2)] // 2.5 → 2, Python's round
    [InlineData(10, 30, 20, 20, 60, 0, 20)] // enlarges
    public void ResizeThenCentreCrop_FollowsTorchvisionsRounding(int height, int width, int size, int tall, int wide, int top, int left) =>
        ImageGeometry.ResizeThenCentreCrop(size).FrameOf(height, width).Should().Be(new ImageFrame(0, 0, height, width, tall, wide, top, left));

    [Theory]
    [InlineData(218, 178, 160, 29, 9)]
    [InlineData(218, 178, 150, 34, 14)]
    [InlineData(11, 13, 8, 2, 2)] // 1.5 → 2, 2.5 → 2
    public void CentreCropThenResize_FollowsTorchvisionsRounding(int height, int width, int crop, int top, int left) =>
        ImageGeometry.CentreCropThenResize(crop, 64).FrameOf(height, width).Should().Be(new ImageFrame(top, left, crop, crop, 64, 64, 0, 0));

    [Fact]
    public void CelebADiffusionCrop_TakesTheCropOfDdim() =>
        ImageGeometry.CelebADiffusionCrop(64).FrameOf(218, 178).Should().Be(new ImageFrame(57, 25, 128, 128, 64, 64, 0, 0));

    [Fact]
    public void Squash_TakesThePictureWhole() => ImageGeometry.Squash(64).FrameOf(218, 178).Should().Be(new ImageFrame(0, 0, 218, 178, 64, 64, 0, 0));

    [Fact]
    public void Apply_CropsWithoutResizing_KeepsTheExactPixels()
    {
        using var scope = NewDisposeScope();
        Tensor pictures = rand(2, 3, 218, 178);
        Same(ImageGeometry.CentreCropThenResize(160, 160).Apply(pictures), pictures[.., .., 29..189, 9..169]);
        Same(ImageGeometry.CelebADiffusionCrop(128).Apply(pictures), pictures[.., .., 57..185, 25..153]);
        Same(ImageGeometry.ResizeThenCentreCrop(178).Apply(pictures), pictures[.., .., 20..198, ..]);
    }

    [Theory]
    [InlineData(218, 178, 64, 64)]
    [InlineData(218, 178, 78, 64)]
    [InlineData(28, 28, 32, 32)]
    [InlineData(17, 9, 5, 20)] // shrinks one way, grows the other
    public void Resize_EqualsTheTriangleFilter(int height, int width, int tall, int wide)
    {
        using var scope = NewDisposeScope();
        Tensor pictures = rand(1, 2, height, width, dtype: ScalarType.Float64, generator: new Generator(5));
        Tensor expected = stack([TriangleFilter.Resize(pictures[0, 0], tall, wide), TriangleFilter.Resize(pictures[0, 1], tall, wide)]).unsqueeze(0);
        Tensor resized = LatentStitching.Numerics.ImageResize.Bilinear(pictures, tall, wide);
        resized.shape.Should().Equal(1, 2, tall, wide);
        (resized - expected).abs().max().ToDouble().Should().BeLessThan(1e-12);

        // In float32 the kernel's place is rounded too: 1.2e-6 was seen, a 3000th part of one step of a byte.
        Tensor single = LatentStitching.Numerics.ImageResize.Bilinear(pictures.to_type(ScalarType.Float32), tall, wide);
        (single.to_type(ScalarType.Float64) - expected).abs().max().ToDouble().Should().BeLessThan(2e-6);
    }

    [Fact]
    public void Apply_Float64_StaysFloat64()
    {
        using var scope = NewDisposeScope();
        Tensor framed = ImageGeometry.Squash(8).Apply(rand(2, 1, 20, 30, dtype: ScalarType.Float64));
        framed.dtype.Should().Be(ScalarType.Float64);
        framed.shape.Should().Equal(2, 1, 8, 8);
    }

    [Fact]
    public void Apply_PictureSmallerThanTheCrop_IsRefusedNotPadded()
    {
        using Tensor small = zeros(1, 3, 100, 200);
        var act = () => ImageGeometry.CentreCropThenResize(150, 64).Apply(small);
        act.Should().Throw<ArgumentException>().WithMessage(
            "images must be at least 150 pixels high and wide for the geometry \"centre crop 150×150, resized to 64×64\", but they are 100 high and 200 wide. Choose a smaller crop, or another geometry.*");
    }

    [Fact]
    public void Apply_NotAlignedCelebA_IsRefusedByTheDiffusionCrop()
    {
        using Tensor square = zeros(1, 3, 256, 256);
        var act = () => ImageGeometry.CelebADiffusionCrop(64).Apply(square);
        act.Should().Throw<ArgumentException>().WithMessage(
            "images must be aligned CelebA pictures, 218 high and 178 wide, for the geometry \"CelebA rows 57–184, columns 25–152, resized to 64×64\", but they are 256 high and 256 wide. Choose another geometry.*");
    }

    [Fact]
    public void Apply_PixelsOutOfRange_AreRefused()
    {
        using Tensor bytes = full(1, 3, 8, 8, 255f);
        var act = () => ImageGeometry.Squash(4).Apply(bytes);
        act.Should().Throw<ArgumentException>().WithMessage("images must hold pixels in [0, 1], but image 0 holds values from 255 to 255.*");
    }

    [Fact]
    public void Sizes_MustBePositive()
    {
        ((Action)(() => ImageGeometry.Squash(0))).Should().Throw<ArgumentOutOfRangeException>().WithMessage("size must be positive, but it is 0.*");
        ((Action)(() => ImageGeometry.ResizeThenCentreCrop(-1))).Should().Throw<ArgumentOutOfRangeException>().WithMessage("size must be positive, but it is -1.*");
        ((Action)(() => ImageGeometry.CentreCropThenResize(0, 4))).Should().Throw<ArgumentOutOfRangeException>().WithMessage("crop must be positive, but it is 0.*");
        ((Action)(() => ImageGeometry.CelebADiffusionCrop(0))).Should().Throw<ArgumentOutOfRangeException>().WithMessage("size must be positive, but it is 0.*");
    }

    [Fact]
    public void ToString_SaysTheGeometry()
    {
        ImageGeometry.CelebADefault.ToString().Should().Be("squash 64×64");
        ImageGeometry.ResizeThenCentreCrop(64).ToString().Should().Be("shorter side to 64, centre crop 64×64");
        ImageGeometry.CentreCropThenResize(160, 64).ToString().Should().Be("centre crop 160×160, resized to 64×64");
        ImageGeometry.CelebADiffusionCrop(64).ToString().Should().Be("CelebA rows 57–184, columns 25–152, resized to 64×64");
    }

    [Fact]
    public void Equality_IsByRuleAndSizes()
    {
        ImageGeometry.Squash(64).Should().Be(ImageGeometry.CelebADefault);
        ImageGeometry.Squash(64).Should().NotBe(ImageGeometry.ResizeThenCentreCrop(64));
        ImageGeometry.CentreCropThenResize(150, 64).Should().NotBe(ImageGeometry.CentreCropThenResize(160, 64));
    }

    private static void Same(Tensor actual, Tensor expected)
    {
        actual.shape.Should().Equal(expected.shape);
        actual.eq(expected).all().ToBoolean().Should().BeTrue();
    }
}
