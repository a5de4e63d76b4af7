using LatentStitching.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

[NoTensorLeaks]
public sealed class OrthogonalisedLeastSquaresFitterTests
{
    [Theory]
    [InlineData(6, 6)]
    [InlineData(6, 4)]
    [InlineData(4, 6)]
    public void Fit_IsTheNearestIsometryToLeastSquares(long source, long target)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(50, source, 1), y = Draws.Matrix(50, target, 2);
        using LatentMapFit plain = Stitcher.Fit(x, y, new LeastSquaresFitter());
        using LatentMapFit fit = Stitcher.Fit(x, y, new OrthogonalisedLeastSquaresFitter());
        Tensor w = fit.Affine.Weight;
        Tensor gram = source >= target ? w.mm(w.t()) : w.t().mm(w);
        gram.ShouldBeCloseTo(eye(Math.Min(source, target), dtype: ScalarType.Float64), 1e-13);
        // W·|B| = B with |B| positive: the definition of a polar factor.
        Tensor part = source >= target ? plain.Affine.Weight.mm(w.t()) : w.t().mm(plain.Affine.Weight);
        part.ShouldBeCloseTo(part.t(), 1e-12);
        linalg.eigvalsh(part).min().ToDouble().Should().BePositive();
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Solver == "primal Cholesky, polar factor" && report.Rank == Math.Min(source, target));
    }

    [Fact]
    public void Fit_RotatedCopy_IsProcrustes()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(30, 6, 1), q = Draws.Orthogonal(6, 2, mirrored: true);
        using LatentMapFit fit = Stitcher.Fit(x, x.mm(q).add(1), new OrthogonalisedLeastSquaresFitter());
        using LatentMapFit procrustes = Stitcher.Fit(x, x.mm(q).add(1), new ProcrustesFitter());
        fit.Affine.Weight.t().ShouldBeCloseTo(q, 1e-12);
        procrustes.Affine.Weight.ShouldBeCloseTo(fit.Affine.Weight, 1e-12);
    }

    [Fact]
    public void Fit_AwkwardColumnsAndFewRows_GivesAPartialIsometry()
    {
        using var scope = NewDisposeScope();
        foreach (long rows in (long[])[5, 40])
        {
            Tensor x = Draws.Awkward(rows, 9, 1), y = Draws.Awkward(rows, 7, 2);
            using LatentMapFit fit = Stitcher.Fit(x, y, new OrthogonalisedLeastSquaresFitter());
            Tensor w = fit.Affine.Weight;
            fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == Math.Min(5, rows - 1));
            w.mm(w.t()).mm(w).ShouldBeCloseTo(w, 1e-12);
        }
    }

    [Fact]
    public void ToString_SaysTheIntercept()
    {
        new OrthogonalisedLeastSquaresFitter().ToString().Should().Be("orthogonalised least squares");
        new OrthogonalisedLeastSquaresFitter(new OrthogonalisedLeastSquaresOptions { FitIntercept = false }).ToString().Should().Be("orthogonalised least squares, without intercept");
    }
}
