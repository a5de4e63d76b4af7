using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Pairing;

[NoTensorLeaks]
public sealed class PriorPairingTests
{
    private static DelegateLatentModel With(string name, ulong seed) => Toy.Linear(name, seed, prior: true);

    private static DelegateLatentModel Without(string name, ulong seed) => Toy.Linear(name, seed);

    [Theory]
    [InlineData(PriorSide.Auto, true, true, true)]
    [InlineData(PriorSide.Auto, false, true, true)]
    [InlineData(PriorSide.Auto, true, false, false)]
    [InlineData(PriorSide.Source, true, true, false)]
    [InlineData(PriorSide.Target, true, true, true)]
    public void Pair_SamplesTheSideAskedFor_AndEncodesWhatItDecodes(PriorSide from, bool sourceHas, bool targetHas, bool expectTarget)
    {
        using DelegateLatentModel source = sourceHas ? With("s", 1) : Without("s", 1), target = targetHas ? With("t", 2) : Without("t", 2);
        PriorPairing pairing = new() { Count = 30, Seed = 9, From = from, BatchSize = 7 };
        Steps<PairingProgress> steps = new();
        using LatentPairs pairs = pairing.Pair(source, target, steps);
        using var scope = NewDisposeScope();
        DelegateLatentModel drawn = expectTarget ? target : source, other = expectTarget ? source : target;
        Tensor latents = drawn.Sample(30, 9);
        Tensor encoded = other.Encode(drawn.Decode(latents));
        (expectTarget ? pairs.Target : pairs.Source).ShouldBeCloseTo(latents, 0);
        (expectTarget ? pairs.Source : pairs.Target).ShouldBeCloseTo(encoded, 1e-5);
        pairs.Ids.Should().BeNull();
        steps.All.Select(step => step.Done).Should().Equal(7, 14, 21, 28, 30);
        steps.All.Should().OnlyContain(step => step.Total == 30);
    }

    [Theory]
    [InlineData(6, 1000)]
    [InlineData(300, 1200)]
    [InlineData(6000, 20000)]
    public void Pair_NoCount_IsFourTimesTheSourcesWidthWithinLimits(int width, long expected)
    {
        using DelegateLatentModel source = LatentModel.FromFunctions("s", new ImageFormat(1, 1, 1), LatentSpace.Vector(width), images => images.flatten(1).expand(-1, width), latents => latents.narrow(1, 0, 1).reshape(-1, 1, 1, 1));
        using DelegateLatentModel target = LatentModel.FromFunctions(
            "t", new ImageFormat(1, 1, 1), LatentSpace.Vector(1), images => images.flatten(1), latents => latents.reshape(-1, 1, 1, 1), (count, generator) => rand([count, 1], generator: generator));
        using CancellationTokenSource cancel = new();
        // The first report tells the count; the widest would fill half a gigabyte.
        Steps<PairingProgress> first = new(cancel.Cancel);
        Action act = () => new PriorPairing().Pair(source, target, first, cancel.Token);
        act.Should().Throw<OperationCanceledException>();
        first.All.Should().ContainSingle().Which.Should().Match<PairingProgress>(step => step.Total == expected && step.Done == 256);
    }

    [Fact]
    public void Pair_SameSeed_GivesTheSameBytes_AnotherOthers()
    {
        using DelegateLatentModel source = Without("s", 1), target = With("t", 2);
        using LatentPairs a = new PriorPairing { Count = 20, Seed = 1 }.Pair(source, target);
        using LatentPairs b = new PriorPairing { Count = 20, Seed = 1 }.Pair(source, target);
        using LatentPairs c = new PriorPairing { Count = 20, Seed = 2 }.Pair(source, target);
        a.Source.bytes.SequenceEqual(b.Source.bytes).Should().BeTrue();
        a.Target.bytes.SequenceEqual(b.Target.bytes).Should().BeTrue();
        a.Target.bytes.SequenceEqual(c.Target.bytes).Should().BeFalse();
    }

    [Fact]
    public void Pair_WithoutAScope_LeavesOnlyThePairs()
    {
        using DelegateLatentModel source = Without("s", 1), target = With("t", 2);
        long before = NoTensorLeaksAttribute.Live();
        using LatentPairs pairs = new PriorPairing { Count = 20, BatchSize = 8 }.Pair(source, target);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
    }

    [Fact]
    public void Pair_CancelledMidway_ThrowsAndLeavesNoTensor()
    {
        using DelegateLatentModel source = Without("s", 1), target = With("t", 2);
        using CancellationTokenSource cancel = new();
        Steps<PairingProgress> steps = new(cancel.Cancel);
        Action act = () => new PriorPairing { Count = 20, BatchSize = 8 }.Pair(source, target, steps, cancel.Token);
        act.Should().Throw<OperationCanceledException>();
        steps.All.Should().ContainSingle();
    }

    [Fact]
    public void Pair_NoPrior_SaysWhatToPass()
    {
        using DelegateLatentModel source = Without("left", 1), target = Without("right", 2), drawn = With("drawn", 3);
        Action neither = () => new PriorPairing().Pair(source, target);
        neither.ShouldRefuse(
            "source", "source or target must have a prior, but neither left nor right has one. Pass images: new StitchOptions { Pairing = new InputPairing(images) }.");
        Action noSource = () => new PriorPairing { From = PriorSide.Source }.Pair(source, drawn);
        noSource.ShouldRefuse("source", "source must have a prior, but left has none. Sample the other side, or pass images.");
        Action noTarget = () => new PriorPairing { From = PriorSide.Target }.Pair(drawn, target);
        noTarget.ShouldRefuse("target", "target must have a prior, but right has none. Sample the other side, or pass images.");
    }

    [Theory]
    [InlineData(29, 6)]
    [InlineData(31, 6)]
    [InlineData(30, 5)]
    public void Pair_PriorGivesAnotherShape_ThrowsNamingBoth(int rows, int columns)
    {
        using DelegateLatentModel source = Without("s", 1);
        using WrongPrior target = new(rows, columns);
        Action act = () => new PriorPairing { Count = 30 }.Pair(source, target);
        act.ShouldSay<InvalidOperationException>($"The prior of wrong must return [30, 6], but it returned [{rows}, {columns}].");
    }

    [Fact]
    public void Pair_OtherFormats_ThrowsNamingBoth()
    {
        using DelegateLatentModel toy = With("toy", 1);
        using DelegateLatentModel large = LatentModel.FromFunctions("large", ImageFormat.Rgb(8), LatentSpace.Vector(6), x => x, z => z);
        Action act = () => new PriorPairing().Pair(toy, large);
        act.ShouldRefuse("target", "target must take the images of source, but large takes 3×8×8 and toy takes 1×2×3. Wrap one: model.WithImage(format).");
    }

    [Fact]
    public void Options_OutOfRange_Throws()
    {
        Action count = () => _ = new PriorPairing { Count = 0 };
        count.ShouldRefuse("Count", "Count must be positive, but it is 0.");
        Action batch = () => _ = new PriorPairing { BatchSize = -1 };
        batch.ShouldRefuse("BatchSize", "BatchSize must be positive, but it is -1.");
        new PriorPairing { Count = null }.Count.Should().BeNull();
        using DelegateLatentModel toy = With("toy", 1);
        Action source = () => new PriorPairing().Pair(null!, toy);
        source.Should().Throw<ArgumentNullException>().WithParameterName("source");
        Action target = () => new PriorPairing().Pair(toy, null!);
        target.Should().Throw<ArgumentNullException>().WithParameterName("target");
    }

    private sealed class WrongPrior(int rows, int columns) : LatentModel("wrong", Toy.Format, LatentSpace.Vector(6)), ILatentPrior
    {
        public Tensor Sample(long count, ulong seed) => zeros(rows, columns);

        protected override Tensor EncodeCore(Tensor images) => images.flatten(1);

        protected override Tensor DecodeCore(Tensor latents) => latents.reshape(-1, 1, 2, 3);
    }
}
