using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

[NoTensorLeaks]
public sealed class PreparedFitterTests
{
    private static readonly LatentScaling[] _scalings = Enum.GetValues<LatentScaling>();

    public static TheoryData<LatentScaling, LatentScaling> Scalings()
    {
        TheoryData<LatentScaling, LatentScaling> data = [];
        foreach (LatentScaling source in _scalings)
        {
            foreach (LatentScaling target in _scalings) data.Add(source, target);
        }
        return data;
    }

    [Theory]
    [InlineData("f64", 1e-9)]
    [InlineData("f32", 1e-4)]
    public void StandardisedLeastSquares_IsLatentis(string precision, double tolerance)
    {
        using StateDictionary file = Fixture.Load("latentis/translators.safetensors");
        using var scope = NewDisposeScope();
        ScalarType dtype = precision == "f64" ? ScalarType.Float64 : ScalarType.Float32;
        Tensor x = file["diff.X"].to_type(dtype), y = file["diff.Y"].to_type(dtype), test = file["diff.Xtest"].to_type(dtype);
        PreparedFitter fitter = new(new LeastSquaresFitter(new LeastSquaresOptions { FitIntercept = false }), new PreparedOptions { Target = LatentScaling.Standardised });
        using LatentMapFit fit = Stitcher.Fit(x, y, fitter);
        fit.Map.Apply(test).ShouldBeCloseTo(file[$"diff.{precision}.standardised_lstsq.test"], tolerance);
    }

    // latentis divides by the deviation of n − 1.
    [Fact]
    public void Standardised_IsTheScalingOfLatentis_UpToItsCount()
    {
        using StateDictionary file = Fixture.Load("latentis/transforms.safetensors");
        using var scope = NewDisposeScope();
        var side = PreparedSide.Of(file["X"], LatentScaling.Standardised, centre: true);
        double sample = Math.Sqrt(20.0 / 19);
        side.Centre.ShouldBeCloseTo(file["standard_scaling.shift"], 1e-6);
        side.Spread!.mul(sample).ShouldBeCloseTo(file["standard_scaling.scale"], 1e-6);
        side.Rows.div(sample).ShouldBeCloseTo(file["standard_scaling.out"], 1e-6);
        var constant = PreparedSide.Of(file["standard_scaling_const.in"], LatentScaling.Standardised, centre: true);
        Tensor expected = file["standard_scaling_const.scale"].to_type(ScalarType.Float64).div(sample);
        expected[2] = 1;
        constant.Spread!.ShouldBeCloseTo(expected, 1e-6);
        constant.Spread![2].ToDouble().Should().Be(1);
        constant.Rows[.., 2].abs().max().ToDouble().Should().Be(0);
    }

    [Theory]
    [InlineData("tall")]
    [InlineData("wide")]
    public void StandardisedAndWhitened_AreScikitLearnsScalerAndComponents(string name)
    {
        using StateDictionary file = Fixture.Load("sklearn/pca_scaler_metrics.safetensors");
        using var scope = NewDisposeScope();
        Tensor x = file[$"{name}.X"];
        long rows = x.size(0);
        var side = PreparedSide.Of(x, LatentScaling.Standardised, centre: true);
        side.Centre.ShouldBeCloseTo(file[$"{name}.scaler.mean"], 1e-12);
        side.Spread!.ShouldBeCloseTo(file[$"{name}.scaler.scale"], 1e-12);
        side.Spread!.square()[side.Spread.ne(1)].ShouldBeCloseTo(file[$"{name}.scaler.var"][side.Spread.ne(1)], 1e-12);
        file[$"{name}.Xtest"].sub(side.Centre).div(side.Spread).ShouldBeCloseTo(file[$"{name}.scaler.transformed"], 1e-12);
        var whitened = PreparedSide.Of(x, LatentScaling.PcaWhitened, centre: true);
        long rank = whitened.Rows.size(1);
        rank.Should().Be(name == "tall" ? 5 : 11, "two of seven columns are constant, and twelve rows have a mean");
        whitened.Hides.Should().BeTrue();
        whitened.Spread!.square().mul(rows / (rows - 1.0)).ShouldBeCloseTo(file[$"{name}.pca.explained_variance"].narrow(0, 0, rank), 1e-12);
        whitened.Spread!.mul(Math.Sqrt(rows)).ShouldBeCloseTo(file[$"{name}.pca.singular"].narrow(0, 0, rank), 1e-12);
        whitened.Spread!.square().div(whitened.Spread!.square().sum()).ShouldBeCloseTo(file[$"{name}.pca.ratio"].narrow(0, 0, rank), 1e-12);
    }

    [Theory]
    [InlineData(LatentScaling.PcaWhitened, true)]
    [InlineData(LatentScaling.ZcaWhitened, true)]
    [InlineData(LatentScaling.PcaWhitened, false)]
    [InlineData(LatentScaling.ZcaWhitened, false)]
    public void Whitened_HasUnitCovariance_AndZcaIsTheSymmetricRoot(LatentScaling scaling, bool centre)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(60, 5, 1).mm(Draws.Matrix(5, 5, 2)).add(3), about = centre ? Draws.Centred(x) : x;
        var side = PreparedSide.Of(x, scaling, centre);
        side.Rows.t().mm(side.Rows).div(60).ShouldBeCloseTo(eye(5, dtype: ScalarType.Float64), 1e-12);
        side.Hides.Should().BeFalse();
        if (scaling == LatentScaling.PcaWhitened) return;
        // C^(−½) by an eigendecomposition instead of the singular values of the rows.
        (Tensor values, Tensor vectors) = linalg.eigh(about.t().mm(about).div(60));
        side.Rows.ShouldBeCloseTo(about.mm(vectors.div(values.sqrt()).mm(vectors.t())), 1e-10);
    }

    [Theory]
    [MemberData(nameof(Scalings))]
    public void LeastSquares_FeelsNoScaling(LatentScaling source, LatentScaling target)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Uneven(50);
        using LatentMapFit plain = Stitcher.Fit(x, y, new LeastSquaresFitter());
        foreach (bool centre in (bool[])[true, false])
        {
            using LatentMapFit fit = Stitcher.Fit(x, y, new PreparedFitter(new LeastSquaresFitter(), new PreparedOptions { Source = source, Target = target, Centre = centre }));
            fit.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-9);
            fit.Affine.Bias.ShouldBeCloseTo(plain.Affine.Bias, 1e-9);
            fit.Report.Status.Should().Be(FitStatus.Succeeded);
            fit.Report.TrainingR2.Should().BeApproximately(plain.Report.TrainingR2, 1e-12);
        }
    }

    [Theory]
    [MemberData(nameof(Scalings))]
    public void AwkwardColumnsAndFewRows_AreFiniteAndKeepConstants(LatentScaling source, LatentScaling target)
    {
        using var scope = NewDisposeScope();
        foreach (long rows in (long[])[5, 40])
        {
            Tensor x = Draws.Awkward(rows, 9, 1), y = Draws.Awkward(rows, 7, 2);
            using LatentMapFit fit = Stitcher.Fit(x, y, new PreparedFitter(new LeastSquaresFitter(), new PreparedOptions { Source = source, Target = target }));
            fit.Report.Status.Should().Be(FitStatus.RankDeficient);
            Tensor mapped = fit.Map.Apply(x);
            mapped[.., 1].ShouldBeCloseTo(y[.., 1], 1e-12);
            mapped[.., 2].ShouldBeCloseTo(mapped[.., 0], 1e-9);
            fit.Affine.Weight[.., 1].abs().max().ToDouble().Should().BeLessThan(1e-12, "a constant column says nothing");
            if (rows == 5) mapped.ShouldBeCloseTo(y, 1e-9, "five rows can be passed through");
            using LatentMapFit ridge = Stitcher.Fit(x, y, new PreparedFitter(new RidgeFitter(1), new PreparedOptions { Source = source, Target = target }));
            ridge.Report.Status.Should().Be(FitStatus.Succeeded);
        }
    }

    // ‖XD⁻¹V − Y‖² + α‖V‖², W = D⁻¹V: a penalty of α·dⱼ² on row j of W.
    [Fact]
    public void StandardisedRidge_IsRidgeWithAPenaltyAColumn()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Uneven(50);
        Tensor a = Draws.Centred(x), b = Draws.Centred(y), variances = a.square().mean([0]);
        Tensor expected = linalg.solve(a.t().mm(a).add(diag(variances.mul(7))), a.t().mm(b)).t();
        using LatentMapFit fit = Stitcher.Fit(x, y, new PreparedFitter(new RidgeFitter(7)));
        fit.Affine.Weight.ShouldBeCloseTo(expected, 1e-11);
        fit.Affine.Bias.ShouldBeCloseTo(y.mean([0]).sub(expected.mv(x.mean([0]))), 1e-11);
        // The target's scale changes nothing at one strength.
        using LatentMapFit both = Stitcher.Fit(x, y, new PreparedFitter(new RidgeFitter(7), new PreparedOptions { Target = LatentScaling.ZcaWhitened }));
        both.Affine.Weight.ShouldBeCloseTo(expected, 1e-11);
    }

    // (nI + αI)⁻¹ of whitened rows: least squares, shrunk.
    [Theory]
    [InlineData(LatentScaling.PcaWhitened)]
    [InlineData(LatentScaling.ZcaWhitened)]
    public void WhitenedRidge_IsShrunkLeastSquares(LatentScaling scaling)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Uneven(50);
        using LatentMapFit plain = Stitcher.Fit(x, y, new LeastSquaresFitter());
        using LatentMapFit fit = Stitcher.Fit(x, y, new PreparedFitter(new RidgeFitter(25), new PreparedOptions { Source = scaling }));
        fit.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight.mul(50.0 / 75), 1e-9);
        fit.Report.Alpha.Should().Be(25);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public void StandardisedProcrustes_IsTheFittersOwn(bool centre, bool scaling)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Awkward(40, 6, 1).mul(3), y = Draws.Matrix(40, 4, 2).add(1);
        ProcrustesOptions options = new() { FitIntercept = centre, Scaling = scaling };
        using LatentMapFit own = Stitcher.Fit(x, y, new ProcrustesFitter(options with { Standardise = true }));
        using LatentMapFit fit = Stitcher.Fit(
            x, y, new PreparedFitter(new ProcrustesFitter(options), new PreparedOptions { Source = LatentScaling.Standardised, Target = LatentScaling.Standardised, Centre = centre }));
        fit.Affine.Weight.ShouldBeCloseTo(own.Affine.Weight, 1e-10);
        fit.Affine.Bias.ShouldBeCloseTo(own.Affine.Bias, 1e-10);
        fit.Report.TrainingR2.Should().BeApproximately(own.Report.TrainingR2, 1e-10);
    }

    // Canonical correlations: a rotation between whitened spaces, in both with the factor of least squared error among the whitened.
    [Fact]
    public void WhitenedProcrustes_IsTheWhiteningFitter()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Uneven(50);
        PreparedOptions options = new() { Source = LatentScaling.ZcaWhitened, Target = LatentScaling.ZcaWhitened };
        using LatentMapFit own = Stitcher.Fit(x, y, new WhiteningFitter(new WhiteningOptions { Alpha = 0, Scaling = true }));
        using LatentMapFit fit = Stitcher.Fit(x, y, new PreparedFitter(new ProcrustesFitter(new ProcrustesOptions { Scaling = true }), options));
        fit.Affine.Weight.ShouldBeCloseTo(own.Affine.Weight, 1e-8);
    }

    [Fact]
    public void GradientSteps_OnStandardisedColumns_ArriveWhereTheyOtherwiseDoNot()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Uneven(80);
        GradientDescentFitter steps = new(new GradientDescentOptions { Optimiser = GradientOptimiser.Sgd, LearningRate = 0.3, MaxIterations = 20000, Tolerance = 1e-9 });
        using LatentPairs pairs = new(x, y);
        using LatentMapFit raw = steps.Fit(pairs), fit = Stitcher.Fit(x, y, new PreparedFitter(steps)), plain = Stitcher.Fit(x, y, new LeastSquaresFitter());
        raw.Report.Status.Should().Be(FitStatus.Diverged);
        fit.Report.Status.Should().Be(FitStatus.Succeeded);
        fit.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-6);
    }

    [Theory]
    [InlineData(1e200)]
    [InlineData(1e-200)]
    public void Scales_NearTheLimitsOfFloat64_AreSafe(double scale)
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Uneven(50);
        foreach (LatentScaling scaling in (LatentScaling[])[LatentScaling.Standardised, LatentScaling.PcaWhitened])
        {
            using LatentMapFit fit = Stitcher.Fit(x.mul(scale), y, new PreparedFitter(new RidgeFitter(3), new PreparedOptions { Source = scaling }));
            using LatentMapFit other = Stitcher.Fit(x, y, new PreparedFitter(new RidgeFitter(3), new PreparedOptions { Source = scaling }));
            fit.Map.Apply(x.mul(scale)).ShouldBeCloseTo(other.Map.Apply(x), 1e-9);
        }
    }

    // Their deviation of n − 1 is larger, and so is the share that a strength takes.
    [Fact]
    public void Strength_OfAPipelineThatDividesByTheSampleDeviation_Translates()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Uneven(50);
        Tensor theirs = Draws.Centred(x).div(x.std(0, unbiased: true));
        using LatentMapFit pipeline = Stitcher.Fit(theirs, y, new RidgeFitter(7)), fit = Stitcher.Fit(x, y, new PreparedFitter(new RidgeFitter(7 * 50.0 / 49)));
        fit.Map.Apply(x).ShouldBeCloseTo(pipeline.Map.Apply(theirs), 1e-11);
    }

    [Fact]
    public void Report_TellsThePreparation_AndOnlyErrorsThatHold()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Uneven(50);
        using LatentMapFit source = Stitcher.Fit(x, y, new PreparedFitter(new RidgePathFitter()));
        source.Report.Solver.Should().Be("primal eigendecomposition, source standardised");
        source.Report.LeaveOneOutR2.Should().BeInRange(0.1, source.Report.TrainingR2);
        (1 - (Draws.SquaredError(source.Map, x, y) / Draws.Centred(y).square().sum().ToDouble())).Should().BeApproximately(source.Report.TrainingR2, 1e-12);
        using LatentMapFit both = Stitcher.Fit(x, y, new PreparedFitter(new RidgePathFitter(), new PreparedOptions { Source = LatentScaling.PcaWhitened, Target = LatentScaling.Standardised }));
        both.Report.Solver.Should().Be("primal eigendecomposition, source PCA-whitened, target standardised");
        both.Report.LeaveOneOutR2.Should().BeNull("its columns weigh otherwise");
        both.Report.Should().Match<FitReport>(report => report.SourceDimension == 6 && report.TargetDimension == 4 && report.SampleCount == 50);
        (1 - (Draws.SquaredError(both.Map, x, y) / Draws.Centred(y).square().sum().ToDouble())).Should().BeApproximately(both.Report.TrainingR2, 1e-12);

        // Without an offset anywhere, the mean is not taken off.
        using LatentMapFit bare = Stitcher.Fit(
            x, y, new PreparedFitter(new RidgeFitter(new RidgeOptions { Alpha = 1, FitIntercept = false }), new PreparedOptions { Target = LatentScaling.Standardised, Centre = false }));
        bare.Affine.Bias.abs().max().ToDouble().Should().Be(0);
        bare.Report.TrainingR2.Should().BeApproximately(1 - (Draws.SquaredError(bare.Map, x, y) / y.square().sum().ToDouble()), 1e-12);

        new PreparedFitter(new RidgeFitter(1)).ToString().Should().Be("ridge, alpha 1, source standardised");
        new PreparedFitter(new RidgeFitter(1), new PreparedOptions { Source = LatentScaling.None, Target = LatentScaling.ZcaWhitened, Centre = false }).ToString().Should().Be("ridge, alpha 1, target ZCA-whitened, about zero");
        new PreparedFitter(new RidgeFitter(1), new PreparedOptions { Source = LatentScaling.None }).ToString().Should().Be("ridge, alpha 1, centred");
        new PreparedFitter(new RidgeFitter(1), new PreparedOptions { Source = LatentScaling.None, Centre = false }).ToString().Should().Be("ridge, alpha 1, as it is");
    }

    [Theory]
    [InlineData(LatentScaling.Standardised)]
    [InlineData(LatentScaling.ZcaWhitened)]
    public void Form_StaysSmall_AndIsTheSameMap(LatentScaling scaling)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(10, 40, 1).mul(arange(1, 41, ScalarType.Float64)), y = Draws.Matrix(10, 30, 2), held = Draws.Matrix(4, 40, 3);
        PreparedOptions options = new() { Source = scaling, Target = scaling };
        using LatentMapFit fit = Stitcher.Fit(x, y, new PreparedFitter(new RidgeFitter(1), options));
        fit.Affine.Form.Should().StartWith("factored, rank at most");
        var from = PreparedSide.Of(x, scaling, centre: true);
        var to = PreparedSide.Of(y, scaling, centre: true);
        using LatentMapFit inner = Stitcher.Fit(from.Rows, to.Rows, new RidgeFitter(1));
        Tensor mapped = inner.Map.Apply(from.Rows);
        Tensor back = scaling == LatentScaling.Standardised ? mapped.mul(to.Spread!) : mapped.mm(linalg.pinv(to.Rows)).mm(Draws.Centred(y));
        fit.Map.Apply(x).ShouldBeCloseTo(back.add(to.Centre), 1e-9);
        fit.Map.Apply(held).isfinite().all().ToBoolean().Should().BeTrue();
    }

    [Fact]
    public void Blocks_StayBlocks_AndConvolutionsBecomeDense()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(40, 8, 1).mul(arange(1, 9, ScalarType.Float64)), y = Draws.Matrix(40, 8, 2);
        var space = LatentSpace.Of(("a", [4]), ("b", [1, 2, 2]));
        BlockFitter blocks = new(new BlockOptions { Source = space, Target = space });
        using LatentMapFit fit = Stitcher.Fit(x, y, new PreparedFitter(blocks, new PreparedOptions { Target = LatentScaling.Standardised }));
        fit.Affine.Form.Should().StartWith("2 blocks");
        using LatentMapFit first = Stitcher.Fit(x.narrow(1, 0, 4), y.narrow(1, 0, 4), new PreparedFitter(new RidgePathFitter(), new PreparedOptions { Target = LatentScaling.Standardised }));
        fit.Map.Apply(x).narrow(1, 0, 4).ShouldBeCloseTo(first.Map.Apply(x.narrow(1, 0, 4)), 1e-9);
        ConvolutionFitter convolution = new(new ConvolutionOptions { SourceShape = [2, 2, 2], TargetShape = [2, 2, 2] });
        using LatentMapFit dense = Stitcher.Fit(x, y, new PreparedFitter(convolution));
        dense.Affine.Form.Should().Be("dense");
        var prepared = PreparedSide.Of(x, LatentScaling.Standardised, centre: true);
        using LatentMapFit inner = Stitcher.Fit(prepared.Rows, Draws.Centred(y), convolution);
        dense.Map.Apply(x).ShouldBeCloseTo(inner.Map.Apply(prepared.Rows).add(y.mean([0])), 1e-12);
    }

    [Fact]
    public void MapType_IsThatOfTheMap()
    {
        using var scope = NewDisposeScope();
        (Tensor x, Tensor y) = Uneven(50);
        (x, y) = (x.to_type(ScalarType.Float32), y.to_type(ScalarType.Float32));
        using LatentMapFit plain = Stitcher.Fit(x, y, new PreparedFitter(new RidgeFitter(1)));
        plain.Affine.Weight.dtype.Should().Be(ScalarType.Float64);
        using LatentMapFit narrow = Stitcher.Fit(x, y, new PreparedFitter(new RidgeFitter(1), new PreparedOptions { MapType = ScalarType.Float32 }));
        narrow.Affine.Weight.dtype.Should().Be(ScalarType.Float32);
        narrow.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-7);
    }

    [Fact]
    public void WhatDoesNotFit_IsRefused()
    {
        using var scope = NewDisposeScope();
        Action scaling = () => _ = new PreparedOptions { Target = (LatentScaling)9 };
        scaling.ShouldRefuse("Target", "Target must be one of None, Standardised, PcaWhitened, ZcaWhitened, but it is 9.");
        Action source = () => _ = new PreparedOptions { Source = (LatentScaling)9 };
        source.ShouldRefuse("Source", "Source must be one of None, Standardised, PcaWhitened, ZcaWhitened, but it is 9.");
        Action type = () => _ = new PreparedOptions { MapType = ScalarType.Int32 };
        type.ShouldRefuse("MapType", "MapType must be a floating-point type, but it is Int32.");
        Action missing = () => _ = new PreparedFitter(null!);
        missing.Should().Throw<ArgumentNullException>().WithParameterName("inner");
        using LatentPairs pairs = new(Draws.Matrix(30, 3, 1), Draws.Matrix(30, 2, 2));
        Action network = () => new PreparedFitter(new MlpFitter(new MlpOptions { HiddenWidth = 2, MaxEpochs = 1 })).Fit(pairs).Dispose();
        network.ShouldSay<InvalidOperationException>("The map is a MlpMap, not an affine map.");
    }

    // Columns of very different scales and an offset.
    private static (Tensor X, Tensor Y) Uneven(long rows)
    {
        Tensor scales = tensor(new[] { 1, 10, 0.1, 3, 30, 0.5 });
        Tensor x = Draws.Matrix(rows, 6, 1).mul(scales), y = x.div(scales).mm(Draws.Matrix(6, 4, 2)).add(Draws.Matrix(rows, 4, 3)).mul(tensor(new[] { 1, 5, 0.2, 2 }));
        return (x.add(2), y.add(-1));
    }
}
