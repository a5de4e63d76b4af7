using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

[NoTensorLeaks]
public sealed class ImageFormatTests
{
    [Fact]
    public void Formats_SayTheirSizes()
    {
        ImageFormat format = new(3, 218, 178);
        format.PixelCount.Should().Be(3 * 218 * 178);
        format.ToString().Should().Be("3×218×178");
        ImageFormat.Rgb(64).Should().Be(new ImageFormat(3, 64, 64));
        ImageFormat.Grey(28).Should().Be(new ImageFormat(1, 28, 28)).And.NotBe(ImageFormat.Rgb(28));
    }

    [Theory]
    [InlineData(0, 4, 4, "channels", 0)]
    [InlineData(3, -1, 4, "height", -1)]
    [InlineData(3, 4, 0, "width", 0)]
    public void Constructor_NotPositive_ThrowsNamingTheSide(long channels, long height, long width, string name, long value)
    {
        Action act = () => _ = new ImageFormat(channels, height, width);
        act.ShouldRefuse(name, $"{name} must be positive, but it is {value}.");
        act.Should().Throw<ArgumentOutOfRangeException>();
    }
}
