using FsCheck.Xunit;
using LatentStitching.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

[NoTensorLeaks]
public sealed class AnchorFitterTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_IsometricSpaces_AreMappedExactlyOnNewRows(bool unit)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(50, 6, 1), held = Draws.Matrix(20, 6, 2), q = Draws.Orthogonal(6, 3, mirrored: true);
        using LatentMapFit fit = Stitcher.Fit(x, x.mm(q).add(2), new AnchorFitter(new AnchorOptions { Rows = [0, 3, 7, 11, 20, 31, 49], UnitAnchors = unit }));
        fit.Map.Apply(held).ShouldBeCloseTo(held.mm(q).add(2), 1e-11);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Rank == 6 && report.Solver == "primal Cholesky of 7 anchors");
    }

    [Fact]
    public void Fit_ScaledCopy_IsMappedExactlyWithScaling()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(50, 6, 1), held = Draws.Matrix(20, 6, 2), q = Draws.Orthogonal(6, 3);
        using LatentMapFit fit = Stitcher.Fit(x, x.mm(q).mul(0.2), new AnchorFitter(new AnchorOptions { Scaling = true }));
        fit.Map.Apply(held).ShouldBeCloseTo(held.mm(q).mul(0.2), 1e-11);
    }

    [Fact]
    public void Fit_KeepsInnerProductsWithTheAnchors()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(40, 5, 1), y = Draws.Matrix(40, 8, 2);
        using LatentMapFit fit = Stitcher.Fit(x, y, new AnchorFitter(new AnchorOptions { Rows = [1, 2, 3], UnitAnchors = false, FitIntercept = false }));
        fit.Map.Apply(x).mm(y.narrow(0, 1, 3).t()).ShouldBeCloseTo(x.mm(x.narrow(0, 1, 3).t()), 1e-12);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == 3);
    }

    [Property(MaxTest = 30)]
    public void Fit_IsTheTransposeOfLeastSquaresBackwards(byte rows, byte width, ushort seed)
    {
        using var scope = NewDisposeScope();
        long d = 1 + (width % 8), n = 12 + (rows % 30);
        Tensor x = Draws.Matrix(n, d, seed), y = Draws.Matrix(n, 4, seed + 1u);
        double alpha = seed % 2;
        using LatentMapFit fit = Stitcher.Fit(x, y, new AnchorFitter(new AnchorOptions { UnitAnchors = false, Alpha = alpha }));
        using LatentMapFit backwards = Stitcher.Fit(y, x, new RidgeFitter(alpha));
        fit.Affine.Weight.ShouldBeCloseTo(backwards.Affine.Weight.t(), 1e-9);
    }

    [Fact]
    public void Fit_UnitAnchors_IsInverseRelativeProjectionUpToEachRowsLength()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(40, 5, 1), y = Draws.Matrix(40, 6, 2);
        long[] rows = [0, 5, 9, 13, 22, 30, 38, 39];
        using LatentMapFit fit = Stitcher.Fit(x, y, new AnchorFitter(new AnchorOptions { Rows = rows, FitIntercept = false }));
        Tensor index = tensor(rows);
        Tensor relative = RelativeProjection.Cosine(x, x.index_select(0, index));
        Tensor back = RelativeProjection.FromCosine(relative, y.index_select(0, index));
        fit.Map.Apply(x).ShouldBeCloseTo(back.mul(x.square().sum([1], keepdim: true).sqrt()), 1e-12);
    }

    [Fact]
    public void Fit_AwkwardColumnsAndFewRows_IsFiniteAndKeepsConstants()
    {
        using var scope = NewDisposeScope();
        foreach (long rows in (long[])[5, 40])
        {
            Tensor x = Draws.Awkward(rows, 9, 1), y = Draws.Awkward(rows, 7, 2);
            using LatentMapFit fit = Stitcher.Fit(x, y, new AnchorFitter());
            fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == Math.Min(5, rows - 1));
            fit.Map.Apply(x)[TensorIndex.Colon, 1].ShouldBeCloseTo(y[TensorIndex.Colon, 1], 1e-12);
            fit.Affine.Weight.abs().max().ToDouble().Should().BeLessThan(100, "small singular values are cut off, not inverted");
        }
    }

    [Fact]
    public void Fit_RowOutside_Throws()
    {
        using var scope = NewDisposeScope();
        Action act = () => Stitcher.Fit(Golden.X(), Golden.Y(), new AnchorFitter(new AnchorOptions { Rows = [3, 12] })).Dispose();
        act.ShouldRefuse("pairs", "pairs must hold every row that Rows names, but row 12 is outside its 12 rows.");
    }

    [Fact]
    public void Options_Outside_Throw()
    {
        Action none = () => _ = new AnchorOptions { Rows = [] };
        none.ShouldRefuse("Rows", "Rows must hold at least one entry, but it is empty. Leave it null for all rows.");
        Action negative = () => _ = new AnchorOptions { Rows = [2, -1] };
        negative.ShouldRefuse("Rows", "Rows must be zero or more, but it is -1.");
        Action alpha = () => _ = new AnchorOptions { Alpha = -1 };
        alpha.ShouldRefuse("Alpha", "Alpha must be zero or more and finite, but it is -1.");
    }

    [Fact]
    public void ToString_SaysTheOptions()
    {
        new AnchorFitter().ToString().Should().Be("anchors, all rows of length 1");
        new AnchorFitter(new AnchorOptions { Rows = [1, 2], UnitAnchors = false, Alpha = 2, Scaling = true, FitIntercept = false }).ToString().Should().Be("anchors, 2 rows, alpha 2, scaled, without intercept");
    }
}
