using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>Reduced rank from the smallest side, which is that of the rows where there are fewer pairs than columns on both, against the formula from the target's.</summary>
[NoTensorLeaks]
public sealed class DualReducedRankTests
{
    [Theory]
    [InlineData(9, 20, 15, 0, true)]
    [InlineData(9, 20, 15, 0, false)]
    [InlineData(9, 15, 20, 3, true)]
    [InlineData(14, 20, 15, 3, false)]
    [InlineData(14, 15, 15, 0.01, true)]
    [InlineData(15, 20, 15, 3, true)]
    [InlineData(30, 20, 15, 3, true)]
    [InlineData(30, 20, 15, 0, true)]
    [InlineData(30, 15, 20, 3, true)]
    [InlineData(30, 15, 20, 0, false)]
    [InlineData(16, 12, 20, 0, true)]
    public void Fit_EveryRank_IsThePrimalFormula(long rows, long source, long target, double alpha, bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(rows, source, 1).add(4), y = x.mm(Draws.Matrix(source, target, 2)).mul(0.2).add(Draws.Matrix(rows, target, 3));
        Tensor a = intercept ? Draws.Centred(x) : x, b = intercept ? Draws.Centred(y) : y, held = Draws.Matrix(6, source, 4);
        Tensor moments = a.t().mm(a).add(eye(source, dtype: ScalarType.Float64).mul(alpha));
        Tensor full = alpha > 0 ? linalg.solve(moments, a.t().mm(b)) : linalg.pinv(a).mm(b);
        Tensor directions = linalg.eigh(full.t().mm(moments).mm(full)).Item2.flip(1);
        for (int rank = 1; rank < Math.Min(rows, Math.Min(source, target)); rank++)
        {
            using LatentMapFit fit = Stitcher.Fit(x, y, new ReducedRankFitter(new ReducedRankOptions { Rank = rank, Alpha = alpha, FitIntercept = intercept }));
            Tensor basis = directions.narrow(1, 0, rank), expected = full.mm(basis).mm(basis.t());
            fit.Affine.Weight.t().ShouldBeCloseTo(expected, 1e-9);
            fit.Affine.Bias.ShouldBeCloseTo(intercept ? y.mean([0]).sub(x.mean([0]).unsqueeze(0).mm(expected).squeeze(0)) : zeros(target, ScalarType.Float64), 1e-9);
            double error = Draws.SquaredError(fit.Map, x, y), total = b.square().sum().ToDouble();
            fit.Report.RankPath[rank].TrainingError.Should().BeApproximately(error / (rows * target), 1e-12);
            fit.Report.TrainingR2.Should().BeApproximately(1 - (error / total), 1e-12);
            fit.Report.Rank.Should().Be(rank);
            fit.Report.Status.Should().Be(alpha > 0 || rows > source ? FitStatus.Succeeded : FitStatus.RankDeficient);
            Tensor values = linalg.svdvals(cat([a, eye(source, dtype: ScalarType.Float64).mul(Math.Sqrt(alpha))], 0).mm(full));
            tensor(fit.Report.SingularValues.Take(rank).ToArray()).ShouldBeCloseTo(values.narrow(0, 0, rank), 1e-9);
            if (rows >= Math.Min(source, target)) continue;
            fit.Report.Solver.Should().Be($"dual eigendecompositions, rank {rank}");
            fit.Report.RankPath.Should().HaveCount((int)rows + 1);
            fit.Report.ConditionNumber.Should().BeApproximately(ConditionNumber(a), 1e-6 * ConditionNumber(a));
            fit.Affine.Form.Should().Be(rank * (source + target) < source * target ? $"factored, rank at most {rank}" : "dense");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2.5)]
    public void Fit_RankAboveTheRows_IsRidge(double alpha)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(8, 30, 1), y = Draws.Matrix(8, 20, 2);
        using LatentMapFit fit = Stitcher.Fit(x, y, new ReducedRankFitter(new ReducedRankOptions { Rank = 20, Alpha = alpha }));
        using LatentMapFit plain = Stitcher.Fit(x, y, new RidgeFitter(alpha));
        fit.Affine.Weight.ShouldBeCloseTo(plain.Affine.Weight, 1e-11);
        fit.Report.Rank.Should().Be(7, "eight rows about their mean have no more directions");
        fit.Report.TrainingR2.Should().BeApproximately(plain.Report.TrainingR2, 1e-12);
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(0.5, true)]
    [InlineData(0.5, false)]
    public void Path_HoldsOutAsALoopDoes(double alpha, bool intercept)
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(23, 30, 1).add(100), Draws.Matrix(23, 40, 2).sub(100));
        using LatentMapFit fit = new ReducedRankPathFitter(new ReducedRankPathOptions { Folds = 4, Seed = 11, Alpha = alpha, FitIntercept = intercept }).Fit(pairs);
        fit.Report.RankPath.Should().HaveCount(24);
        using Generator generator = new(11);
        long[] order = randperm(23, generator: generator).data<long>().ToArray();
        for (int rank = 0; rank <= 23; rank++)
        {
            double[] errors = new double[4];
            for (int fold = 0; fold < 4; fold++)
            {
                using LatentPairs held = pairs.Select([.. order.Where((_, place) => place % 4 == fold)]), rest = pairs.Select([.. order.Where((_, place) => place % 4 != fold)]);
                using LatentMapFit part = rank == 0 ? Mean(rest, intercept) : new ReducedRankFitter(new ReducedRankOptions { Rank = rank, Alpha = alpha, FitIntercept = intercept }).Fit(rest);
                errors[fold] = Draws.SquaredError(part.Map, held.Source, held.Target) / (held.Count * 40);
            }
            RankPathPoint point = fit.Report.RankPath[rank];
            point.HeldOutError.Should().BeApproximately(errors.Average(), 1e-9 * errors.Average());
            point.StandardError.Should().BeApproximately(Math.Sqrt(errors.Sum(error => Math.Pow(error - errors.Average(), 2)) / 3 / 4), 1e-9 * errors.Average());
        }
    }

    [Theory]
    [InlineData(20, 30, 25, true)]
    [InlineData(20, 30, 25, false)]
    [InlineData(60, 12, 9, true)]
    public void ChooseAlpha_IsTheRidgePathsStrength(long rows, long source, long target, bool intercept)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(rows, source, 1), y = x.mm(Draws.Matrix(source, 2, 2)).mm(Draws.Matrix(2, target, 3)).add(Draws.Matrix(rows, target, 4).mul(3)).add(intercept ? 5 : 0);
        using LatentMapFit path = Stitcher.Fit(x, y, new RidgePathFitter(new RidgePathOptions { FitIntercept = intercept, ExactPath = true }));
        using LatentMapFit fit = Stitcher.Fit(x, y, new ReducedRankPathFitter(new ReducedRankPathOptions { ChooseAlpha = true, FitIntercept = intercept }));
        fit.Report.Alpha.Should().BeApproximately(path.Report.Alpha, 1e-12 * path.Report.Alpha).And.BePositive();
        fit.Report.Criterion.Should().Be(RidgeCriterion.LeaveOneOut);
        fit.Report.Path.Should().HaveCount(path.Report.Path.Count);
        foreach ((RidgePathPoint own, RidgePathPoint other) in fit.Report.Path.Zip(path.Report.Path))
        {
            // The other's eigenvalues of zero are rounded ones, which weak strengths feel.
            if (own.Alpha < 1e-3 * fit.Report.Alpha) continue;
            own.Error.Should().BeApproximately(other.Error, 1e-7 * other.Error);
            own.DegreesOfFreedom.Should().BeApproximately(other.DegreesOfFreedom, 1e-9 * other.DegreesOfFreedom);
        }
        using LatentMapFit given = Stitcher.Fit(x, y, new ReducedRankPathFitter(new ReducedRankPathOptions { Alpha = fit.Report.Alpha, FitIntercept = intercept }));
        given.Report.Rank.Should().Be(fit.Report.Rank);
        given.Report.Path.Should().BeEmpty();
        given.Affine.Weight.ShouldBeCloseTo(fit.Affine.Weight, 0);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Strengths_HaveTheErrorsOfALoop_WeakOnesToo(bool intercept)
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(12, 30, 1), Draws.Matrix(12, 25, 2).add(5));
        using LatentMapFit fit = new ReducedRankPathFitter(new ReducedRankPathOptions { ChooseAlpha = true, FitIntercept = intercept }).Fit(pairs);
        foreach (int place in (int[])[0, 8, 22])
        {
            RidgePathPoint point = fit.Report.Path[place];
            double sum = 0;
            for (long row = 0; row < 12; row++)
            {
                using LatentPairs one = pairs.Select([row]), rest = pairs.Select([.. Enumerable.Range(0, 12).Select(index => (long)index).Where(index => index != row)]);
                using LatentMapFit part = new RidgeFitter(new RidgeOptions { Alpha = point.Alpha, FitIntercept = intercept }).Fit(rest);
                sum += Draws.SquaredError(part.Map, one.Source, one.Target);
            }
            point.Error.Should().BeApproximately(sum / (12 * 25), 1e-6 * sum / (12 * 25));
        }
    }

    [Fact]
    public void Path_NoRelation_IsTheMeanInTwoVectors()
    {
        using var scope = NewDisposeScope();
        Tensor y = Draws.Matrix(30, 70, 2).add(5);
        using LatentMapFit fit = Stitcher.Fit(Draws.Matrix(30, 60, 1), y, new ReducedRankPathFitter(new ReducedRankPathOptions { ChooseAlpha = true }));
        fit.Report.Rank.Should().Be(0);
        (fit.Affine.Form, fit.Affine.ParameterCount).Should().Be(("factored, rank at most 1", 130));
        fit.Affine.Weight.abs().max().ToDouble().Should().Be(0);
        fit.Affine.Bias.ShouldBeCloseTo(y.mean([0]), 1e-14);
    }

    [Fact]
    public void Fit_SidesThatDoNotVary_AreTheMean()
    {
        using var scope = NewDisposeScope();
        Tensor vary = Draws.Matrix(8, 12, 1), same = ones(8, 15, ScalarType.Float64).mul(3);
        foreach ((Tensor x, Tensor y) in new[] { (vary, same), (same, vary), (same, same) })
        {
            foreach (ILatentMapFitter fitter in (ILatentMapFitter[])[new ReducedRankFitter(2), new ReducedRankPathFitter(), new ReducedRankPathFitter(new ReducedRankPathOptions { ChooseAlpha = true })])
            {
                using LatentMapFit fit = Stitcher.Fit(x, y, fitter);
                fit.Affine.Weight.abs().max().ToDouble().Should().Be(0);
                fit.Affine.Bias.ShouldBeCloseTo(y.mean([0]), 1e-14);
                fit.Report.Rank.Should().Be(0);
            }
        }
    }

    [Fact]
    public void Path_Cancelled_ThrowsAndLeavesNoTensor()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(20, 30, 1), Draws.Matrix(20, 30, 2));
        new ReducedRankPathFitter().ShouldStopAfterOneStep(pairs);
    }

    [Fact]
    public void ChooseAlpha_WithAStrengthOrTwoRows_IsRefused()
    {
        using var scope = NewDisposeScope();
        Action both = () => _ = new ReducedRankPathFitter(new ReducedRankPathOptions { ChooseAlpha = true, Alpha = 0.5 });
        both.ShouldRefuse("options", "options must set one of Alpha and ChooseAlpha, but Alpha is 0.5 and ChooseAlpha is true. Leave Alpha at 0.");
        Action few = () => Stitcher.Fit(ones(2, 4), ones(2, 4), new ReducedRankPathFitter(new ReducedRankPathOptions { ChooseAlpha = true, Folds = 2 })).Dispose();
        few.ShouldRefuse("pairs", "pairs must hold at least 3 rows to leave one out, but it holds 2. Use RidgeFitter with a strength of your own.");
        new ReducedRankPathFitter(new ReducedRankPathOptions { ChooseAlpha = true }).ToString().Should().Be("reduced rank, chosen by 5 folds, strength by leave-one-out");
    }

    [Fact]
    public void Structure_WideLatents_OfFewDirections_TakesTheFactors()
    {
        using var scope = NewDisposeScope();
        // Two places of the source that many places of the target depend on: no convolution, and fewer images than numbers.
        Tensor x = Draws.Matrix(90, 192, 1), y = x.mm(Draws.Matrix(192, 2, 2)).mm(Draws.Matrix(2, 192, 3)).mul(0.1).add(Draws.Matrix(90, 192, 4).mul(0.1));
        using LatentPairs pairs = new(x.to_type(ScalarType.Float32), y.to_type(ScalarType.Float32));
        StructureOptions options = StructureOptions.ForImages([3, 8, 8], [3, 8, 8]);
        options.Candidates.Select(candidate => candidate.ToString()).Should().Equal(
            "1×1 convolution, alpha 0", "3×3 convolution, alpha 0", "5×5 convolution, alpha 0", "Kronecker product, alpha 0", "reduced rank, chosen by 5 folds, strength by leave-one-out", "ridge, strength by leave-one-out");
        using LatentMapFit fit = new StructureFitter(options with { Candidates = [options.Candidates[0], options.Candidates[1], .. options.Candidates.Skip(4)] }).Fit(pairs);
        (fit.Affine.Form, fit.Affine.ParameterCount).Should().Be(("factored, rank at most 2", 2 * 384));
        fit.Report.Candidates[2].IsChosen.Should().BeTrue();
        StructureOptions.ForImages([3, 64, 64], [3, 64, 64]).Candidates.Select(candidate => candidate.GetType()).Should().Equal(
            typeof(ConvolutionFitter), typeof(ConvolutionFitter), typeof(ConvolutionFitter), typeof(KroneckerFitter), typeof(ReducedRankPathFitter));
    }

    private static double ConditionNumber(Tensor matrix)
    {
        double[] values = [.. linalg.svdvals(matrix).data<double>()];
        return values[0] / values.Last(value => value > values[0] * 1e-8);
    }

    private static LatentMapFit Mean(LatentPairs pairs, bool intercept)
    {
        using Tensor nothing = zeros(pairs.TargetDimension, pairs.SourceDimension, ScalarType.Float64), mean = intercept ? pairs.Target.mean([0]) : zeros(pairs.TargetDimension, ScalarType.Float64);
        return new LatentMapFit(new AffineMap(nothing, mean), new FitReport { Status = FitStatus.Succeeded, Solver = "mean", SampleCount = 0, SourceDimension = 0, TargetDimension = 0, TrainingR2 = 0 });
    }
}
