using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

[NoTensorLeaks]
public sealed class LatentSpaceTests
{
    [Fact]
    public void Of_GlowScales_LaysLevelsOneAfterTheOther()
    {
        var space = LatentSpace.Of(("z1", [6, 32, 32]), ("z2", [12, 16, 16]), ("z3", [24, 8, 8]), ("z4", [96, 4, 4]));
        space.Dimension.Should().Be(12288);
        space.Levels.Select(level => level.Offset).Should().Equal(0, 6144, 9216, 10752);
    }

    [Fact]
    public void Slice_ThenJoin_ReturnsTheBatch()
    {
        var space = LatentSpace.Of(("a", [2, 3]), ("b", [4]));
        using var scope = NewDisposeScope();
        Tensor latents = arange(20, dtype: ScalarType.Float32).reshape(2, 10);
        Tensor a = space.Slice(latents, "a");
        Tensor b = space.Slice(latents, "b");
        a.shape.Should().Equal(2, 2, 3);
        space.Join(a, b).eq(latents).all().ToBoolean().Should().BeTrue();
    }

    [Fact]
    public void Level_UnknownName_ThrowsNamingThoseThereAre()
    {
        var act = () => LatentSpace.Of(("a", [2]), ("b", [4])).Level("c");
        act.Should().Throw<ArgumentException>().WithMessage("name must be one of the levels a, b, but it is 'c'.*");
    }
}
