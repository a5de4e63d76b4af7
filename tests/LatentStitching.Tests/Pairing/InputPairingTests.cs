using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Pairing;

[NoTensorLeaks]
public sealed class InputPairingTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(10)]
    [InlineData(256)]
    public void Pair_AnyBatchSize_EncodesEveryImageOnceInOrder(int batch)
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        TensorImages images = Toy.Images(10);
        Steps<PairingProgress> steps = new();
        using LatentPairs pairs = new InputPairing(images) { BatchSize = batch }.Pair(source, target, steps);
        using var scope = NewDisposeScope();
        Tensor all = images.LoadAll();
        pairs.Source.ShouldBeCloseTo(source.Encode(all), 1e-6);
        pairs.Target.ShouldBeCloseTo(target.Encode(all), 1e-6);
        pairs.Ids.Should().Equal(images.Ids);
        steps.All.Select(step => step.Done).Should().Equal(Enumerable.Range(1, (10 + batch - 1) / batch).Select(i => (long)Math.Min(10, i * batch)));
        steps.All.Should().OnlyContain(step => step.Total == 10);
    }

    [Fact]
    public void Pair_WithoutAScope_LeavesOnlyThePairs()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        long before = NoTensorLeaksAttribute.Live();
        using LatentPairs pairs = new InputPairing(Toy.Images(10)) { BatchSize = 3 }.Pair(source, target);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
    }

    [Fact]
    public void Pair_CancelledMidway_ThrowsAndLeavesNoTensor()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1), target = Toy.Linear("t", 2);
        using CancellationTokenSource cancel = new();
        Steps<PairingProgress> steps = new(cancel.Cancel);
        Action act = () => new InputPairing(Toy.Images(10)) { BatchSize = 3 }.Pair(source, target, steps, cancel.Token);
        act.Should().Throw<OperationCanceledException>();
        steps.All.Should().ContainSingle().Which.Done.Should().Be(3);
    }

    [Fact]
    public void Pair_AModelThrows_LeavesNoTensor()
    {
        using DelegateLatentModel source = Toy.Linear("s", 1);
        using DelegateLatentModel target = LatentModel.FromFunctions("t", Toy.Format, LatentSpace.Vector(6), _ => throw new TimeoutException("no network"), latents => latents);
        Action act = () => new InputPairing(Toy.Images(10)).Pair(source, target);
        act.ShouldSay<TimeoutException>("no network");
    }

    [Fact]
    public void Pair_OtherFormat_ThrowsNamingTheModelAndTheCure()
    {
        using DelegateLatentModel toy = Toy.Linear("toy", 1);
        using DelegateLatentModel large = LatentModel.FromFunctions("large", ImageFormat.Rgb(8), LatentSpace.Vector(6), x => x, z => z);
        InputPairing pairing = new(Toy.Images(3));
        Action source = () => pairing.Pair(large, toy);
        source.ShouldRefuse("source", "source must take the images it is given, but large takes 3×8×8 and toy gives 1×2×3. Wrap the model: model.WithImage(images.Image).");
        Action target = () => pairing.Pair(toy, large);
        target.ShouldRefuse("target", "target must take the images it is given, but large takes 3×8×8 and toy gives 1×2×3. Wrap the model: model.WithImage(images.Image).");
    }

    [Fact]
    public void Arguments_Missing_Throws()
    {
        using DelegateLatentModel toy = Toy.Linear("toy", 1);
        Action images = () => _ = new InputPairing(null!);
        images.Should().Throw<ArgumentNullException>().WithParameterName("images");
        Action source = () => new InputPairing(Toy.Images(3)).Pair(null!, toy);
        source.Should().Throw<ArgumentNullException>().WithParameterName("source");
        Action target = () => new InputPairing(Toy.Images(3)).Pair(toy, null!);
        target.Should().Throw<ArgumentNullException>().WithParameterName("target");
        Action batch = () => _ = new InputPairing(Toy.Images(3)) { BatchSize = 0 };
        batch.ShouldRefuse("BatchSize", "BatchSize must be positive, but it is 0.");
    }

    [Fact]
    public void Constructor_SourceWithoutImages_Throws()
    {
        Action act = () => _ = new InputPairing(new TensorImages("nobody", [], Toy.Format));
        act.ShouldRefuse("images", "images must hold at least one image, but nobody is empty.");
    }
}
