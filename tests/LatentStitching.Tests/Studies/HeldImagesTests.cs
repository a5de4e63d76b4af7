using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Studies;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

/// <summary>A study reads images once and decodes a target's own latents once, and gives the same numbers where it cannot.</summary>
[NoTensorLeaks]
public sealed class HeldImagesTests
{
    [Fact]
    public void Load_ReadsEachBlockOnce_Whole_AndOnlyWhenItIsAsked()
    {
        TensorImages inner = Toy.Images(10);
        Counted counted = new(inner);
        using HeldImages held = new(counted, 4);
        using var scope = NewDisposeScope();
        counted.Loads.Should().BeEmpty();
        Same([5]);
        Same([9, 4, 9, 7]);
        counted.Loads.Should().Equal("4 5 6 7", "8 9");
        Same([0, 9]);
        Same([.. Enumerable.Range(0, 10)]);
        counted.Loads.Should().Equal("4 5 6 7", "8 9", "0 1 2 3");
        (held.Name, held.Image, held.Preparation).Should().Be((inner.Name, inner.Image, ((IImageSource)inner).Preparation));
        held.Ids.Should().Equal(inner.Ids);
        Action outside = () => held.Load([10]);
        outside.Should().Throw<ArgumentOutOfRangeException>();

        void Same(int[] rows) => held.Load(rows).data<float>().ToArray().Should().Equal(inner.Load(rows).data<float>().ToArray());
    }

    [Fact]
    public void Load_OfASourceThatGivesAnotherShape_IsToldAsTheSourcesFault()
    {
        TensorImages inner = Toy.Images(10);
        using HeldImages held = new(new Counted(inner) { Channels = 2 }, 4);
        using var scope = NewDisposeScope();
        Action act = () => held.Load([0]);
        act.ShouldSay<InvalidOperationException>("Load of toy must return Float32 [4, 1, 2, 3], but it returned Float32 [4, 2, 2, 3].");
    }

    [Theory]
    [InlineData(1L << 20)]
    [InlineData(16 * 24L)]
    [InlineData(0L)]
    public void Run_ReadsAndDecodesNoMoreThanItsMemoryMakesItTo(long memory)
    {
        using TempFolder folder = new();
        ILatentModel[] inner = [Toy.Linear("a", 1), Toy.Linear("b", 2), Toy.Linear("c", 3)];
        int loads = 0, decodes = 0;
        ILatentModel[] models = [.. inner.Select(model => new FragileModel(model, null, () => decodes++))];
        LabelledImages images = new(80) { BeforeLoad = () => loads++ };
        StitchingStudy.Run(StudyToys.Members(models), images, folder.Root, StudyToys.Options with { ImageMemory = memory, Similarities = [], Paths = false, Attributes = [], GaussianDimension = 0, UntrainedControls = [], Examples = 0 }).Failures.Should().BeEmpty();
        // 80 images are five blocks of sixteen, of which the last holds the test images. Beyond them the plan looks at pixels once.
        loads.Should().Be(1 + (memory > 1000 ? 5 : memory > 0 ? (3 * 5) + 1 : (3 * 5) + (9 * 1)));
        // Each target: its mean, its own test images (for each pair again where they are not kept), and for each pair the last image and the block.
        decodes.Should().Be((3 * (1 + 1)) + (6 * 2) + (memory > 0 ? 0 : 6));
        StudyToys.Dispose(inner);
    }

    /// <summary>Tells which rows are read.</summary>
    private sealed class Counted(IImageSource inner) : IImageSource
    {
        public List<string> Loads { get; } = [];

        public int Channels { get; init; } = 1;

        public string Name => inner.Name;

        public ImageFormat Image => inner.Image;

        public IReadOnlyList<string> Ids => inner.Ids;

        public AttributeTable? Attributes => null;

        public Tensor Load(IReadOnlyList<int> indices)
        {
            Loads.Add(string.Join(' ', indices));
            using Tensor read = inner.Load(indices);
            return read.repeat(1, Channels, 1, 1);
        }
    }
}
