using LatentStitching.Fitting;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>What the answers are worth: ill-conditioned sources, float32 products, and the dtype of the map.</summary>
[NoTensorLeaks]
public sealed class PrecisionTests
{
    /// <summary>Gram condition numbers up to 10¹⁶, against Householder QR of [X; √α·I], which squares nothing. The bound is about 10·ε·κ for the predictions of rows like the fitted ones.</summary>
    [Theory]
    [InlineData(1e4, 0, 1e-12)]
    [InlineData(1e6, 0, 1e-10)]
    [InlineData(1e8, 0, 1e-8)]
    [InlineData(1e8, 1e-6, 1e-11)]
    [InlineData(1e8, 1, 1e-13)]
    public void HardSpectrum_PredictionsKeepTheirDigits(double condition, double alpha, double tolerance)
    {
        using var scope = NewDisposeScope();
        const long Rows = 600, Columns = 40, Held = 100;
        Tensor mixing = Draws.Orthogonal(Columns, 1), spectrum = logspace(0, -Math.Log10(condition), Columns, dtype: ScalarType.Float64);
        Tensor all = Draws.Matrix(Rows + Held, Columns, 2).mul(spectrum).mm(mixing).add(0.5);
        Tensor y = all.narrow(0, 0, Rows).mm(Draws.Matrix(Columns, 7, 3)).add(Draws.Matrix(Rows, 7, 4));
        using LatentPairs pairs = new(all.narrow(0, 0, Rows), y);
        using LatentMapFit fit = new RidgeFitter(alpha).Fit(pairs);
        Tensor held = all.narrow(0, Rows, Held), reference = Reference(pairs, alpha, held);
        Error(fit.Map.Apply(held), reference).Should().BeLessThan(tolerance);
    }

    /// <summary>The same of more columns than rows, where the kernel's condition is the squared one: coefficients against the singular value decomposition of the rows, dense and factored.</summary>
    [Theory]
    [InlineData(1e4, 0, 3, 1e-11)]
    [InlineData(5e6, 0, 3, 1e-8)]
    [InlineData(5e6, 0, 500, 1e-8)]
    [InlineData(1e8, 1e-6, 3, 1e-9)]
    public void HardWideSpectrum_CoefficientsKeepTheirDigits(double condition, double alpha, long targets, double tolerance)
    {
        using var scope = NewDisposeScope();
        const long Rows = 40, Columns = 600;
        Tensor spectrum = logspace(0, -Math.Log10(condition), Rows, dtype: ScalarType.Float64);
        Tensor x = Draws.Orthogonal(Rows, 1).mul(spectrum).mm(linalg.qr(Draws.Matrix(Columns, Rows, 2)).Q.t()), y = Draws.Matrix(Rows, targets, 3);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = new RidgeFitter(new RidgeOptions { Alpha = alpha, FitIntercept = false }).Fit(pairs);
        (Tensor u, Tensor s, Tensor vh) = linalg.svd(x, fullMatrices: false);
        Tensor expected = vh.t().mm(u.t().mm(y).mul(s.div(s.square().add(alpha)).unsqueeze(1))).t();
        fit.Report.Solver.Should().StartWith("dual Cholesky");
        fit.Affine.Weight.ShouldBeCloseTo(expected, tolerance);
    }

    /// <summary>Sums of blocks of 512 rows, of latents of a falling spectrum far from zero, against QR of the rows: the Gram matrix is centred block by block, so an offset costs nothing but its own rounding in the float32 latents.</summary>
    [Theory]
    [InlineData(0, 0, 1e-11)]
    [InlineData(30, 0, 1e-11)]
    [InlineData(1000, 0, 1e-10)]
    [InlineData(0, 1000, 1e-13)]
    [InlineData(30, 1000, 1e-12)]
    [InlineData(1000, 1000, 1e-11)]
    public void StreamedFit_KeepsItsDigits_WhateverTheOffset(double offset, double alpha, double tolerance)
    {
        using var scope = NewDisposeScope();
        const long Rows = 3000, Columns = 96, Held = 100;
        Tensor spectrum = arange(1, Columns + 1, ScalarType.Float64).reciprocal();
        Tensor all = Draws.Matrix(Rows + Held, Columns, 1).mul(spectrum).mm(Draws.Orthogonal(Columns, 2)).add(offset).to_type(ScalarType.Float32), x = all.narrow(0, 0, Rows);
        Tensor y = x.to_type(ScalarType.Float64).sub(offset).mm(Draws.Matrix(Columns, 5, 3)).add(Draws.Matrix(Rows, 5, 4)).add(offset).to_type(ScalarType.Float32);
        using LatentPairs pairs = new(x, y);
        using PairStatistics statistics = new(Columns, 5);
        for (long start = 0; start < Rows; start += 512) statistics.Add(x.narrow(0, start, Math.Min(512, Rows - start)), y.narrow(0, start, Math.Min(512, Rows - start)));
        using LatentMapFit fit = new RidgeFitter(alpha).Fit(statistics);
        Tensor held = all.narrow(0, Rows, Held).to_type(ScalarType.Float64);
        Error(fit.Map.Apply(held), Reference(pairs, alpha, held)).Should().BeLessThan(tolerance);
    }

    /// <summary>Few right sides of many rows: the kernel and its factor are float32, and what comes out has float64's digits all the same.</summary>
    [Fact]
    public void WideSourceOfManyRows_FactorsInFloat32_AndKeepsFloat64Digits()
    {
        using var scope = NewDisposeScope();
        const long Rows = 2064, Columns = 2100, Held = 20;
        Tensor spectrum = arange(1, Columns + 1, ScalarType.Float64).rsqrt();
        Tensor all = Draws.Matrix(Rows + Held, Columns, 1).mul(spectrum).add(10), x = all.narrow(0, 0, Rows), held = all.narrow(0, Rows, Held);
        Tensor y = x.narrow(1, 0, 3).add(Draws.Matrix(Rows, 3, 2)).add(5);
        using LatentPairs pairs = new(x, y);
        foreach ((double alpha, string solver) in ((double, string)[])[(1, "dual Cholesky in float32, corrected"), (1e3, "dual Cholesky in float32, corrected"), (1e-4, "dual Cholesky")])
        {
            using LatentMapFit fit = new RidgeFitter(alpha).Fit(pairs);
            fit.Report.Solver.Should().Be(solver, "alpha {0}", alpha);
            using SharedSource source = new(x);
            Tensor weights = fit.Map.Apply(held), predicted = source.Predict(held, [y], alpha)[0];
            // (XᵀX + αI)W = XᵀY, of what no fitter has a part in.
            Tensor centred = x - x.mean([0]), targets = y - y.mean([0]), w = fit.Affine.Weight.t();
            Tensor gradient = centred.t().mm(targets - centred.mm(w)) - w.mul(alpha);
            (gradient.norm().ToDouble() / centred.t().mm(targets).norm().ToDouble()).Should().BeLessThan(1e-9);
            predicted.ShouldBeCloseTo(weights, 1e-9);
            // Kept for the second time, and given up for the float64 kernel.
            source.Predict(held, [y], alpha)[0].ShouldBeCloseTo(predicted, 0);
            using LatentMapFit shared = source.Fit(y, alpha);
            shared.Map.Apply(held).ShouldBeCloseTo(weights, 1e-9);
            source.Predict(held, [y], alpha)[0].ShouldBeCloseTo(weights, 1e-9);
        }
    }

    [Theory]
    [InlineData(400, 30, 1, 1e-5)]
    [InlineData(30, 200, 1, 2e-6)]
    [InlineData(30, 200, 1e-3, 1e-4)]
    public void Fast_IsNearTheExactFit_AndSaysSo(long rows, long columns, double alpha, double tolerance)
    {
        using var scope = NewDisposeScope();
        Tensor spectrum = arange(1, columns + 1, ScalarType.Float64).reciprocal();
        Tensor x = Draws.Matrix(rows, columns, 1).mul(spectrum).add(3).to_type(ScalarType.Float32), y = Draws.Matrix(rows, 5, 2).to_type(ScalarType.Float32);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit exact = new RidgeFitter(alpha).Fit(pairs);
        RidgeFitter fitter = new(new RidgeOptions { Alpha = alpha, Fast = true });
        fitter.ToString().Should().Be(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"ridge, alpha {alpha}, fast"));
        using LatentMapFit fast = fitter.Fit(pairs);
        fast.Affine.Weight.ShouldBeCloseTo(exact.Affine.Weight, tolerance);
        fast.Report.Solver.Should().Contain("float32");
        fast.Report.TrainingR2.Should().BeApproximately(exact.Report.TrainingR2, 1e-5);
        fast.Report.DegreesOfFreedom.Should().BeApproximately(exact.Report.DegreesOfFreedom!.Value, 1e-3);
        using LatentPairs turned = new(y.narrow(1, 0, 2), x);
        using LatentMapFit least = new LeastSquaresFitter(new LeastSquaresOptions { Fast = true }).Fit(turned), plain = new LeastSquaresFitter().Fit(turned);
        least.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-5);
    }

    /// <summary>A float32 factor of which fewer than four digits would come is corrected through the rows.</summary>
    [Fact]
    public void Fast_KernelOfSmallStrength_IsCorrected()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(30, 200, 1).mul(arange(1, 201, ScalarType.Float64).pow(-3)).to_type(ScalarType.Float32), y = Draws.Matrix(30, 5, 2).to_type(ScalarType.Float32);
        using LatentPairs pairs = new(x, y);
        RidgeOptions options = new() { Alpha = 1e-3 };
        using LatentMapFit exact = new RidgeFitter(options).Fit(pairs), fast = new RidgeFitter(options with { Fast = true }).Fit(pairs);
        fast.Report.Solver.Should().Be("dual Cholesky in float32, corrected");
        fast.Affine.Weight.ShouldBeCloseTo(exact.Affine.Weight, 1e-6);
    }

    [Fact]
    public void Fast_WhatFloat32CannotTellFromSingular_IsFittedExactly()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(200, 6, 1).mul(logspace(0, -5, 6, dtype: ScalarType.Float64)).mm(Draws.Orthogonal(6, 3)), y = Draws.Matrix(200, 3, 2);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fast = new LeastSquaresFitter(new LeastSquaresOptions { Fast = true }).Fit(pairs), exact = new LeastSquaresFitter().Fit(pairs);
        fast.Report.Solver.Should().Be("primal Cholesky");
        fast.Affine.Weight.ShouldBeCloseTo(exact.Affine.Weight, 1e-12);
        // A constant column is no direction for float32 either.
        using LatentPairs awkward = new(Draws.Awkward(60, 6, 4).to_type(ScalarType.Float32), Draws.Matrix(60, 2, 5).to_type(ScalarType.Float32));
        using LatentMapFit least = new LeastSquaresFitter(new LeastSquaresOptions { Fast = true }).Fit(awkward);
        least.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == 4);
    }

    /// <summary>By default a map of float32 latents has all of float64's digits: held-out rows against QR in float64, where the rounding of a float32 map alone would leave 10⁻⁸ and more.</summary>
    [Fact]
    public void DefaultMaps_OfFloat32Latents_AreFloat64()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(300, 20, 1).to_type(ScalarType.Float32), y = Draws.Matrix(300, 4, 2).to_type(ScalarType.Float32), held = Draws.Matrix(50, 20, 3);
        using LatentPairs pairs = new(x, y);
        using PairStatistics statistics = PairStatistics.Of([pairs]);
        foreach ((double alpha, ILatentMapFitter fitter) in (IEnumerable<(double, ILatentMapFitter)>)[(0, new LeastSquaresFitter()), (1, new RidgeFitter(1)), (1, new RidgePathFitter(new RidgePathOptions { Alphas = [1] }))])
        {
            Tensor reference = Reference(pairs, alpha, held);
            using LatentMapFit fit = fitter.Fit(pairs);
            (fit.Affine.Weight.dtype, fit.Affine.Bias.dtype, fit.Map.Apply(x).dtype).Should().Be((ScalarType.Float64, ScalarType.Float64, ScalarType.Float32));
            Error(fit.Map.Apply(held), reference).Should().BeLessThan(1e-12);
            if (fitter is RidgePathFitter) continue;
            using LatentMapFit streamed = ((IStatisticsFitter)fitter).Fit(statistics);
            Error(streamed.Map.Apply(held), reference).Should().BeLessThan(1e-12);
        }
    }

    [Fact]
    public void MapType_IsThatOfTheMap()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(300, 20, 1).to_type(ScalarType.Float32), y = Draws.Matrix(300, 4, 2).to_type(ScalarType.Float32), held = Draws.Matrix(50, 20, 3);
        using LatentPairs pairs = new(x, y), few = new(x.narrow(0, 0, 10), x.narrow(0, 10, 10));
        using PairStatistics statistics = PairStatistics.Of([pairs]);
        RidgeOptions ridge = new() { MapType = ScalarType.Float32 };
        LeastSquaresOptions least = new() { MapType = ScalarType.Float32 };
        RidgePathOptions path = new() { Alphas = [1], MapType = ScalarType.Float32 };
        foreach ((double alpha, LatentMapFit fit) in (IEnumerable<(double, LatentMapFit)>)
            [
                (1, new RidgeFitter(ridge).Fit(pairs)), (1, new RidgeFitter(ridge).Fit(statistics)), (0, new LeastSquaresFitter(least).Fit(pairs)), (0, new LeastSquaresFitter(least).Fit(statistics)),
                (1, new RidgePathFitter(path).Fit(pairs)), (1, new RidgePathFitter(path with { Criterion = RidgeCriterion.GeneralisedCrossValidation }).Fit(statistics)),
            ])
        {
            using LatentMapFit narrow = fit;
            (fit.Affine.Weight.dtype, fit.Affine.Bias.dtype).Should().Be((ScalarType.Float32, ScalarType.Float32));
            Error(fit.Map.Apply(held), Reference(pairs, alpha, held)).Should().BeInRange(1e-9, 1e-6);
        }
        using LatentMapFit dual = new RidgeFitter(ridge).Fit(few), halves = new RidgeFitter(ridge with { MapType = ScalarType.Float16 }).Fit(pairs);
        (dual.Affine.Bias.dtype, halves.Affine.Bias.dtype).Should().Be((ScalarType.Float32, ScalarType.Float16));
        foreach (Func<object> options in (Func<object>[])[() => new RidgeOptions { MapType = ScalarType.Int32 }, () => new LeastSquaresOptions { MapType = ScalarType.Int32 }, () => new RidgePathOptions { MapType = ScalarType.Int32 }])
        {
            options.Should().Throw<ArgumentOutOfRangeException>().WithMessage("MapType must be a floating-point type, but it is Int32.*");
        }
    }

    [Fact]
    public void DualFit_IsFactoredWhereThatIsSmaller()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(10, 60, 1).add(2), y = Draws.Matrix(10, 50, 2), held = Draws.Matrix(20, 60, 3);
        foreach (double alpha in (double[])[0, 0.5])
        {
            using LatentPairs pairs = new(x, y), few = new(x, y.narrow(1, 0, 5));
            using LatentMapFit factored = new RidgeFitter(alpha).Fit(pairs), dense = new RidgeFitter(alpha).Fit(few);
            (factored.Affine.Form, factored.Affine.ParameterCount, dense.Affine.Form).Should().Be(("factored, rank at most 10", 10 * 110, "dense"));
            factored.Map.Apply(held).narrow(1, 0, 5).ShouldBeCloseTo(dense.Map.Apply(held), 1e-12);
            Tensor xc = x - x.mean([0]), yc = y - y.mean([0]);
            Tensor expected = alpha == 0 ? linalg.pinv(xc).mm(yc) : xc.t().mm(linalg.solve(xc.mm(xc.t()) + (eye(10, dtype: ScalarType.Float64) * alpha), yc));
            factored.Affine.Weight.ShouldBeCloseTo(expected.t(), 1e-11);
            factored.Report.Solver.Should().Be("dual Cholesky, factored");
            double residual = (factored.Map.Apply(x) - y).square().sum().ToDouble();
            factored.Report.TrainingR2.Should().BeApproximately(1 - (residual / yc.square().sum().ToDouble()), 1e-11);
        }
    }

    [Fact]
    public void ManyColumns_DegreesAndTheConditionAreExact()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(700, 300, 1), y = Draws.Matrix(700, 2, 2), values = linalg.svdvals(Draws.Centred(x)).square();
        using LatentMapFit ridge = Stitcher.Fit(x, y, new RidgeFitter(30)), least = Stitcher.Fit(x, y, new LeastSquaresFitter());
        double freedom = values.div(values.add(30)).sum().ToDouble() + 1;
        ridge.Report.DegreesOfFreedom.Should().BeApproximately(freedom, 1e-9);
        (ridge.Report.Rank, ridge.Report.ConditionNumber).Should().Be((null, null));
        least.Report.Rank.Should().Be(300);
        (least.Report.ConditionNumber!.Value / Math.Sqrt(values[0].ToDouble() / values[-1].ToDouble())).Should().BeApproximately(1, 1e-10);
    }

    // [X; √α·I] = QR: no Gram matrix, so nothing is squared.
    private static Tensor Reference(LatentPairs pairs, double alpha, Tensor held)
    {
        using var scope = NewDisposeScope();
        Tensor x = pairs.Source.to_type(ScalarType.Float64), y = pairs.Target.to_type(ScalarType.Float64), xMean = x.mean([0]), yMean = y.mean([0]);
        Tensor rows = cat([x - xMean, eye(x.size(1), dtype: ScalarType.Float64) * Math.Sqrt(alpha)]), targets = cat([y - yMean, zeros(x.size(1), y.size(1), ScalarType.Float64)]);
        (Tensor q, Tensor r) = linalg.qr(rows);
        return (held - xMean).mm(linalg.solve_triangular(r, q.t().mm(targets), upper: true)).add(yMean).MoveToOuterDisposeScope();
    }

    private static double Error(Tensor prediction, Tensor reference)
    {
        using var scope = NewDisposeScope();
        return (prediction - reference).norm().ToDouble() / (reference - reference.mean([0])).norm().ToDouble();
    }
}
