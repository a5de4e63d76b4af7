using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Models;

[NoTensorLeaks]
public sealed class LevelModelTests
{
    // Two levels, a [2] and b [2, 2]; the decoder gives the latent back as pixels.
    private static DelegateLatentModel Model() => LatentModel.FromFunctions(
        "levels", new ImageFormat(1, 2, 3), LatentSpace.Of(("a", [2]), ("b", [2, 2])), images => images.flatten(1), latents => latents.reshape(-1, 1, 2, 3));

    [Fact]
    public void At_EncodesTheLevelAlone_AndDecodesWithTheRest()
    {
        using DelegateLatentModel model = Model();
        using var scope = NewDisposeScope();
        Tensor images = rand(3, 1, 2, 3), whole = model.Encode(images);
        ILatentModel b = model.At("b");
        b.Name.Should().Be("levels/b");
        b.Image.Should().Be(model.Image);
        b.Latent.Levels.Should().ContainSingle().Which.Shape.Should().Equal(2, 2);
        Tensor encoded = b.Encode(images);
        encoded.ShouldBeCloseTo(whole.narrow(1, 2, 4), 0);
        b.Decode(encoded).flatten(1).ShouldBeCloseTo(cat([zeros(3, 2), encoded], 1), 0);
        Tensor rest = full([1, 6], 0.25f);
        model.At("a", rest).Decode(encoded.narrow(1, 0, 2)).flatten(1).ShouldBeCloseTo(cat([encoded.narrow(1, 0, 2), full([3, 4], 0.25f)], 1), 0);
        model.At("a", rest[0]).GetService<ILatentPrior>().Should().BeNull();
    }

    [Fact]
    public void At_LeavesNoTensorButItsResult()
    {
        using DelegateLatentModel model = Model();
        using Tensor images = rand(3, 1, 2, 3);
        long before = NoTensorLeaksAttribute.Live();
        using ILatentModel level = model.At("b");
        using Tensor encoded = level.Encode(images);
        using Tensor decoded = level.Decode(encoded);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
    }

    [Fact]
    public void At_BadArguments_AreRefusedInWords()
    {
        using DelegateLatentModel model = Model();
        using var scope = NewDisposeScope();
        Action none = () => model.At("c"), width = () => model.At("a", zeros(1, 5)), infinite = () => model.At("a", full([6], float.NaN)), latents = () => model.At("b").Decode(zeros(2, 3));
        none.ShouldRefuse("level", "level must be one of a, b of levels, but it is 'c'.");
        width.ShouldRefuse("rest", "rest must be one latent [1, 6] of levels, but its shape is [1, 5].");
        infinite.ShouldRefuse("rest", "rest must be finite, but 6 of its entries are NaN or infinite, the first in row 0.");
        latents.ShouldRefuse("latents", "latents must have 4 columns, the latent width of levels/b, but its shape is [2, 3].");
    }
}
