using LatentStitching.Numerics;
using LatentStitching.Tests.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

[NoTensorLeaks]
public sealed class ColumnMomentsTests
{
    [Theory]
    [InlineData(1, 1)]
    [InlineData(700, 3)]
    [InlineData(300, 1029)]
    [InlineData(20, 2500)]
    public void MeansAndSquares_AreThoseOfTheColumns_WhateverTheOffset(long rows, long columns)
    {
        using var scope = NewDisposeScope();
        foreach (ScalarType type in (ScalarType[])[ScalarType.Float32, ScalarType.Float64])
        {
            foreach (double offset in (double[])[0, 1000])
            {
                // Rows of a larger matrix.
                Tensor values = Draws.Matrix(rows, columns + 5, 1).add(offset).to_type(type).narrow(1, 2, columns), wide = values.to_type(ScalarType.Float64);
                (Tensor mean, double squares) = ColumnMoments.Of(values);
                ColumnMoments.Serves(values).Should().BeTrue();
                Tensor shifted = wide - wide[0], expected = shifted.mean([0]);
                (mean - wide[0]).ShouldBeCloseTo(expected, offset == 0 ? 1e-13 : 1e-11);
                double total = (shifted - expected).square().sum().ToDouble();
                squares.Should().BeApproximately(total, 1e-12 * total);
            }
        }
    }

    [Fact]
    public void ConstantColumns_AreExact()
    {
        using var scope = NewDisposeScope();
        Tensor values = tensor((float[])[0.1f, 1e7f, -3f]).expand(1000, 3).contiguous();
        (Tensor mean, double squares) = ColumnMoments.Of(values);
        mean.ShouldBeCloseTo(values[0].to_type(ScalarType.Float64), 0);
        squares.Should().Be(0);
    }

    [Fact]
    public void ColumnsInOnePiece_OtherTypesAndOtherDevices_AreNotServed()
    {
        using var scope = NewDisposeScope();
        ColumnMoments.Serves(ones(4, 3).t()).Should().BeFalse();
        ColumnMoments.Serves(ones(4, 3, ScalarType.BFloat16)).Should().BeFalse();
        ColumnMoments.Serves(ones(4, 3, device: META)).Should().BeFalse();
        // Which go by blocks, to the same numbers.
        Tensor turned = Draws.Matrix(3, 40, 1).t();
        CentredMatrix blocks = CentredMatrix.Of(turned, centre: true), rows = CentredMatrix.Of(turned.contiguous(), centre: true);
        blocks.Centre.ShouldBeCloseTo(rows.Centre, 1e-14);
        blocks.SumOfSquares().Should().BeApproximately(rows.SumOfSquares(), 1e-12);
    }
}
