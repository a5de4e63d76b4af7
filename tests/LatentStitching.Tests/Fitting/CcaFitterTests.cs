using FsCheck.Xunit;
using LatentStitching.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

[NoTensorLeaks]
public sealed class CcaFitterTests
{
    [Fact]
    public void Fit_HasTheKnownCorrelations()
    {
        using var scope = NewDisposeScope();
        using LatentMapFit fit = Stitcher.Fit(Golden.X(), Golden.Y(), new CcaFitter());
        tensor(fit.Report.SingularValues.ToArray()).ShouldBeCloseTo(tensor(new[] { 0.922974932775411, 0.917991447239228, 0.865086061913007 }), 1e-13);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Rank == 3 && report.Alpha == 0);
    }

    [Theory]
    [InlineData(60, 6, 4)]
    [InlineData(60, 4, 6)]
    [InlineData(5, 9, 4)]
    public void Fit_AllComponents_IsLeastSquares(long rows, long source, long target)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(rows, source, 1), y = Draws.Matrix(rows, target, 2);
        using LatentMapFit fit = Stitcher.Fit(x, y, new CcaFitter());
        using LatentMapFit plain = Stitcher.Fit(x, y, new LeastSquaresFitter());
        fit.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-10);
        fit.Affine.Bias.ShouldBeCloseTo(plain.Affine.Bias, 1e-10);
        fit.Report.Status.Should().Be(plain.Report.Status);
    }

    [Fact]
    public void Fit_RegularisedAllComponents_IsRidge()
    {
        using var scope = NewDisposeScope();
        foreach ((long rows, long source) in new[] { (60L, 6L), (8L, 12L) })
        {
            Tensor x = Draws.Matrix(rows, source, 1), y = Draws.Matrix(rows, 4, 2);
            using LatentMapFit fit = Stitcher.Fit(x, y, new CcaFitter(new CcaOptions { Regularisation = 0.3 }));
            fit.Report.Alpha.Should().BeApproximately(0.3 * Draws.Centred(x).square().sum().ToDouble() / source, 1e-11);
            using LatentMapFit ridge = Stitcher.Fit(x, y, new RidgeFitter(fit.Report.Alpha));
            fit.Affine.Weight.ShouldBeCloseTo(ridge.Affine.Weight, 1e-11);
            fit.Report.Status.Should().Be(FitStatus.Succeeded);
            fit.Report.SingularValues.Should().OnlyContain(value => value > 0 && value < 1);
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void Fit_SomeComponents_IsReducedRankOfTheWhitenedTarget(long components)
    {
        using var scope = NewDisposeScope();
        Tensor x = Golden.X(), y = Golden.Y(), yc = Draws.Centred(y);
        Tensor colour = linalg.cholesky(yc.t().mm(yc)).t();
        Tensor white = yc.mm(linalg.inv(colour));
        using LatentMapFit fit = Stitcher.Fit(x, y, new CcaFitter(new CcaOptions { Components = components }));
        using LatentMapFit reduced = Stitcher.Fit(x, white, new ReducedRankFitter(new ReducedRankOptions { Rank = components }));
        fit.Map.Apply(x).ShouldBeCloseTo(reduced.Map.Apply(x).mm(colour).add(y.mean([0])), 1e-11);
        linalg.matrix_rank(fit.Affine.Weight).ToInt64().Should().Be(components);
        fit.Report.Rank.Should().Be(components);
        fit.Report.SingularValues.Should().HaveCount(3);
    }

    [Property(MaxTest = 30)]
    public void Correlations_FeelNoInvertibleMapOfEitherSide(byte rows, byte width, ushort seed)
    {
        using var scope = NewDisposeScope();
        long d = 1 + (width % 5), n = (2 * d) + 4 + (rows % 30);
        Tensor x = Draws.Matrix(n, d, seed), y = Draws.Matrix(n, 4, seed + 1u);
        // Triangular with ones on its diagonal: always invertible, and mildly so.
        Tensor a = Draws.Matrix(d, d, seed + 2u).div(4).triu(1).add(eye(d, dtype: ScalarType.Float64)), b = Draws.Matrix(4, 4, seed + 3u).div(4).tril(-1).add(eye(4, dtype: ScalarType.Float64));
        using LatentMapFit fit = Stitcher.Fit(x, y, new CcaFitter());
        using LatentMapFit mapped = Stitcher.Fit(x.mm(a).add(3), y.mm(b).sub(1), new CcaFitter());
        tensor(mapped.Report.SingularValues.ToArray()).ShouldBeCloseTo(tensor(fit.Report.SingularValues.ToArray()), 1e-10);
        fit.Report.SingularValues.Should().OnlyContain(value => value >= 0 && value <= 1);
    }

    [Fact]
    public void Fit_AwkwardColumnsAndFewRows_IsFiniteAndKeepsConstants()
    {
        using var scope = NewDisposeScope();
        foreach (long rows in (long[])[5, 40])
        {
            Tensor x = Draws.Awkward(rows, 9, 1), y = Draws.Awkward(rows, 7, 2);
            using LatentMapFit fit = Stitcher.Fit(x, y, new CcaFitter());
            fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == Math.Min(5, rows - 1));
            fit.Map.Apply(x)[TensorIndex.Colon, 1].ShouldBeCloseTo(y[TensorIndex.Colon, 1], 1e-12);
            using LatentMapFit six = Stitcher.Fit(x, y, new CcaFitter(new CcaOptions { Components = 6, Regularisation = 0.1 }));
            six.Report.Status.Should().Be(FitStatus.RankDeficient, "there are not six variates");
        }
    }

    [Fact]
    public void Fit_MoreComponentsThanColumns_Throws()
    {
        using var scope = NewDisposeScope();
        Action act = () => Stitcher.Fit(Golden.X(), Golden.Y(), new CcaFitter(new CcaOptions { Components = 4 })).Dispose();
        act.ShouldRefuse("pairs", "pairs must have at least 4 columns on both sides for 4 components, but they are 4 → 3. Lower Components.");
    }

    [Fact]
    public void Options_Outside_Throw()
    {
        Action components = () => _ = new CcaOptions { Components = 0 };
        components.ShouldRefuse("Components", "Components must be positive, but it is 0.");
        Action regularisation = () => _ = new CcaOptions { Regularisation = -1 };
        regularisation.ShouldRefuse("Regularisation", "Regularisation must be zero or more and finite, but it is -1.");
    }

    [Fact]
    public void ToString_SaysTheOptions()
    {
        new CcaFitter().ToString().Should().Be("canonical correlations");
        new CcaFitter(new CcaOptions { Components = 8, Regularisation = 0.1, FitIntercept = false }).ToString().Should().Be("canonical correlations, 8 components, regularisation 0.1, without intercept");
    }
}
