using FsCheck.Xunit;
using LatentStitching.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

[NoTensorLeaks]
public sealed class WhiteningFitterTests
{
    [Theory]
    [InlineData(1, 3, 0.777834412487931)]
    [InlineData(0.5, 3, 0.772462040813001)]
    [InlineData(0, 3, 0.771045590626490)]
    [InlineData(1, 4, 0.698939474747252)]
    [InlineData(0.5, 4, 0.678708917640486)]
    public void Fit_HasNetrepsAngularDistance(double alpha, long columns, double expected)
    {
        using var scope = NewDisposeScope();
        Tensor x = Golden.X().narrow(1, 0, columns), y = Golden.Y();
        using LatentMapFit fit = Stitcher.Fit(x, y, new WhiteningFitter(new WhiteningOptions { Alpha = alpha }));
        double norms = Draws.Centred(x).norm().ToDouble() * Draws.Centred(y).norm().ToDouble();
        Math.Acos(fit.Report.SingularValues.Sum() / norms).Should().BeApproximately(expected, 1e-12);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_AlphaOne_IsProcrustesToTheLastBit(bool scaling)
    {
        using var scope = NewDisposeScope();
        using LatentMapFit fit = Stitcher.Fit(Golden.X(), Golden.Y(), new WhiteningFitter(new WhiteningOptions { Alpha = 1, Scaling = scaling }));
        using LatentMapFit procrustes = Stitcher.Fit(Golden.X(), Golden.Y(), new ProcrustesFitter(new ProcrustesOptions { Scaling = scaling }));
        fit.Affine.Weight.ShouldBeCloseTo(procrustes.Affine.Weight, 0);
        fit.Affine.Bias.ShouldBeCloseTo(procrustes.Affine.Bias, 0);
    }

    [Fact]
    public void Fit_AlphaTowardsOne_TendsToProcrustes()
    {
        using var scope = NewDisposeScope();
        using LatentMapFit fit = Stitcher.Fit(Golden.X(), Golden.Y(), new WhiteningFitter(new WhiteningOptions { Alpha = 1 - 1e-9 }));
        using LatentMapFit procrustes = Stitcher.Fit(Golden.X(), Golden.Y(), new ProcrustesFitter());
        fit.Affine.Weight.ShouldBeCloseTo(procrustes.Affine.Weight, 1e-8);
    }

    [Fact]
    public void Fit_AlphaZero_LinearCopy_IsRecoveredOnNewRows()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(60, 5, 1), a = Draws.Matrix(5, 5, 2), held = Draws.Matrix(20, 5, 3);
        using LatentMapFit fit = Stitcher.Fit(x, x.mm(a).add(3), new WhiteningFitter(new WhiteningOptions { Alpha = 0, Scaling = true }));
        fit.Map.Apply(held).ShouldBeCloseTo(held.mm(a).add(3), 1e-11);
        using LatentMapFit half = Stitcher.Fit(x, x.mm(a).add(3), new WhiteningFitter(new WhiteningOptions { Alpha = 0.5, Scaling = true }));
        Draws.SquaredError(half.Map, held, held.mm(a).add(3)).Should().BeGreaterThan(1e-3);
    }

    [Fact]
    public void Fit_WithoutScaling_KeepsTheSourcesLengthInTheWhitenedTarget()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(60, 5, 1).mul(100), y = Draws.Matrix(60, 5, 2);
        using LatentMapFit fit = Stitcher.Fit(x, y, new WhiteningFitter(new WhiteningOptions { Alpha = 0 }));
        Tensor whitened = Draws.Centred(fit.Map.Apply(x)).mm(linalg.inv(linalg.cholesky(Draws.Centred(y).t().mm(Draws.Centred(y)))).t());
        // Fully whitened, ‖Ŷ·(YᵀY)^(−½)‖² = d·‖X‖²/‖Y‖².
        whitened.square().sum().ToDouble().Should().BeApproximately(5 * Draws.Centred(x).square().sum().ToDouble() / Draws.Centred(y).square().sum().ToDouble(), 1e-6);
    }

    [Fact]
    public void Fit_PaddedWithZeroColumns_IsTheSameMap()
    {
        using var scope = NewDisposeScope();
        Tensor x = Golden.X(), y = Golden.Y();
        using LatentMapFit fit = Stitcher.Fit(x, y, new WhiteningFitter());
        using LatentMapFit padded = Stitcher.Fit(x, cat([y, zeros(12, 1, ScalarType.Float64)], 1), new WhiteningFitter());
        padded.Affine.Weight.narrow(0, 0, 3).ShouldBeCloseTo(fit.Affine.Weight, 1e-12);
        padded.Affine.Weight[3].abs().max().ToDouble().Should().BeLessThan(1e-15);
        padded.Report.Status.Should().Be(FitStatus.RankDeficient);
    }

    [Fact]
    public void Fit_AwkwardColumnsAndFewRows_IsFiniteAndKeepsConstants()
    {
        using var scope = NewDisposeScope();
        foreach (long rows in (long[])[5, 40])
        {
            Tensor x = Draws.Awkward(rows, 9, 1), y = Draws.Awkward(rows, 7, 2);
            using LatentMapFit fit = Stitcher.Fit(x, y, new WhiteningFitter(new WhiteningOptions { Alpha = 0.1, Scaling = true }));
            fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == Math.Min(5, rows - 1));
            fit.Map.Apply(x)[TensorIndex.Colon, 1].ShouldBeCloseTo(y[TensorIndex.Colon, 1], 1e-12);
        }
    }

    [Property(MaxTest = 30)]
    public void Fit_FeelsNoRotationOrScaleOfTheSource(byte rows, byte width, byte shape, ushort seed)
    {
        using var scope = NewDisposeScope();
        long d = 1 + (width % 6), n = d + 5 + (rows % 40);
        WhiteningFitter fitter = new(new WhiteningOptions { Alpha = (shape % 5) / 4.0, Scaling = true });
        Tensor x = Draws.Matrix(n, d, seed), y = Draws.Matrix(n, d, seed + 1u), q = Draws.Orthogonal(d, seed + 2u);
        using LatentMapFit fit = Stitcher.Fit(x, y, fitter);
        using LatentMapFit turned = Stitcher.Fit(x.mm(q).add(2), y, fitter);
        turned.Map.Apply(x.mm(q).add(2)).ShouldBeCloseTo(fit.Map.Apply(x), 1e-6);
    }

    /// <summary>Fully whitened, the singular values are canonical correlations, up to the sides' common scale: those of the fitter that decomposes the rows.</summary>
    [Fact]
    public void Fit_AlphaZero_HardSpectraOnBothSides_HasCcasCorrelations()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Conditioned(2000, 40, 5e6, 1), y = Draws.Conditioned(2000, 30, 1e7, 3).add(x.mm(Draws.Matrix(40, 30, 7)));
        using LatentMapFit cca = Stitcher.Fit(x, y, new CcaFitter()), fit = Stitcher.Fit(x, y, new WhiteningFitter(new WhiteningOptions { Alpha = 0, Scaling = true }));
        double[] ratio = [.. fit.Report.SingularValues.Zip(cca.Report.SingularValues, (own, correlation) => own / correlation)];
        ratio.Should().HaveCount(30);
        (ratio.Max() / ratio.Min()).Should().BeApproximately(1, 1e-7);
        fit.Report.Status.Should().Be(FitStatus.Succeeded);
    }

    [Fact]
    public void Fit_AlphaZero_DependentColumns_ThrowsNamingTheSide()
    {
        using var scope = NewDisposeScope();
        WhiteningFitter fitter = new(new WhiteningOptions { Alpha = 0 });
        Action source = () => Stitcher.Fit(Draws.Awkward(40, 5, 1), Draws.Matrix(40, 3, 2), fitter).Dispose();
        source.ShouldRefuse("pairs", "pairs must have independent columns on both sides where Alpha is 0, but the source has rank 3 with 5 columns and 40 rows. Give Alpha a positive value, or use CcaFitter.");
        Action target = () => Stitcher.Fit(Draws.Matrix(6, 3, 1), Draws.Matrix(6, 8, 2), fitter).Dispose();
        target.ShouldRefuse("pairs", "pairs must have independent columns on both sides where Alpha is 0, but the target has rank 5 with 8 columns and 6 rows. Give Alpha a positive value, or use CcaFitter.");
    }

    [Theory]
    [InlineData(-0.1, "-0.1")]
    [InlineData(1.5, "1.5")]
    [InlineData(double.NaN, "NaN")]
    public void Options_AlphaOutside_Throws(double alpha, string text)
    {
        Action act = () => _ = new WhiteningOptions { Alpha = alpha };
        act.ShouldRefuse("Alpha", $"Alpha must lie from 0 to 1, but it is {text}.");
    }

    [Fact]
    public void ToString_SaysTheOptions()
    {
        new WhiteningFitter().ToString().Should().Be("partial whitening, alpha 0.5");
        new WhiteningFitter(new WhiteningOptions { Alpha = 0.25, Scaling = true, FitIntercept = false }).ToString().Should().Be("partial whitening, alpha 0.25, scaled, without intercept");
    }
}
