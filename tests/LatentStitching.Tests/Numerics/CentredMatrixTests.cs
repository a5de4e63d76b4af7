using LatentStitching.Numerics;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

/// <summary>The blocked float64 view against the same products written out.</summary>
[NoTensorLeaks]
public sealed class CentredMatrixTests
{
    // Wide enough that the buffer holds fewer rows than there are, in both ways that products are cut.
    [Theory]
    [InlineData(500, 20000, true)]
    [InlineData(500, 20000, false)]
    [InlineData(5000, 3, true)]
    public void Products_MoreRowsThanTheBuffer_AreThoseOfTheWhole(long rows, long columns, bool centre)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor values = randn([rows, columns], ScalarType.Float32, generator: generator).add(7), targets = randn([rows, 2], ScalarType.Float32, generator: generator);
        var x = CentredMatrix.Of(values, centre);
        var y = CentredMatrix.Of(targets, centre);
        x.BlockRows.Should().BeLessThan(rows);
        Tensor wide = values.to_type(ScalarType.Float64), whole = centre ? wide - wide.mean([0]) : wide;
        Tensor other = targets.to_type(ScalarType.Float64), wholeTargets = centre ? other - other.mean([0]) : other;
        x.Whole().ShouldBeCloseTo(whole, 1e-14);
        x.Block(0, rows).ShouldBeCloseTo(whole, 1e-14, "a block larger than the buffer has memory of its own");
        x.Block(3, 100).ShouldBeCloseTo(whole.narrow(0, 3, 100), 1e-14);
        x.TransposeTimes(y).ShouldBeCloseTo(whole.t().mm(wholeTargets), 1e-12);
        x.Times(whole.narrow(0, 0, 2).t()).ShouldBeCloseTo(whole.mm(whole.narrow(0, 0, 2).t()), 1e-12);
        x.Times(whole.narrow(0, 0, 60).t()).ShouldBeCloseTo(whole.mm(whole.narrow(0, 0, 60).t()), 1e-12);
        y.SumOfSquares().Should().BeApproximately(wholeTargets.square().sum().ToDouble(), 1e-9);
        x.SumOfSquares().Should().BeApproximately(whole.square().sum().ToDouble(), 1e-12 * whole.square().sum().ToDouble());
        if (columns < 100) x.Gram().ShouldBeCloseTo(whole.t().mm(whole), 1e-12);
        else x.Kernel().ShouldBeCloseTo(whole.mm(whole.t()), 1e-12);
    }

    [Fact]
    public void FastProducts_OfSeveralTiles_AreThoseOfTheWholeToSevenDigits()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(1);
        Tensor values = randn([2500, 130], ScalarType.Float32, generator: generator).add(3), targets = randn([2500, 1500], ScalarType.Float32, generator: generator).add(1);
        CentredMatrix x = CentredMatrix.Of(values, centre: true, fast: true), y = CentredMatrix.Of(targets, centre: true, fast: true);
        Tensor gram = x.Gram(), cross = x.TransposeTimes(y);
        double squares = y.SumOfSquares();
        Tensor wide = values.to_type(ScalarType.Float64), whole = wide - wide.mean([0]), other = targets.to_type(ScalarType.Float64), wholeTargets = other - other.mean([0]);
        (cross - whole.t().mm(wholeTargets)).norm().ToDouble().Should().BeLessThan(1e-6 * whole.norm().ToDouble() * wholeTargets.norm().ToDouble() / 50);
        (gram - whole.t().mm(whole)).norm().ToDouble().Should().BeLessThan(1e-6 * gram.norm().ToDouble());
        squares.Should().BeApproximately(wholeTargets.square().sum().ToDouble(), 1e-5 * squares);
        cross.dtype.Should().Be(ScalarType.Float64);
    }

    [Fact]
    public void Of_ConstantColumn_IsExactlyZero()
    {
        using var scope = NewDisposeScope();
        Tensor values = full([1001, 2], 0.1, ScalarType.Float64);
        CentredMatrix.Of(values, centre: true).Whole().abs().max().ToDouble().Should().Be(0);
    }
}
