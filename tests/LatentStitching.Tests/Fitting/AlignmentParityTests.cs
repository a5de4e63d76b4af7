using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>Against SciPy 1.10.1, netrep and latentis, recorded.</summary>
[NoTensorLeaks]
public sealed class AlignmentParityTests
{
    [Theory]
    [InlineData("same")]
    [InlineData("reflected")]
    public void Procrustes_IsScipys(string name)
    {
        using StateDictionary file = Fixture.Load("alignment/procrustes_cca.safetensors");
        using var scope = NewDisposeScope();
        Tensor x = file[$"{name}.X"], y = file[$"{name}.Y"];
        using LatentMapFit fit = Stitcher.Fit(x, y, new ProcrustesFitter(new ProcrustesOptions { FitIntercept = false }));
        fit.Report.SingularValues.Sum().Should().BeApproximately(file[$"{name}.orthogonal_procrustes.scale"].ToDouble(), 1e-9);
        fit.Map.Apply(x).ShouldBeCloseTo(file[$"{name}.orthogonal_procrustes.XR"], 1e-9);
        if (fit.Report.Status == FitStatus.Succeeded) fit.Affine.Weight.t().ShouldBeCloseTo(file[$"{name}.orthogonal_procrustes.R"], 1e-9);

        // scipy.spatial moves the second to the first, both of length 1.
        using LatentMapFit scaled = Stitcher.Fit(y, x, new ProcrustesFitter(new ProcrustesOptions { Scaling = true }));
        double length = Draws.Centred(x).norm().ToDouble();
        scaled.Map.Apply(y).sub(x.mean([0])).div(length).ShouldBeCloseTo(file[$"{name}.spatial_procrustes.mtx2"], 1e-9);
        (1 - scaled.Report.TrainingR2).Should().BeApproximately(file[$"{name}.spatial_procrustes.disparity"].ToDouble(), 1e-9);
    }

    [Theory]
    [InlineData("same", 1)]
    [InlineData("same", 0.5)]
    [InlineData("same", 0)]
    [InlineData("diff", 1)]
    [InlineData("diff", 0.5)]
    [InlineData("reflected", 1)]
    [InlineData("reflected", 0.5)]
    [InlineData("reflected", 0)]
    public void Whitening_IsNetreps(string name, double alpha)
    {
        using StateDictionary file = Fixture.Load("alignment/procrustes_cca.safetensors");
        using var scope = NewDisposeScope();
        Tensor x = file[$"{name}.X"], y = file[$"{name}.Y"];
        string key = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name}.netrep.alpha{alpha}");
        using LatentMapFit fit = Stitcher.Fit(x, y, new WhiteningFitter(new WhiteningOptions { Alpha = alpha }));
        double a = Draws.Centred(x).square().sum().ToDouble(), b = Draws.Centred(y).square().sum().ToDouble(), aligned = fit.Report.SingularValues.Sum();
        ShouldBeTheAngle(aligned / Math.Sqrt(a * b), file[$"{key}.angular"].ToDouble());
        // netrep lets padding columns take part in its normalisation of lengths, which angles do not feel.
        if (name != "diff" || alpha == 1) Math.Max(0, a + b - (2 * aligned)).Should().BeApproximately(Math.Pow(file[$"{key}.euclidean"].ToDouble(), 2), 1e-9 * (a + b));
        if (alpha != 1) return;
        using LatentMapFit uncentred = Stitcher.Fit(x, y, new WhiteningFitter(new WhiteningOptions { Alpha = 1, FitIntercept = false }));
        ShouldBeTheAngle(uncentred.Report.SingularValues.Sum() / (x.norm().ToDouble() * y.norm().ToDouble()), file[$"{key}.uncentred.angular"].ToDouble());
    }

    [Theory]
    [InlineData("same")]
    [InlineData("diff")]
    [InlineData("reflected")]
    public void CanonicalCorrelations_AreThePrincipalAnglesOfScipysBases(string name)
    {
        using StateDictionary file = Fixture.Load("alignment/procrustes_cca.safetensors");
        using var scope = NewDisposeScope();
        using LatentMapFit fit = Stitcher.Fit(file[$"{name}.X"], file[$"{name}.Y"], new CcaFitter());
        tensor(fit.Report.SingularValues.ToArray()).ShouldBeCloseTo(file[$"{name}.cca.correlations"], 1e-9);
        tensor(fit.Report.SingularValues.ToArray()).ShouldBeCloseTo(file[$"{name}.sklearn_cca.correlations"], 2e-6);
    }

    [Theory]
    [InlineData("f64", 1e-9)]
    [InlineData("f32", 1e-4)]
    public void Procrustes_IsTheSvdTranslatorOfLatentis(string precision, double tolerance)
    {
        using StateDictionary file = Fixture.Load("latentis/translators.safetensors");
        using var scope = NewDisposeScope();
        ProcrustesFitter fitter = new(new ProcrustesOptions { FitIntercept = false });
        using LatentMapFit same = Stitcher.Fit(Get(file, "same.X", precision), Get(file, "same.Y", precision), fitter);
        same.Affine.Weight.t().ShouldBeCloseTo(file[$"same.{precision}.svd.matrix"], tolerance);
        same.Map.Apply(Get(file, "same.Xtest", precision)).ShouldBeCloseTo(file[$"same.{precision}.svd.test"], tolerance);
        Tensor x = Get(file, "diff.X", precision);
        using LatentMapFit different = Stitcher.Fit(x, Get(file, "diff.Y", precision), fitter);
        different.Map.Apply(x).ShouldBeCloseTo(file[$"diff.{precision}.svd_zero_padded"], tolerance);
    }

    [Theory]
    [InlineData("same", "f64", 1e-9)]
    [InlineData("same", "f32", 1e-4)]
    [InlineData("diff", "f64", 1e-9)]
    [InlineData("diff", "f32", 1e-4)]
    public void Procrustes_Standardised_IsTheProcrustesTranslatorOfLatentis(string name, string precision, double tolerance)
    {
        using StateDictionary file = Fixture.Load("latentis/translators.safetensors");
        using var scope = NewDisposeScope();
        using LatentMapFit fit = Stitcher.Fit(Get(file, $"{name}.X", precision), Get(file, $"{name}.Y", precision), new ProcrustesFitter(new ProcrustesOptions { Standardise = true }));
        fit.Map.Apply(Get(file, $"{name}.Xtest", precision)).ShouldBeCloseTo(file[$"{name}.{precision}.procrustes_translator.test"], tolerance);
    }

    [Theory]
    [InlineData("same", "f64", 1e-9)]
    [InlineData("same", "f32", 1e-4)]
    [InlineData("diff", "f64", 1e-9)]
    [InlineData("diff", "f32", 1e-4)]
    public void OrthogonalisedLeastSquares_IsLatentis(string name, string precision, double tolerance)
    {
        using StateDictionary file = Fixture.Load("latentis/translators.safetensors");
        using var scope = NewDisposeScope();
        Tensor x = Get(file, $"{name}.X", precision), y = Get(file, $"{name}.Y", precision);
        using LatentMapFit fit = Stitcher.Fit(x, y, new OrthogonalisedLeastSquaresFitter(new OrthogonalisedLeastSquaresOptions { FitIntercept = false }));
        fit.Affine.Weight.t().ShouldBeCloseTo(file[$"{name}.{precision}.lstsq_ortho.matrix"], tolerance);
        using LatentMapFit plain = Stitcher.Fit(x, y, new LeastSquaresFitter(new LeastSquaresOptions { FitIntercept = false }));
        plain.Affine.Weight.t().ShouldBeCloseTo(file[$"{name}.{precision}.lstsq.matrix"], tolerance);
        if (name == "diff") return;
        Tensor test = Get(file, "same.Xtest", precision);
        fit.Map.Apply(test).ShouldBeCloseTo(file[$"same.{precision}.lstsq_ortho.test"], tolerance);
        plain.Map.Apply(test).ShouldBeCloseTo(file[$"same.{precision}.lstsq.test"], tolerance);
    }

    // The arc cosine near 1 has half the digits.
    private static void ShouldBeTheAngle(double cosine, double expected)
    {
        cosine.Should().BeApproximately(Math.Cos(expected), 1e-9);
        Math.Acos(Math.Min(1, cosine)).Should().BeApproximately(expected, expected < 1e-3 ? 1e-7 : 1e-9);
    }

    private static Tensor Get(StateDictionary file, string name, string precision) =>
        file[name].to_type(precision == "f64" ? ScalarType.Float64 : ScalarType.Float32);
}
