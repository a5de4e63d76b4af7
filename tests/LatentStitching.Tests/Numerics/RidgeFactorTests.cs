using LatentStitching.Numerics;
using LatentStitching.Tests.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Numerics;

[NoTensorLeaks]
public sealed class RidgeFactorTests
{
    [Fact]
    public void SolvesHalvesAndTrace_AreThoseOfTheInverse()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(30, 9, 1).mul(logspace(3, -3, 9, dtype: ScalarType.Float64)), matrix = x.t().mm(x), right = Draws.Matrix(9, 4, 2);
        matrix.diagonal().add_(1e-3);
        Tensor inverse = linalg.inv(matrix);
        RidgeFactor factor = RidgeFactor.Of(matrix.clone())!;
        factor.Solve(right).ShouldBeCloseTo(inverse.mm(right), 1e-9);
        factor.OtherHalf(factor.Half(right)).ShouldBeCloseTo(inverse.mm(right), 1e-9);
        factor.TraceOfInverse().Should().BeApproximately(inverse.trace().ToDouble(), 1e-9 * inverse.trace().ToDouble());
    }

    [Fact]
    public void Of_Indefinite_IsNull()
    {
        using var scope = NewDisposeScope();
        RidgeFactor.Of(tensor((double[])[1, 2, 2, 1]).reshape(2, 2)).Should().BeNull();
        RidgeFactor.Of(zeros(3, 3, ScalarType.Float64)).Should().BeNull();
    }

    [Fact]
    public void ConditionEstimate_IsWithinFivePerCentFromBelow()
    {
        using var scope = NewDisposeScope();
        foreach (double power in (double[])[1, 2])
        {
            Tensor spectrum = arange(1, 301, ScalarType.Float64).pow(-power), basis = Draws.Orthogonal(300, 1);
            RidgeFactor factor = RidgeFactor.Of(basis.mul(spectrum.square()).mm(basis.t()))!;
            (factor.ConditionEstimate() / Math.Pow(300, power)).Should().BeInRange(0.95, 1 + 1e-9);
        }
    }
}
