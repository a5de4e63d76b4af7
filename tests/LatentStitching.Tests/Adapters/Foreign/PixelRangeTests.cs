using LatentStitching.Adapters.Foreign;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Foreign;

[NoTensorLeaks]
public sealed class PixelRangeTests
{
    [Fact]
    public void FromUnit_GivesTheRange_AndToUnitUndoesIt()
    {
        using var scope = NewDisposeScope();
        Tensor images = tensor(new float[] { 0, 0.25f, 0.5f, 1, 0, 1 }).reshape(1, 3, 1, 2);
        Gives(PixelRange.Unit, [0, 0.25f, 0.5f, 1, 0, 1]);
        Gives(PixelRange.Symmetric, [-1, -0.5f, 0, 1, -1, 1]);
        Gives(PixelRange.Normalised([0], [1 / 255.0]), [0, 63.75f, 127.5f, 255, 0, 255]);
        Gives(PixelRange.Normalised([0.5, 0.25, 0], [0.5, 0.25, 2]), [-1, -0.5f, 1, 3, 0, 0.5f]);

        void Gives(PixelRange range, float[] expected)
        {
            Tensor there = range.FromUnit(images);
            there.ShouldBeCloseTo(tensor(expected).reshape(1, 3, 1, 2), 1e-7);
            range.ToUnit(there).ShouldBeCloseTo(images, 1e-7);
            there.dtype.Should().Be(ScalarType.Float32);
        }
    }

    [Fact]
    public void FromUnit_LeavesOnlyItsResult()
    {
        using Tensor images = ones(1, 3, 2, 2);
        foreach (PixelRange range in (PixelRange[])[PixelRange.Unit, PixelRange.Symmetric])
        {
            long before = NoTensorLeaksAttribute.Live();
            using Tensor there = range.FromUnit(images), back = range.ToUnit(images);
            (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        }
    }

    [Fact]
    public void BadArguments_AreRefused()
    {
        using var scope = NewDisposeScope();
        PixelRange three = PixelRange.Normalised([0, 0, 0], [1, 1, 1]);
        ((Action)(() => PixelRange.Normalised([], []))).ShouldRefuse("mean", "mean must hold at least one entry, but it is empty. Pass one number, or one a channel.");
        ((Action)(() => PixelRange.Normalised([0, 1], [1]))).ShouldRefuse("deviation", "deviation must hold as many numbers as mean, 2, but it holds 1.");
        ((Action)(() => PixelRange.Normalised([double.NaN], [1]))).ShouldRefuse("mean", "mean must be finite, but it is NaN.");
        ((Action)(() => PixelRange.Normalised([0], [0]))).ShouldRefuse("deviation", "deviation must be positive and finite, but it is 0.");
        ((Action)(() => three.FromUnit(ones(2, 1, 4, 4)))).ShouldRefuse("images", "images must have 3 channels, one a number of the range, but its shape is [2, 1, 4, 4].");
        ((Action)(() => three.ToUnit(ones(2, 3, 4)))).ShouldRefuse("images", "images must be an image batch [n, c, h, w], but its shape is [2, 3, 4].");
        ((Action)(() => three.ToUnit(ones([1, 3, 1, 1], ScalarType.Int32)))).ShouldRefuse("images", "images must be floating point, but its dtype is Int32.");
    }
}
