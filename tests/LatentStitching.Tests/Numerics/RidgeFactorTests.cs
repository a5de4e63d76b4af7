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

    [Theory]
    [InlineData(9, 4)]
    [InlineData(301, 1100)]
    public void Solve_BySubstitutionOrTheInverse_IsTheSolution(long size, long columns)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(size + 50, size, 1).mul(logspace(2, -2, size, dtype: ScalarType.Float64)), matrix = x.t().mm(x).add(eye(size, dtype: ScalarType.Float64)), right = Draws.Matrix(size, columns, 2);
        RidgeFactor factor = RidgeFactor.Of(matrix.clone())!, inverted = factor.Inverted();
        Tensor expected = linalg.solve(matrix, right);
        double products = expected.mul(right).sum().ToDouble();
        foreach (RidgeFactor one in (RidgeFactor[])[factor, inverted, inverted.Inverted()])
        {
            one.Solve(right, out double sum).ShouldBeCloseTo(expected, 1e-10);
            one.Solve(right).ShouldBeCloseTo(expected, 1e-10);
            sum.Should().BeApproximately(products, 1e-11 * products);
            one.TraceOfInverse().Should().BeApproximately(linalg.inv(matrix).trace().ToDouble(), 1e-9);
        }
    }

    [Fact]
    public void Of_Indefinite_IsNull()
    {
        using var scope = NewDisposeScope();
        RidgeFactor.Of(tensor((double[])[1, 2, 2, 1]).reshape(2, 2)).Should().BeNull();
        RidgeFactor.Of(zeros(3, 3, ScalarType.Float64)).Should().BeNull();
    }

    public static TheoryData<long, long[]> Panels => new() { { 50, [16] }, { 48, [16] }, { 300, [7] }, { 300, [28, 7] }, { 300, [100, 33, 10] }, { 40, [192, 48] } };

    [Theory]
    [MemberData(nameof(Panels))]
    public void FactorInPlace_OfTheLowerTriangle_IsTheCholeskyFactor(long size, long[] panels)
    {
        using var scope = NewDisposeScope();
        Tensor rows = Draws.Matrix(size, size + 5, 1), matrix = rows.mm(rows.t()), factor = matrix.tril() + ones_like(matrix).triu(1);
        RidgeFactor.FactorInPlace(factor, panels).Should().BeTrue();
        factor.ShouldBeCloseTo(linalg.cholesky(matrix), 1e-11);
        factor.triu(1).abs().max().ToDouble().Should().Be(0);
        matrix[size - 1, size - 1] = -1;
        RidgeFactor.FactorInPlace(matrix, panels).Should().BeFalse();
    }

    [Fact]
    public void Solve_OfALargeMatrix_Solves()
    {
        using var scope = NewDisposeScope();
        Tensor rows = Draws.Matrix(2100, 40, 1), matrix = rows.mm(rows.t()), right = Draws.Matrix(2100, 3, 2);
        matrix.diagonal().add_(50);
        RidgeFactor factor = RidgeFactor.Of(matrix.clone())!;
        matrix.mm(factor.Solve(right)).ShouldBeCloseTo(right, 1e-12);
        RidgeFactor.Of(matrix.neg()).Should().BeNull();
    }
}
