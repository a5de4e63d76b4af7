using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>One source for many targets gives what the fitters give for each pair.</summary>
[NoTensorLeaks]
public sealed class SharedSourceTests
{
    // Rows, columns: primal, dual, square, and so few rows that the explicit form of a dual map is factored.
    public static TheoryData<long, long, double, bool> Shapes()
    {
        TheoryData<long, long, double, bool> data = [];
        foreach ((long rows, long columns) in new (long, long)[] { (60, 8), (12, 40), (20, 20), (21, 20), (5, 40) })
        {
            foreach (double alpha in (double[])[0, 0.3, 50])
            {
                data.Add(rows, columns, alpha, true);
                data.Add(rows, columns, alpha, false);
            }
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(Shapes))]
    public void Fit_IsTheRidgeFit(long rows, long columns, double alpha, bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(rows, columns, 1).add(2), held = Draws.Matrix(90, columns, 5).add(2);
        using SharedSource source = new(x, intercept);
        foreach (long width in (long[])[3, 70])
        {
            Tensor y = Draws.Matrix(rows, width, 2).add(1);
            using LatentPairs pairs = new(x, y);
            using LatentMapFit plain = new RidgeFitter(new RidgeOptions { Alpha = alpha, FitIntercept = intercept }).Fit(pairs), shared = source.Fit(y, alpha);
            shared.Map.Apply(held).ShouldBeCloseTo(plain.Map.Apply(held), 1e-10);
            shared.Map.Apply(held.narrow(0, 0, 2)).ShouldBeCloseTo(plain.Map.Apply(held.narrow(0, 0, 2)), 1e-10);
            shared.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-10);
            shared.Affine.Bias.ShouldBeCloseTo(plain.Affine.Bias, 1e-10);
            (shared.Report.Status, shared.Report.Rank, shared.Report.Alpha).Should().Be((plain.Report.Status, plain.Report.Rank, alpha));
            shared.Report.DegreesOfFreedom.Should().BeApproximately(plain.Report.DegreesOfFreedom!.Value, 1e-9);
            shared.Report.ConditionNumber.Should().BeApproximately(plain.Report.ConditionNumber!.Value, 1e-9 * plain.Report.ConditionNumber.Value);
            shared.Report.TrainingR2.Should().BeApproximately(plain.Report.TrainingR2, 1e-11);
            Tensor together = source.Predict(held, [y], alpha)[0];
            together.ShouldBeCloseTo(plain.Map.Apply(held), 1e-10);
        }
    }

    [Fact]
    public void Fit_SingularSource_IsTheLeastNormSolution()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Awkward(40, 6, 1), y = Draws.Matrix(40, 3, 2);
        using SharedSource source = new(x);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit plain = new LeastSquaresFitter().Fit(pairs), shared = source.Fit(y, 0);
        shared.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-12);
        shared.Report.Should().Match<FitReport>(report => report.Status == FitStatus.RankDeficient && report.Rank == 4 && report.Solver == "singular value decomposition");
        source.Predict(x, [y], 0)[0].ShouldBeCloseTo(plain.Map.Apply(x), 1e-12);
    }

    [Theory]
    [InlineData(60, 8, true)]
    [InlineData(12, 40, true)]
    [InlineData(20, 20, true)]
    [InlineData(21, 20, true)]
    [InlineData(12, 40, false)]
    [InlineData(60, 8, false)]
    public void FitPath_IsTheRidgePath(long rows, long columns, bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(rows, columns, 1);
        using SharedSource source = new(x, intercept);
        foreach ((long width, bool perTarget) in new (long, bool)[] { (3, false), (50, false), (3, true) })
        {
            Tensor y = x.mm(Draws.Matrix(columns, width, 3)).add(Draws.Matrix(rows, width, 2));
            RidgePathOptions options = new() { PerTarget = perTarget, FitIntercept = intercept };
            using LatentPairs pairs = new(x, y);
            using LatentMapFit plain = new RidgePathFitter(options).Fit(pairs), shared = source.FitPath(y, options);
            shared.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-10);
            shared.Affine.Bias.ShouldBeCloseTo(plain.Affine.Bias, 1e-10);
            shared.Report.Path.Select(point => point.Alpha).Should().Equal(plain.Report.Path.Select(point => point.Alpha));
            shared.Report.LeaveOneOutR2.Should().BeApproximately(plain.Report.LeaveOneOutR2!.Value, 1e-11);
            shared.Report.Solver.Should().Be(plain.Report.Solver);
        }
    }

    [Fact]
    public void DualMap_DoesWhatADenseOneDoes()
    {
        using var scope = NewDisposeScope();
        foreach ((long rows, long width) in new (long, long)[] { (9, 30), (20, 4) })
        {
            Tensor x = Draws.Matrix(rows, 25, 1).add(1), y = Draws.Matrix(rows, width, 2);
            using SharedSource source = new(x);
            using LatentMapFit fit = source.Fit(y, 0.7);
            AffineMap map = fit.Affine;
            (map.Form, map.ParameterCount).Should().Be(($"kernel of {rows} rows", rows * (25 + width)));
            using AffineMap dense = new(map.Weight, map.Bias);
            Tensor z = Draws.Matrix(6, 25, 3), back = Draws.Matrix(4, width, 4);
            map.Apply(z).ShouldBeCloseTo(dense.Apply(z), 1e-12);
            map.Transport(z).ShouldBeCloseTo(dense.Transport(z), 1e-12);
            map.PullBack(back).ShouldBeCloseTo(dense.PullBack(back), 1e-12);
            using AffineMap next = new(Draws.Matrix(5, width, 6), Draws.Matrix(1, 5, 7)[0]), both = map.Then(next), same = dense.Then(next);
            using AffineMap before = new(Draws.Matrix(25, 7, 8)), after = before.Then(map);
            both.Apply(z).ShouldBeCloseTo(same.Apply(z), 1e-12);
            after.Apply(Draws.Matrix(3, 7, 9)).ShouldBeCloseTo(dense.Apply(before.Apply(Draws.Matrix(3, 7, 9))), 1e-12);
            using AffineMap inverse = map.Inverse(out InverseReport how), other = dense.Inverse(out InverseReport expected);
            how.Rank.Should().Be(expected.Rank);
            inverse.Apply(back).ShouldBeCloseTo(other.Apply(back), 1e-9);
            map.RankCurve().SingularValues[0].Should().BeApproximately(dense.RankCurve().SingularValues[0], 1e-10);
            using AffineMap blocks = AffineMap.Blocks(map, dense);
            blocks.Apply(cat([z, z], 1)).ShouldBeCloseTo(cat([dense.Apply(z), dense.Apply(z)], 1), 1e-12);
            string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
            try
            {
                map.Save(path);
                using AffineMap loaded = AffineMap.Load(path);
                loaded.Form.Should().Be(rows == 9 ? "factored, rank at most 9" : "dense");
                loaded.Apply(z).ShouldBeCloseTo(dense.Apply(z), 1e-12);
            }
            finally
            {
                File.Delete(path);
            }
        }
    }

    [Fact]
    public void DualMap_OutlivesItsSource_AndPassesGradients()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(8, 20, 1), y = Draws.Matrix(8, 3, 2);
        LatentMapFit fit;
        using (SharedSource source = new(x)) fit = source.Fit(y, 1);
        using (fit)
        {
            Tensor z = Draws.Matrix(2, 20, 3).requires_grad_(true);
            fit.Map.Apply(z).sum().backward();
            z.grad!.ShouldBeCloseTo(fit.Affine.Weight.sum([0]).expand(2, 20), 1e-12);
        }
    }

    [Fact]
    public void Float32Latents_GiveFloat64Maps()
    {
        using var scope = NewDisposeScope();
        foreach ((long rows, long columns) in new (long, long)[] { (40, 6), (6, 40) })
        {
            Tensor x = Draws.Matrix(rows, columns, 1).to_type(ScalarType.Float32), y = Draws.Matrix(rows, 3, 2).to_type(ScalarType.Float32);
            using SharedSource source = new(x);
            using LatentMapFit shared = source.Fit(y, 2), plain = Stitcher.Fit(x.to_type(ScalarType.Float64), y.to_type(ScalarType.Float64), new RidgeFitter(2));
            shared.Affine.Weight.dtype.Should().Be(ScalarType.Float64);
            shared.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-12);
            shared.Map.Apply(x).dtype.Should().Be(ScalarType.Float32);
            source.Predict(x, [y, y], 2)[1].dtype.Should().Be(ScalarType.Float32);
        }
    }

    [Fact]
    public void ManyTargets_CostNothingBeforeTheyAreApplied_AndTheReportSaysWhatItLeavesOut()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(960, 970, 1).to_type(ScalarType.Float32), y = x.narrow(1, 0, 100).mm(Draws.Matrix(100, 9400, 2).to_type(ScalarType.Float32)), z = Draws.Matrix(2, 970, 3);
        using SharedSource source = new(x);
        using LatentMapFit many = source.Fit(y, 1), few = source.Fit(y.narrow(1, 0, 7), 1);
        many.Report.TrainingR2.Should().Be(double.NaN);
        few.Report.TrainingR2.Should().BeInRange(0.9, 1);
        many.Report.Status.Should().Be(FitStatus.Succeeded);
        many.Map.Apply(z).narrow(1, 0, 7).ShouldBeCloseTo(few.Map.Apply(z), 1e-11);
    }

    [Fact]
    public void Strengths_MayAlternate()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(8, 20, 1), y = Draws.Matrix(8, 3, 2);
        using SharedSource source = new(x);
        using LatentMapFit one = source.Fit(y, 1), two = source.Fit(y, 2), again = source.Fit(y, 1);
        again.Affine.Weight.ShouldBeCloseTo(one.Affine.Weight, 0);
        two.Affine.Weight.norm().ToDouble().Should().BeLessThan(one.Affine.Weight.norm().ToDouble());
    }

    [Fact]
    public void Misuse_IsRefused()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(8, 4, 1), y = Draws.Matrix(8, 3, 2);
        SharedSource source = new(x);
        source.ToString().Should().Be("source of 8 rows and 4 columns, primal");
        (source.Count, source.SourceDimension, source.FitIntercept).Should().Be((8, 4, true));
        Act(() => new SharedSource(x.narrow(0, 0, 1))).ShouldRefuse("source", "source must hold at least two rows, but it holds 1.");
        Act(() => source.Fit(y, -1)).Should().Throw<ArgumentOutOfRangeException>().WithMessage("alpha must be zero or more and finite, but it is -1.*");
        Act(() => source.Fit(y.narrow(0, 0, 5), 1)).ShouldRefuse(
            "target", "target must hold as many rows as source, but the shapes are [8, 4] and [5, 3]. Row i of both must come from the same input.");
        Act(() => source.FitPath(y, new RidgePathOptions { FitIntercept = false })).ShouldRefuse(
            "options", "options must have FitIntercept True, as this source has, but it is False. Make a source for each.");
        Act(() => source.Predict(x, [], 1)).ShouldRefuse("targets", "targets must hold at least one entry, but it is empty. Pass the latents of each target.");
        using CancellationTokenSource cancelled = new();
        cancelled.Cancel();
        Act(() => source.Fit(y, 1, cancelled.Token)).Should().Throw<OperationCanceledException>();
        Act(() => source.FitPath(y, cancellationToken: cancelled.Token)).Should().Throw<OperationCanceledException>();
        Act(() => source.Predict(x, [y], 1, cancelled.Token)).Should().Throw<OperationCanceledException>();
        source.Dispose();
        source.Dispose();
        source.ToString().Should().Be("source (disposed)");
        Act(() => source.Fit(y, 1)).Should().Throw<ObjectDisposedException>();
        Act(() => source.Count).Should().Throw<ObjectDisposedException>();
    }

    private static Action Act<T>(Func<T> call) => () => call();
}
