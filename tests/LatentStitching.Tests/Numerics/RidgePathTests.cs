using LatentStitching.Numerics;
using LatentStitching.Tests.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

/// <summary>Errors summed over all targets without residuals are those of the residuals.</summary>
[NoTensorLeaks]
public sealed class RidgePathTests
{
    [Theory]
    [InlineData(50, 7, 30, true)]
    [InlineData(50, 7, 30, false)]
    [InlineData(12, 30, 40, true)]
    [InlineData(12, 30, 40, false)]
    [InlineData(300, 20, 5, true)]
    public void Totals_AreTheSummedErrors(long rows, long columns, long targets, bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(rows, columns, 1).mul(logspace(0, -5, columns, dtype: ScalarType.Float64)), noise = Draws.Matrix(rows, targets, 2);
        // From mere noise to a target that is almost the source's image, where the residuals are a small difference of large numbers.
        foreach (double share in (double[])[1, 1e-6])
        {
            CentredMatrix source = CentredMatrix.Of(x, intercept), target = CentredMatrix.Of(x.mm(Draws.Matrix(columns, targets, 3)).add(noise.mul(share)), intercept);
            var path = RidgePath.Of(source, target, intercept, CancellationToken.None);
            foreach (double alpha in (double[])[path.IsDetermined ? 0 : 1e-9, 1e-6, 1e-2, 10, 1e4])
            {
                Tensor expected = path.Errors(alpha).sum([1]), actual = path.Totals(alpha).squeeze(1);
                actual.div(expected).sub(1).abs().max().ToDouble().Should().BeLessThan(1e-9, $"alpha {alpha}, share {share}");
            }
        }
    }

    [Fact]
    public void TotalsAreCheaper_WhereTargetsAreWide()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(60, 6, 1);
        RidgePath Path(long targets) => RidgePath.Of(CentredMatrix.Of(x, true), CentredMatrix.Of(Draws.Matrix(60, targets, 2), true), true, CancellationToken.None);
        Path(100).TotalsAreCheaper(20).Should().BeTrue();
        Path(2).TotalsAreCheaper(20).Should().BeFalse();
        Path(100).TotalsAreCheaper(1).Should().BeFalse();
    }
}
