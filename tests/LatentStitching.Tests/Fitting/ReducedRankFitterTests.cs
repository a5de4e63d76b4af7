using FsCheck.Xunit;
using LatentStitching.Fitting;
using LatentStitching.Tests.Support;
using MathNet.Numerics.LinearAlgebra;

namespace LatentStitching.Tests.Fitting;

[NoTensorLeaks]
public sealed class ReducedRankFitterTests
{
    [Theory]
    [InlineData(1, 1.09825349107648)]
    [InlineData(2, 0.598608165311146)]
    [InlineData(3, 0.336982836543053)]
    public void Fit_HasTheKnownErrors(long rank, double expected)
    {
        using var scope = NewDisposeScope();
        Tensor x = Golden.X(), y = Golden.Y();
        using LatentMapFit fit = Stitcher.Fit(x, y, new ReducedRankFitter(new ReducedRankOptions { Rank = rank }));
        Draws.SquaredError(fit.Map, x, y).Should().BeApproximately(expected, 1e-13);
        linalg.matrix_rank(fit.Affine.Weight).ToInt64().Should().Be(rank);
        fit.Report.Should().Match<FitReport>(report => report.Rank == rank && report.Status == FitStatus.Succeeded && report.Solver == $"primal Cholesky, rank {rank}");
        fit.Report.RankPath.Should().HaveCount(4);
        fit.Report.RankPath[(int)rank].Should().Match<RankPathPoint>(point => point.Rank == rank && Math.Abs((point.TrainingError * 36) - expected) < 1e-13 && point.HeldOutError == null && point.StandardError == null);
        double omitted = fit.Report.SingularValues.Skip((int)rank).Sum(value => value * value);
        (0.336982836543053 + omitted).Should().BeApproximately(expected, 1e-13);
    }

    [Theory]
    [InlineData(50, 6, 4, 0)]
    [InlineData(50, 4, 6, 0)]
    [InlineData(5, 9, 4, 0)]
    [InlineData(50, 6, 4, 2.5)]
    [InlineData(50, 4, 6, 2.5)]
    public void Fit_FullRank_IsLeastSquaresOrRidge(long rows, long source, long target, double alpha)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(rows, source, 1), y = Draws.Matrix(rows, target, 2);
        using LatentMapFit fit = Stitcher.Fit(x, y, new ReducedRankFitter(new ReducedRankOptions { Rank = Math.Min(source, target), Alpha = alpha }));
        using LatentMapFit plain = Stitcher.Fit(x, y, new RidgeFitter(alpha));
        fit.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, source < target ? 1e-11 : 0);
        fit.Report.Status.Should().Be(plain.Report.Status);
        fit.Report.Alpha.Should().Be(alpha);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Fit_AgreesWithSingularValuesOfTheFittedInMathNet(int rank)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(40, 6, 1), y = Draws.Matrix(40, 5, 2);
        Matrix<double> a = ToMathNet(x), b = ToMathNet(y);
        Matrix<double> plain = a.QR().Solve(b);
        Matrix<double> v = (a * plain).Svd().VT.SubMatrix(0, rank, 0, 5).Transpose();
        Matrix<double> expected = (plain * v * v.Transpose()).Transpose();
        using LatentMapFit fit = Stitcher.Fit(x, y, new ReducedRankFitter(new ReducedRankOptions { Rank = rank, FitIntercept = false }));
        fit.Affine.Weight.ShouldBeCloseTo(tensor(expected.ToArray()), 1e-11);
    }

    [Fact]
    public void Fit_Penalised_IsTheUnpenalisedFitOfAugmentedRows()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(40, 6, 1), y = Draws.Matrix(40, 5, 2);
        Tensor rows = cat([x, eye(6, dtype: ScalarType.Float64).mul(Math.Sqrt(7.0))], 0), zero = cat([y, zeros(6, 5, ScalarType.Float64)], 0);
        using LatentMapFit fit = Stitcher.Fit(x, y, new ReducedRankFitter(new ReducedRankOptions { Rank = 2, Alpha = 7, FitIntercept = false }));
        using LatentMapFit augmented = Stitcher.Fit(rows, zero, new ReducedRankFitter(new ReducedRankOptions { Rank = 2, FitIntercept = false }));
        fit.Affine.Weight.ShouldBeCloseTo(augmented.Affine.Weight, 1e-11);
    }

    [Property(MaxTest = 30)]
    public void Fit_MoreRank_NeverFitsWorse(byte rows, byte width, ushort seed)
    {
        using var scope = NewDisposeScope();
        long d = 1 + (width % 8), n = 3 + (rows % 30);
        using LatentMapFit fit = Stitcher.Fit(Draws.Matrix(n, d, seed), Draws.Matrix(n, 5, seed + 1u), new ReducedRankFitter(new ReducedRankOptions { Rank = 1 }));
        double[] errors = [.. fit.Report.RankPath.Select(point => point.TrainingError)];
        errors.Zip(errors.Skip(1)).Should().OnlyContain(pair => pair.Second <= pair.First + 1e-12);
        fit.Report.SingularValues.Should().BeInDescendingOrder();
    }

    [Fact]
    public void Fit_AwkwardColumnsAndFewRows_IsFiniteAndKeepsConstants()
    {
        using var scope = NewDisposeScope();
        foreach (long rows in (long[])[5, 40])
        {
            Tensor x = Draws.Awkward(rows, 9, 1), y = Draws.Awkward(rows, 7, 2);
            using LatentMapFit fit = Stitcher.Fit(x, y, new ReducedRankFitter(new ReducedRankOptions { Rank = 3 }));
            fit.Report.Status.Should().Be(FitStatus.RankDeficient);
            fit.Map.Apply(x)[TensorIndex.Colon, 1].ShouldBeCloseTo(y[TensorIndex.Colon, 1], 1e-12);
        }
    }

    [Fact]
    public void Fit_RankAboveTheWidths_Throws()
    {
        using var scope = NewDisposeScope();
        Action act = () => Stitcher.Fit(Golden.X(), Golden.Y(), new ReducedRankFitter(new ReducedRankOptions { Rank = 4 })).Dispose();
        act.ShouldRefuse("pairs", "pairs must have at least 4 columns on both sides for a map of rank 4, but they are 4 → 3. Lower Rank.");
    }

    [Fact]
    public void Options_Outside_Throw()
    {
        Action rank = () => _ = new ReducedRankOptions { Rank = 0 };
        rank.ShouldRefuse("Rank", "Rank must be positive, but it is 0.");
        Action alpha = () => _ = new ReducedRankOptions { Rank = 1, Alpha = double.NaN };
        alpha.ShouldRefuse("Alpha", "Alpha must be zero or more and finite, but it is NaN.");
    }

    [Fact]
    public void ToString_SaysTheOptions()
    {
        new ReducedRankFitter(8).ToString().Should().Be("reduced rank 8");
        new ReducedRankFitter(new ReducedRankOptions { Rank = 8, Alpha = 0.5, FitIntercept = false }).ToString().Should().Be("reduced rank 8, alpha 0.5, without intercept");
    }

    private static Matrix<double> ToMathNet(Tensor matrix) =>
        Matrix<double>.Build.DenseOfRowMajor((int)matrix.size(0), (int)matrix.size(1), matrix.data<double>().ToArray());
}
