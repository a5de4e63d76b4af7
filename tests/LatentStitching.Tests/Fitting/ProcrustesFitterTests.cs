using FsCheck.Xunit;
using LatentStitching.Fitting;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

[NoTensorLeaks]
public sealed class ProcrustesFitterTests
{
    [Fact]
    public void Fit_Padded_HasTheKnownRotationAndErrors()
    {
        using var scope = NewDisposeScope();
        Tensor x = Golden.X(), padded = cat([Golden.Y(), zeros(12, 1, ScalarType.Float64)], 1);
        double[,] expected =
        {
            { 0.75218696236017, -0.103579081720911, 0.197877374512072 },
            { 0.641974412933461, 0.334845131772248, -0.244912714303842 },
            { -0.119792081992902, 0.839962345996814, 0.515182043989698 },
            { 0.087940229053165, -0.414262439602973, 0.79715103247699 },
        };
        double[] last = [-0.619944104046036, 0.644798692026812, -0.121245931684041, 0.430352621310873];
        using LatentMapFit fit = Stitcher.Fit(x, padded, new ProcrustesFitter(new ProcrustesOptions { CompleteBasis = true }));
        Tensor rotation = fit.Affine.Weight.t();
        rotation.narrow(1, 0, 3).ShouldBeCloseTo(tensor(expected), 1e-13);
        rotation[TensorIndex.Colon, 3].abs().ShouldBeCloseTo(tensor(last).abs(), 1e-13);
        fit.Report.SingularValues.Take(3).Should().BeEquivalentTo([1.034534779375156, 0.587848686658878, 0.477637697409675], options => options.Using<double>(c => c.Subject.Should().BeApproximately(c.Expectation, 1e-13)).WhenTypeIs<double>());
        fit.Report.Rank.Should().Be(3);
        fit.Report.Status.Should().Be(FitStatus.RankDeficient);
        Draws.SquaredError(fit.Map, x, padded).Should().BeApproximately(1.68372564584558, 1e-13);

        using LatentMapFit scaled = Stitcher.Fit(x, padded, new ProcrustesFitter(new ProcrustesOptions { CompleteBasis = true, Scaling = true }));
        scaled.Affine.Weight.div(fit.Affine.Weight).ShouldBeCloseTo(full_like(rotation, 0.524406370541704), 1e-12);
        Draws.SquaredError(scaled.Map, x, padded).Should().BeApproximately(0.777935128360801, 1e-13);
    }

    [Fact]
    public void Fit_Rectangular_HasTheKnownError()
    {
        using var scope = NewDisposeScope();
        using LatentMapFit fit = Stitcher.Fit(Golden.X(), Golden.Y(), new ProcrustesFitter());
        Draws.SquaredError(fit.Map, Golden.X(), Golden.Y()).Should().BeApproximately(0.856420968247997, 1e-13);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Rank == 3 && report.Solver == "singular value decomposition of XᵀY");
        fit.Report.TrainingR2.Should().BeApproximately(1 - (0.856420968247997 / Draws.Centred(Golden.Y()).square().sum().ToDouble()), 1e-13);
    }

    [Fact]
    public void Fit_SimilarTriangles_ScipysCase_IsExact()
    {
        using var scope = NewDisposeScope();
        Tensor a = tensor(new double[,] { { 4, -2 }, { 4, -4 }, { 4, -6 }, { 2, -6 } }), b = tensor(new double[,] { { 1, 3 }, { 1, 2 }, { 1, 1 }, { 2, 1 } });
        using LatentMapFit fit = Stitcher.Fit(a, b, new ProcrustesFitter(new ProcrustesOptions { Scaling = true }));
        fit.Map.Apply(a).ShouldBeCloseTo(b, 1e-14);
        linalg.det(fit.Affine.Weight).ToDouble().Should().BeApproximately(-0.25, 1e-14, "it mirrors and halves");
    }

    [Theory]
    [InlineData(6, 6, false)]
    [InlineData(9, 4, false)]
    [InlineData(4, 9, false)]
    [InlineData(9, 4, true)]
    [InlineData(4, 9, true)]
    public void Fit_PaddedToOneWidthAndCutAgain_IsTheSameMap(long source, long target, bool standardise)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(50, source, 1), y = Draws.Matrix(50, target, 2);
        long width = Math.Max(source, target);
        using LatentMapFit fit = Stitcher.Fit(x, y, new ProcrustesFitter(new ProcrustesOptions { Standardise = standardise }));
        using LatentMapFit padded = Stitcher.Fit(Pad(x, width), Pad(y, width), new ProcrustesFitter(new ProcrustesOptions { CompleteBasis = true, Standardise = standardise }));
        padded.Affine.Weight.narrow(0, 0, target).narrow(1, 0, source).ShouldBeCloseTo(fit.Affine.Weight, 1e-12);
    }

    [Theory]
    [InlineData(7, 7)]
    [InlineData(7, 3)]
    [InlineData(3, 7)]
    public void Fit_Weight_IsSemiOrthogonal(long source, long target)
    {
        using var scope = NewDisposeScope();
        using LatentMapFit fit = Stitcher.Fit(Draws.Matrix(60, source, 1), Draws.Matrix(60, target, 2), new ProcrustesFitter());
        Tensor w = fit.Affine.Weight;
        Tensor gram = source >= target ? w.mm(w.t()) : w.t().mm(w);
        gram.ShouldBeCloseTo(eye(Math.Min(source, target), dtype: ScalarType.Float64), 1e-13);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_MovedCopy_IsRecoveredOnNewRows(bool mirrored)
    {
        using var scope = NewDisposeScope();
        Tensor q = Draws.Orthogonal(8, 5, mirrored), shift = Draws.Matrix(1, 8, 6), x = Draws.Matrix(40, 8, 1), held = Draws.Matrix(20, 8, 2);
        using LatentMapFit fit = Stitcher.Fit(x, x.mm(q).mul(2.5).add(shift), new ProcrustesFitter(new ProcrustesOptions { Scaling = true, AllowReflection = mirrored }));
        fit.Map.Apply(held).ShouldBeCloseTo(held.mm(q).mul(2.5).add(shift), 1e-12);
        fit.Report.TrainingR2.Should().BeApproximately(1, 1e-13);
    }

    [Fact]
    public void Fit_MirrorImageWithoutReflection_IsTheBestRotation()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(40, 2, 1), y = x.mm(Draws.Orthogonal(2, 5, mirrored: true));
        using LatentMapFit fit = Stitcher.Fit(x, y, new ProcrustesFitter(new ProcrustesOptions { AllowReflection = false, FitIntercept = false }));
        linalg.det(fit.Affine.Weight).ToDouble().Should().BeApproximately(1, 1e-14);
        double error = Draws.SquaredError(fit.Map, x, y);
        double least = Enumerable.Range(0, 3600).Min(step =>
        {
            using var inner = NewDisposeScope();
            double angle = step * Math.PI / 1800;
            return x.mm(tensor(new[,] { { Math.Cos(angle), -Math.Sin(angle) }, { Math.Sin(angle), Math.Cos(angle) } })).sub(y).square().sum().ToDouble();
        });
        error.Should().BeLessThanOrEqualTo(least).And.BeApproximately(least, 1e-3 * least);
    }

    [Fact]
    public void Fit_OneOpenDirectionWithoutReflection_IsSettledByTheDeterminant()
    {
        using var scope = NewDisposeScope();
        Tensor q = Draws.Orthogonal(3, 5), x = Draws.Matrix(30, 3, 1);
        x[TensorIndex.Colon, 2] = zeros(30, ScalarType.Float64);
        using LatentMapFit fit = Stitcher.Fit(x, x.mm(q), new ProcrustesFitter(new ProcrustesOptions { AllowReflection = false }));
        fit.Affine.Weight.t().ShouldBeCloseTo(q, 1e-13);
        fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.Succeeded && report.Rank == 2);
    }

    [Fact]
    public void Fit_Standardised_IsProcrustesOfStandardisedSides()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(40, 5, 1).mul(tensor(new[] { 1, 10, 0.1, 3, 5.0 })).add(4), y = Draws.Matrix(40, 5, 2).mul(3);
        Tensor xs = Draws.Centred(x).div(x.std(0)), ys = Draws.Centred(y).div(y.std(0));
        using LatentMapFit plain = Stitcher.Fit(xs, ys, new ProcrustesFitter(new ProcrustesOptions { Scaling = true }));
        using LatentMapFit fit = Stitcher.Fit(x, y, new ProcrustesFitter(new ProcrustesOptions { Scaling = true, Standardise = true }));
        fit.Map.Apply(x).ShouldBeCloseTo(plain.Map.Apply(xs).mul(y.std(0)).add(y.mean([0])), 1e-12);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_AwkwardColumnsAndFewRows_GivesAPartialIsometry(bool standardise)
    {
        using var scope = NewDisposeScope();
        foreach (long rows in (long[])[5, 40])
        {
            Tensor x = Draws.Awkward(rows, 9, 1), y = Draws.Awkward(rows, 7, 2);
            using LatentMapFit fit = Stitcher.Fit(x, y, new ProcrustesFitter(new ProcrustesOptions { Standardise = standardise }));
            fit.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == Math.Min(5, rows - 1));
            Tensor w = fit.Affine.Weight;
            w[TensorIndex.Colon, 1].abs().max().ToDouble().Should().BeLessThan(1e-14, "a constant column tells nothing");
            fit.Map.Apply(x)[TensorIndex.Colon, 1].ShouldBeCloseTo(y[TensorIndex.Colon, 1], 1e-14);
            w.isfinite().all().ToBoolean().Should().BeTrue();
            if (!standardise) w.mm(w.t()).mm(w).ShouldBeCloseTo(w, 1e-12);
        }
    }

    [Theory]
    [InlineData(9, 4, false)]
    [InlineData(4, 9, false)]
    [InlineData(9, 4, true)]
    public void Fit_Scaled_HasTheFactorOfLeastError(long source, long target, bool standardise)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(50, source, 1), y = Draws.Matrix(50, target, 2).mul(3);
        if (standardise) y = y.sub(y.mean([0])).div(y.std(0));
        using LatentMapFit fit = Stitcher.Fit(x, y, new ProcrustesFitter(new ProcrustesOptions { Scaling = true, Standardise = standardise }));
        Tensor mapped = Draws.Centred(fit.Map.Apply(x)), yc = Draws.Centred(y);
        mapped.mul(yc).sum().div(mapped.square().sum()).ToDouble().Should().BeApproximately(1, 1e-12, "no further factor lowers the error");
    }

    [Fact]
    public void Fit_StandardisedWithoutIntercept_DividesByTheSpreadAboutZero()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(40, 5, 1).mul(tensor(new[] { 1, 10, 0.1, 3, 5.0 })).add(4), y = Draws.Matrix(40, 3, 2).mul(3);
        Tensor sx = x.square().sum([0]).sqrt(), sy = y.square().sum([0]).sqrt();
        using LatentMapFit plain = Stitcher.Fit(x.div(sx), y.div(sy), new ProcrustesFitter(new ProcrustesOptions { FitIntercept = false }));
        using LatentMapFit fit = Stitcher.Fit(x, y, new ProcrustesFitter(new ProcrustesOptions { Standardise = true, FitIntercept = false }));
        fit.Map.Apply(x).ShouldBeCloseTo(plain.Map.Apply(x.div(sx)).mul(sy), 1e-12);
        fit.Affine.Bias.abs().max().ToDouble().Should().Be(0);
    }

    [Fact]
    public void Fit_FewRowsCompleted_IsSemiOrthogonalAndFitsTheSameRows()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(5, 9, 1), y = Draws.Matrix(5, 7, 2);
        using LatentMapFit open = Stitcher.Fit(x, y, new ProcrustesFitter());
        using LatentMapFit full = Stitcher.Fit(x, y, new ProcrustesFitter(new ProcrustesOptions { CompleteBasis = true }));
        Tensor w = full.Affine.Weight;
        w.mm(w.t()).ShouldBeCloseTo(eye(7, dtype: ScalarType.Float64), 1e-13);
        full.Map.Apply(x).ShouldBeCloseTo(open.Map.Apply(x), 1e-12, "the rows hold nothing of the open directions");
        full.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == 4);
    }

    [Property(MaxTest = 30)]
    public void Fit_BeatsEveryOtherRotation_AndFeelsNoRotationOfTheSource(byte rows, byte width, ushort seed)
    {
        using var scope = NewDisposeScope();
        long d = 1 + (width % 8), n = d + 2 + (rows % 40);
        Tensor x = Draws.Matrix(n, d, seed), y = Draws.Matrix(n, d, seed + 1u), q = Draws.Orthogonal(d, seed + 2u);
        using LatentMapFit fit = Stitcher.Fit(x, y, new ProcrustesFitter());
        Tensor other = Draws.Centred(x).mm(q).sub(Draws.Centred(y));
        Draws.SquaredError(fit.Map, x, y).Should().BeLessThanOrEqualTo(other.square().sum().ToDouble() * (1 + 1e-12));
        using LatentMapFit turned = Stitcher.Fit(x.mm(q), y, new ProcrustesFitter());
        turned.Map.Apply(x.mm(q)).ShouldBeCloseTo(fit.Map.Apply(x), 1e-7);
    }

    [Fact]
    public void Fit_WidthsThatDifferWithoutReflection_Throws()
    {
        using var scope = NewDisposeScope();
        Action act = () => Stitcher.Fit(Golden.X(), Golden.Y(), new ProcrustesFitter(new ProcrustesOptions { AllowReflection = false })).Dispose();
        act.ShouldRefuse("pairs", "pairs must have one width on both sides for a rotation without reflection, but they are 4 → 3. Set AllowReflection.");
    }

    [Fact]
    public void Fit_OneRowWithIntercept_Throws()
    {
        using var scope = NewDisposeScope();
        Action act = () => Stitcher.Fit(ones(1, 2), ones(1, 2), new ProcrustesFitter()).Dispose();
        act.ShouldRefuse("pairs", "pairs must hold at least two rows for a map with an intercept, but it holds 1.");
    }

    [Fact]
    public void ToString_NamesWhatIsNotDefault()
    {
        new ProcrustesFitter().ToString().Should().Be("Procrustes");
        new ProcrustesFitter(new ProcrustesOptions { Scaling = true, AllowReflection = false, Standardise = true, CompleteBasis = true, FitIntercept = false }).ToString()
            .Should().Be("Procrustes, scaled, without reflection, standardised, completed, without intercept");
    }

    private static Tensor Pad(Tensor matrix, long width) => cat([matrix, zeros(matrix.size(0), width - matrix.size(1), ScalarType.Float64)], 1);
}
