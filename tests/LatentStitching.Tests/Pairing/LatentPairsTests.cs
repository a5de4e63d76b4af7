using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Pairing;

[NoTensorLeaks]
public sealed class LatentPairsTests
{
    private static LatentPairs Four(bool ids = true) =>
        new(arange(8, dtype: ScalarType.Float32).reshape(4, 2), arange(12, dtype: ScalarType.Float64).reshape(4, 3), ids ? ["a", "b", "c", "d"] : null);

    [Fact]
    public void Constructor_KnowsItsSizes()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = Four();
        (pairs.Count, pairs.SourceDimension, pairs.TargetDimension).Should().Be((4, 2, 3));
        pairs.Ids.Should().Equal("a", "b", "c", "d");
        pairs.ToString().Should().Be("4 pairs, 2 → 3");
        pairs.Source.dtype.Should().Be(ScalarType.Float32);
        pairs.Target.dtype.Should().Be(ScalarType.Float64);
    }

    [Fact]
    public void Constructor_InsideAScope_ThePairsOutliveItAndTheCallersHandles()
    {
        LatentPairs pairs;
        using (NewDisposeScope())
        {
            Tensor source = ones(4, 2), target = ones(4, 3);
            pairs = new LatentPairs(source, target);
            source.Dispose();
            target.IsInvalid.Should().BeFalse();
        }
        pairs.Source.shape.Should().Equal(4, 2);
        pairs.Target.shape.Should().Equal(4, 3);
        pairs.Dispose();
    }

    [Fact]
    public void Constructor_WithoutAScope_KeepsTwoHandlesAndLeavesTheArguments()
    {
        using Tensor source = ones(4, 2), target = ones(4, 3);
        long before = NoTensorLeaksAttribute.Live();
        using (LatentPairs pairs = new(source, target)) (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(0);
        source.IsInvalid.Should().BeFalse();
    }

    [Fact]
    public void Constructor_LatentsWithGradients_ArePairedWithout()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(ones([4, 2], requires_grad: true), ones(4, 3));
        pairs.Source.requires_grad.Should().BeFalse();
    }

    [Fact]
    public void Constructor_IdsChangedAfterwards_KeepsItsOwn()
    {
        using var scope = NewDisposeScope();
        string[] ids = ["a", "b"];
        using LatentPairs pairs = new(ones(2, 1), ones(2, 1), ids);
        ids[0] = "z";
        pairs.Ids.Should().Equal("a", "b");
    }

    [Fact]
    public void Constructor_OtherRowCount_ThrowsNamingBothShapes()
    {
        using var scope = NewDisposeScope();
        Refuses(
            ones(5, 3), ones(4, 2), "target", "target must hold as many rows as source, but the shapes are [4, 2] and [5, 3]. Row i of both must come from the same input.");
    }

    [Fact]
    public void Constructor_OtherDevice_ThrowsNamingBoth()
    {
        using var scope = NewDisposeScope();
        // A device without numbers, which every machine has.
        Refuses(zeros([4, 2], device: META), ones(4, 3), "target", "target must be on the device of source, but the devices are cpu and meta. Move one with .to(device).");
    }

    [Fact]
    public void Constructor_NotAMatrixOfNumbers_Throws()
    {
        using var scope = NewDisposeScope();
        Tensor good = ones(4, 2);
        foreach (bool first in (bool[])[true, false])
        {
            string name = first ? "source" : "target";
            Bad(ones(4, 2, 2), $"{name} must be a matrix [n, d], but its shape is [4, 2, 2]. Flatten each sample: tensor.reshape(n, -1).");
            Bad(ones(4), $"{name} must be a matrix [n, d], but its shape is [4]. Flatten each sample: tensor.reshape(n, -1).");
            Bad(ones(4, 2, ScalarType.Int32), $"{name} must be floating point, but its dtype is Int32. Convert it: tensor.to_type(ScalarType.Float32).");
            Bad(ones(4, 2, ScalarType.Bool), $"{name} must be floating point, but its dtype is Bool. Convert it: tensor.to_type(ScalarType.Float32).");
            Bad(ones(0, 2), $"{name} must hold at least one row, but its shape is [0, 2].");
            Bad(ones(4, 0), $"{name} must hold at least one column, but its shape is [4, 0].");
            Tensor holed = ones(4, 2);
            holed[2, 1] = float.NaN;
            holed[3, 0] = float.NaN;
            Bad(holed, $"{name} must be finite, but 2 of its entries are NaN or infinite, the first in row 2.");
            Tensor endless = ones(4, 2);
            endless[1, 0] = float.NegativeInfinity;
            Bad(endless, $"{name} must be finite, but 1 of its entries are NaN or infinite, the first in row 1.");
            Action nothing = () => _ = first ? new LatentPairs(null!, good) : new LatentPairs(good, null!);
            nothing.Should().Throw<ArgumentNullException>().WithParameterName(name);
            Tensor gone = ones(4, 2);
            gone.Dispose();
            Action dead = () => _ = first ? new LatentPairs(gone, good) : new LatentPairs(good, gone);
            dead.Should().Throw<ObjectDisposedException>().WithMessage($"{name} must be a live tensor, but it has been disposed.*");

            void Bad(Tensor latents, string text) => Refuses(first ? good : latents, first ? latents : good, name, text);
        }
    }

    [Fact]
    public void Constructor_BadIds_Throws()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(3, 2);
        Action few = () => _ = new LatentPairs(x, x, ["a", "b"]);
        few.ShouldRefuse("ids", "ids must hold one id a row, but there are 2 ids and 3 rows.");
        Action twice = () => _ = new LatentPairs(x, x, ["a", "b", "a"]);
        twice.ShouldRefuse("ids", "ids must differ, but 'a' comes twice.");
        using LatentPairs cased = new(x, x, ["a", "A", "b"]);
        cased.Ids.Should().HaveCount(3);
    }

    [Fact]
    public void Aligned_IdsOfBothSides_MustAgreeRowByRow()
    {
        using var scope = NewDisposeScope();
        Tensor x = ones(3, 2);
        using LatentPairs pairs = LatentPairs.Aligned(x, ["a", "b", "c"], x, ["a", "b", "c"]);
        pairs.Ids.Should().Equal("a", "b", "c");
        Action shifted = () => _ = LatentPairs.Aligned(x, ["a", "b", "c"], x, ["a", "c", "b"]);
        shifted.ShouldRefuse("targetIds", "targetIds must be sourceIds, row by row, but row 1 is 'b' in the source and 'c' in the target. Bring both sides into one order by their ids.");
        Action fewer = () => _ = LatentPairs.Aligned(x, ["a", "b", "c"], x, ["a", "b"]);
        fewer.ShouldRefuse("targetIds", "targetIds must name as many rows as sourceIds, but they name 2 and 3. Leave out the rows that only one side has.");
        Action brief = () => _ = LatentPairs.Aligned(x, ["a", "b"], x, ["a", "b"]);
        brief.ShouldRefuse("ids", "ids must hold one id a row, but there are 2 ids and 3 rows.");
        Action nothing = () => _ = LatentPairs.Aligned(x, null!, x, ["a", "b", "c"]);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("sourceIds");
        Action none = () => _ = LatentPairs.Aligned(x, ["a", "b", "c"], x, null!);
        none.Should().Throw<ArgumentNullException>().WithParameterName("targetIds");
    }

    [Fact]
    public void Select_MovesBothSidesAndTheIdsAsOne()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = Four();
        using LatentPairs selected = pairs.Select([3, 0]);
        selected.Source.data<float>().ToArray().Should().Equal(6, 7, 0, 1);
        selected.Target.data<double>().ToArray().Should().Equal(9, 10, 11, 0, 1, 2);
        selected.Ids.Should().Equal("d", "a");
        pairs.Count.Should().Be(4);
    }

    [Fact]
    public void Select_WithoutAScope_LeavesOnlyTheNewPairs_WhichOutliveTheOld()
    {
        LatentPairs pairs;
        using (NewDisposeScope()) pairs = Four();
        long before = NoTensorLeaksAttribute.Live();
        using LatentPairs selected = pairs.Select([1]);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        pairs.Dispose();
        selected.Source.data<float>().ToArray().Should().Equal(2, 3);
    }

    [Fact]
    public void Select_BadRows_Throws()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = Four(), nameless = Four(ids: false);
        Action none = () => pairs.Select([]);
        none.ShouldRefuse("rows", "rows must hold at least one row, but it is empty.");
        Action outside = () => pairs.Select([0, 4]);
        outside.ShouldRefuse("rows", "rows must lie from 0 to 3, but entry 1 is 4.");
        outside.Should().Throw<ArgumentOutOfRangeException>();
        Action negative = () => pairs.Select([-1]);
        negative.ShouldRefuse("rows", "rows must lie from 0 to 3, but entry 0 is -1.");
        Action twice = () => pairs.Select([2, 2]);
        twice.ShouldRefuse("ids", "ids must differ, but 'c' comes twice.");
        Action nothing = () => pairs.Select(null!);
        nothing.Should().Throw<ArgumentNullException>().WithParameterName("rows");
        using LatentPairs repeated = nameless.Select([2, 2]);
        repeated.Source.data<float>().ToArray().Should().Equal(4, 5, 4, 5);
        repeated.Ids.Should().BeNull();
    }

    [Fact]
    public void Swap_ExchangesTheSidesAndOutlivesThem()
    {
        using var scope = NewDisposeScope();
        LatentPairs pairs = Four();
        using LatentPairs swapped = pairs.Swap();
        pairs.Dispose();
        (swapped.SourceDimension, swapped.TargetDimension).Should().Be((3, 2));
        swapped.Source.data<double>().ToArray().Should().Equal(Enumerable.Range(0, 12).Select(i => (double)i));
        swapped.Ids.Should().Equal("a", "b", "c", "d");
    }

    [Fact]
    public void Disposed_RefusesUse_AndDisposesTwice()
    {
        using var scope = NewDisposeScope();
        LatentPairs pairs = Four();
        pairs.Dispose();
        pairs.Dispose();
        foreach (Action act in (Action[])[() => _ = pairs.Source, () => _ = pairs.Target, () => _ = pairs.Count, () => pairs.Select([0]), () => pairs.Swap()])
        {
            act.Should().Throw<ObjectDisposedException>();
        }
        pairs.Ids.Should().HaveCount(4);
    }

    private static void Refuses(Tensor target, Tensor source, string parameter, string text)
    {
        Action act = () => _ = new LatentPairs(source, target);
        act.ShouldRefuse(parameter, text);
    }
}
