using LatentStitching.Fitting;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

[NoTensorLeaks]
public sealed class ReducedRankPathFitterTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(0.5)]
    public void Fit_HoldsOutAsALoopDoes(double alpha)
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(23, 4, 1), Draws.Matrix(23, 3, 2));
        ReducedRankPathOptions options = new() { Folds = 4, Seed = 11, Alpha = alpha };
        using LatentMapFit fit = new ReducedRankPathFitter(options).Fit(pairs);
        using Generator generator = new(11);
        long[] order = randperm(23, generator: generator).data<long>().ToArray();
        for (int rank = 1; rank <= 3; rank++)
        {
            double[] errors = new double[4];
            for (int fold = 0; fold < 4; fold++)
            {
                using LatentPairs held = pairs.Select([.. order.Where((_, place) => place % 4 == fold)]), rest = pairs.Select([.. order.Where((_, place) => place % 4 != fold)]);
                using LatentMapFit part = new ReducedRankFitter(new ReducedRankOptions { Rank = rank, Alpha = alpha }).Fit(rest);
                errors[fold] = Draws.SquaredError(part.Map, held.Source, held.Target) / (held.Count * 3);
            }
            RankPathPoint point = fit.Report.RankPath[rank];
            point.HeldOutError.Should().BeApproximately(errors.Average(), 1e-12);
            point.StandardError.Should().BeApproximately(Math.Sqrt(errors.Sum(error => Math.Pow(error - errors.Average(), 2)) / 3 / 4), 1e-12);
        }
    }

    [Fact]
    public void Fit_FindsTheRankOfNoisyPairs()
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Matrix(400, 10, 1), held = Draws.Matrix(200, 10, 9), b = Draws.Matrix(10, 3, 2).mm(Draws.Matrix(3, 8, 3));
        Tensor y = x.mm(b).add(Draws.Matrix(400, 8, 4).mul(1.5));
        using LatentMapFit fit = Stitcher.Fit(x, y, new ReducedRankPathFitter());
        using LatentMapFit plain = Stitcher.Fit(x, y, new LeastSquaresFitter());
        fit.Report.Rank.Should().Be(3);
        Draws.SquaredError(fit.Map, held, held.mm(b)).Should().BeLessThan(Draws.SquaredError(plain.Map, held, held.mm(b)));
    }

    [Fact]
    public void Fit_NoRelation_IsTheMean()
    {
        using var scope = NewDisposeScope();
        Tensor y = Draws.Matrix(60, 4, 2).add(5);
        using LatentMapFit fit = Stitcher.Fit(Draws.Matrix(60, 6, 1), y, new ReducedRankPathFitter());
        fit.Report.Rank.Should().Be(0);
        fit.Affine.Weight.abs().max().ToDouble().Should().Be(0);
        fit.Affine.Bias.ShouldBeCloseTo(y.mean([0]), 1e-14);
    }

    [Fact]
    public void Fit_CancelledBetweenFolds_ThrowsAndLeavesNoTensor()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Golden.X(), Golden.Y());
        new ReducedRankPathFitter().ShouldStopAfterOneStep(pairs);
    }

    [Fact]
    public void Fit_FewerRowsThanFolds_Throws()
    {
        using var scope = NewDisposeScope();
        Action act = () => Stitcher.Fit(ones(4, 2), ones(4, 2), new ReducedRankPathFitter()).Dispose();
        act.ShouldRefuse("pairs", "pairs must hold at least 5 rows for 5 folds, but it holds 4. Lower Folds, or use ReducedRankFitter.");
    }

    [Fact]
    public void Fit_SameSeed_IsTheSameMapAndAnotherDealsOtherwise()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Golden.X(), Golden.Y());
        double[] Errors(ulong seed)
        {
            using LatentMapFit fit = new ReducedRankPathFitter(new ReducedRankPathOptions { Seed = seed }).Fit(pairs);
            return [.. fit.Report.RankPath.Select(point => point.HeldOutError!.Value)];
        }
        Errors(3).Should().Equal(Errors(3)).And.NotEqual(Errors(4));
    }

    [Fact]
    public void Fit_OneHundredFolds_ReportsAtMostAsOften()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(100, 2, 1), Draws.Matrix(100, 2, 2));
        Steps<FitProgress> steps = new();
        using LatentMapFit fit = new ReducedRankPathFitter(new ReducedRankPathOptions { Folds = 100 }).Fit(pairs, steps);
        steps.All.Should().HaveCount(100);
        steps.All[^1].Should().Match<FitProgress>(step => step.Iteration == 101 && step.MaxIterations == 101);
    }

    [Fact]
    public void Options_Outside_Throw()
    {
        foreach (int count in (int[])[1, 101])
        {
            Action folds = () => _ = new ReducedRankPathOptions { Folds = count };
            folds.ShouldRefuse("Folds", $"Folds must lie from 2 to 100, but it is {count}.");
        }
        Action alpha = () => _ = new ReducedRankPathOptions { Alpha = -2 };
        alpha.ShouldRefuse("Alpha", "Alpha must be zero or more and finite, but it is -2.");
    }

    [Fact]
    public void ToString_SaysTheOptions()
    {
        new ReducedRankPathFitter().ToString().Should().Be("reduced rank, chosen by 5 folds");
        new ReducedRankPathFitter(new ReducedRankPathOptions { Folds = 10, Alpha = 0.5, FitIntercept = false }).ToString().Should().Be("reduced rank, chosen by 10 folds, alpha 0.5, without intercept");
    }
}
