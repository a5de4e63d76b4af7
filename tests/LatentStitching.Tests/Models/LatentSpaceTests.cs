using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

[NoTensorLeaks]
public sealed class LatentSpaceTests
{
    private static LatentSpace Space() => LatentSpace.Of(("a", [2, 3]), ("b", [4]));

    [Fact]
    public void Of_GlowScales_LaysLevelsOneAfterTheOther()
    {
        var space = LatentSpace.Of(("z1", [6, 32, 32]), ("z2", [12, 16, 16]), ("z3", [24, 8, 8]), ("z4", [96, 4, 4]));
        space.Dimension.Should().Be(12288);
        space.Levels.Select(level => level.Offset).Should().Equal(0, 6144, 9216, 10752);
        space.Level("z3").Should().BeSameAs(space.Levels[2]);
        space.Levels[3].ToString().Should().Be("z4 [96, 4, 4]");
    }

    [Fact]
    public void Vector_IsOneLevelNamedZ()
    {
        var space = LatentSpace.Vector(512);
        space.Levels.Should().ContainSingle().Which.Should().Match<LatentLevel>(level => level.Name == "z" && level.Offset == 0 && level.Dimension == 512);
        space.ToString().Should().Be("512 (z [512])");
    }

    [Fact]
    public void Of_ShapeChangedAfterwards_KeepsItsOwn()
    {
        long[] shape = [2, 3];
        var space = LatentSpace.Of(("a", shape));
        shape[0] = 7;
        space.Levels[0].Shape.Should().Equal(2, 3);
        space.Dimension.Should().Be(6);
    }

    [Fact]
    public void Slice_ThenJoin_ReturnsTheBatch()
    {
        LatentSpace space = Space();
        using var scope = NewDisposeScope();
        Tensor latents = arange(20, dtype: ScalarType.Float32).reshape(2, 10);
        Tensor a = space.Slice(latents, "a");
        Tensor b = space.Slice(latents, "b");
        a.shape.Should().Equal(2, 2, 3);
        a[1, 1, 0].ToDouble().Should().Be(13);
        b.data<float>().ToArray().Should().Equal(6, 7, 8, 9, 16, 17, 18, 19);
        space.Join(a, b).eq(latents).all().ToBoolean().Should().BeTrue();
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.Float64)]
    public void SliceAndJoin_GiveFreshTensorsOfTheInputsType(ScalarType dtype)
    {
        var space = LatentSpace.Vector(3);
        using var scope = NewDisposeScope();
        Tensor latents = ones(2, 3, dtype);
        Tensor slice = space.Slice(latents, "z");
        Tensor joined = space.Join(latents);
        slice.dtype.Should().Be(dtype);
        joined.dtype.Should().Be(dtype);
        slice.zero_();
        joined.zero_();
        latents.sum().ToDouble().Should().Be(6);
    }

    [Fact]
    public void SliceAndJoin_WithoutAScope_LeaveOnlyTheirResults()
    {
        using Tensor latents = zeros(2, 10);
        long before = NoTensorLeaksAttribute.Live();
        using Tensor a = Space().Slice(latents, "a");
        using Tensor b = Space().Slice(latents, "b");
        using Tensor joined = Space().Join(a, b);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(3);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    public void Vector_NotPositive_Throws(long dimension)
    {
        Action act = () => LatentSpace.Vector(dimension);
        act.ShouldRefuse("dimension", $"dimension must be positive, but it is {dimension}.");
        act.Should().Throw<ArgumentOutOfRangeException>();
    }

    [Fact]
    public void Of_BadLevels_ThrowsSayingWhich()
    {
        Refuses(() => LatentSpace.Of(), "levels", "levels must hold at least one level, but it is empty.");
        Refuses(() => LatentSpace.Of(("a", [2]), ("b", [1]), ("a", [3])), "levels", "levels must have different names, but 'a' comes twice.");
        Refuses(() => LatentSpace.Of((" ", [2])), "name", "name must not be blank.");
        Refuses(() => LatentSpace.Of(("a", [])), "shape", "shape must have at least one dimension, but level 'a' has none.");
        Refuses(() => LatentSpace.Of(("a", [2, 0, 3])), "shape", "shape must be positive, but level 'a' has [2, 0, 3].");
        Action nothing = () => LatentSpace.Of(null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("levels");
        Action noShape = () => LatentSpace.Of(("a", null!));
        noShape.Should().Throw<ArgumentNullException>().WithParameterName("shape");
    }

    [Fact]
    public void Level_UnknownName_ThrowsNamingThoseThereAre() =>
        Refuses(() => Space().Level("c"), "name", "name must be one of the levels a, b, but it is 'c'.");

    [Fact]
    public void Slice_BadBatch_ThrowsNamingItsShape()
    {
        using var scope = NewDisposeScope();
        Refuses(() => Space().Slice(zeros(2, 9), "a"), "latents", "latents must have 10 columns, but its shape is [2, 9].");
        Refuses(() => Space().Slice(zeros(2, 5, 2), "a"), "latents", "latents must be a matrix [n, d], but its shape is [2, 5, 2]. Flatten each sample: tensor.reshape(n, -1).");
        Refuses(() => Space().Slice(zeros(2, 10), "c"), "name", "name must be one of the levels a, b, but it is 'c'.");
    }

    [Fact]
    public void Join_MisfittingTensors_ThrowsNamingBothShapes()
    {
        using var scope = NewDisposeScope();
        Tensor a = zeros(2, 2, 3), b = zeros(2, 4);
        Refuses(() => Space().Join(a), "levels", "levels must hold 2 tensors, one a level, but it holds 1.");
        Refuses(() => Space().Join(a, zeros(2, 5)), "levels", "levels must fit the space, but tensor 1 is [2, 5] where level b [4] needs [2, 4].");
        Refuses(() => Space().Join(a, zeros(3, 4)), "levels", "levels must fit the space, but tensor 1 is [3, 4] where level b [4] needs [2, 4].");
        Refuses(() => Space().Join(zeros(2, 6), b), "levels", "levels must fit the space, but tensor 0 is [2, 6] where level a [2, 3] needs [2, 2, 3].");
        Refuses(() => Space().Join(zeros([]), b), "levels", "levels must fit the space, but tensor 0 is [] where level a [2, 3] needs [n, 2, 3].");
        Action missing = () => Space().Join(a, null!);
        missing.Should().Throw<ArgumentNullException>().WithParameterName("levels");
    }

    private static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
}
