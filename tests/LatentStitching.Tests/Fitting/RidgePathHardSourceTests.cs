using LatentStitching.Fitting;
using LatentStitching.Numerics;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>Sources that a path of strengths is hard to judge on: a row of leverage one, and directions that XᵀX cannot hold.</summary>
[NoTensorLeaks]
public sealed class RidgePathHardSourceTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_RowOfLeverageOne_DoesNotTakeLeastSquares(bool perTarget)
    {
        for (ulong seed = 1; seed <= 5; seed++)
        {
            using var scope = NewDisposeScope();
            Tensor x = Draws.Lonely(40, 4, seed), y = x.mm(Draws.Matrix(4, 3, 7)).add(Draws.Matrix(40, 3, seed + 50).mul(0.3));
            using LatentPairs pairs = new(x, y);
            using LatentMapFit fit = new RidgePathFitter(new RidgePathOptions { PerTarget = perTarget }).Fit(pairs);
            (fit.Report.AlphaPerTarget ?? [fit.Report.Alpha]).Should().OnlyContain(alpha => alpha > 0);
            fit.Report.Path[0].Should().Match<RidgePathPoint>(point => point.Alpha == 0 && double.IsPositiveInfinity(point.Error));
            foreach (RidgePathPoint point in fit.Report.Path.Skip(1).Where((_, place) => place % 5 == 0))
            {
                (point.Error * 120).Should().BeApproximately(Draws.LeftOutError(x, y, point.Alpha, intercept: true), 1e-6 * point.Error * 120);
            }
            // Generalised cross-validation asks no row, and may take least squares: there is then no leave-one-out error to tell.
            using LatentMapFit general = new RidgePathFitter(new RidgePathOptions { Alphas = [0], Criterion = RidgeCriterion.GeneralisedCrossValidation, PerTarget = perTarget }).Fit(pairs);
            general.Report.LeaveOneOutR2.Should().BeNull();
            Action only = () => new RidgePathFitter(new RidgePathOptions { Alphas = [0, 1e-13], PerTarget = perTarget }).Fit(pairs).Dispose();
            only.ShouldRefuse(
                "pairs",
                "pairs must let some strength be judged by leaving rows out, but under each of them one row alone determines a part of the map (its leverage is 1). Add a larger strength to Alphas, or use RidgeFitter with a strength of your own.");
        }
    }

    /// <summary>The direction that one row determines may be small, and lie across the columns: from XᵀX its leverage has fewer digits.</summary>
    [Theory]
    [InlineData(1e3)]
    [InlineData(1e-2)]
    [InlineData(1e-4)]
    [InlineData(3e-5)]
    [InlineData(1e-7)]
    public void Fit_SmallDirectionOfLeverageOne_IsFoundOutToo(double scale)
    {
        for (ulong seed = 1; seed <= 10; seed++)
        {
            using var scope = NewDisposeScope();
            Tensor x = Draws.Lonely(40, 6, seed);
            x.select(1, 5).mul_(scale);
            Tensor y = Draws.Matrix(40, 3, seed + 50);
            using LatentPairs pairs = new(x.mm(Draws.Orthogonal(6, seed + 100)), y);
            using LatentMapFit fit = new RidgePathFitter(new RidgePathOptions { Alphas = [0, 1] }).Fit(pairs);
            fit.Report.Rank.Should().Be(6);
            fit.Report.Alpha.Should().Be(1);
            double.IsPositiveInfinity(fit.Report.Path[0].Error).Should().BeTrue($"seed {seed}");
        }
    }

    /// <summary>With fewer rows than columns a small strength leaves little of every residual and of 1 − h alike, and their quotient keeps its digits.</summary>
    [Theory]
    [InlineData(20, 60, true)]
    [InlineData(20, 60, false)]
    [InlineData(20, 400, true)]
    public void Fit_FewRowsAndSmallStrengths_HasTheErrorsOfRefits(long rows, long columns, bool intercept)
    {
        for (ulong seed = 1; seed <= 5; seed++)
        {
            using var scope = NewDisposeScope();
            Tensor x = Draws.Matrix(rows, columns, seed), y = Draws.Matrix(rows, 3, seed + 50);
            using LatentPairs pairs = new(x, y);
            using LatentMapFit fit = new RidgePathFitter(new RidgePathOptions { Alphas = [1e-8 * rows, 1e-4, 1], FitIntercept = intercept }).Fit(pairs);
            foreach (RidgePathPoint point in fit.Report.Path)
            {
                double refits = Draws.LeftOutError(x, y, point.Alpha, intercept) / (rows * 3);
                point.Error.Should().BeApproximately(refits, 1e-5 * refits, $"alpha {point.Alpha}");
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Choose_NoNumber_IsNoCandidate(bool perTarget)
    {
        using var scope = NewDisposeScope();
        foreach (double bad in (double[])[double.NaN, double.PositiveInfinity])
        {
            RidgePathSelection selection = new(new RidgePathOptions { PerTarget = perTarget }, 10, 2);
            Tensor none = full(2, bad, ScalarType.Float64), one = ones(2, ScalarType.Float64), two = one * 2;
            selection.Add(0, 3, none, one, none);
            selection.Add(1, 2, two, two, two);
            selection.Add(2, 1, one, one, one);
            selection.Add(3, 1, none, one, none);
            selection.Choose().Alphas.Should().OnlyContain(alpha => alpha == 2);
        }
    }

    /// <summary>Leave-one-out errors by the singular vectors of X, which squares nothing.</summary>
    [Theory]
    [InlineData(1e3)]
    [InlineData(5e6)]
    [InlineData(1e7)]
    [InlineData(1e10)]
    public void Fit_HardSpectrum_KeepsEveryDirection(double condition)
    {
        using var scope = NewDisposeScope();
        const long Rows = 2000, Columns = 40;
        Tensor x = Draws.Conditioned(Rows, Columns, condition, 1), y = Draws.Matrix(Rows, 3, 5);
        (Tensor u, Tensor s, _) = linalg.svd(Draws.Centred(x), fullMatrices: false);
        // Each direction matters: what the target has of the smallest is as much as of the largest.
        y = y.add(u.sum([1], keepdim: true).mul(5));
        double smallest = s[-1].square().ToDouble();
        double[] alphas = [0, smallest, smallest * 1e2, 1e-2];
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = new RidgePathFitter(new RidgePathOptions { Alphas = alphas }).Fit(pairs);
        Tensor target = Draws.Centred(y), shares = u.t().mm(target);
        foreach (RidgePathPoint point in fit.Report.Path)
        {
            Tensor kept = s.square().div(s.square().add(point.Alpha)), left = 1 - (1.0 / Rows) - u.square().mv(kept);
            double expected = target.sub(u.mm(shares.mul(kept.unsqueeze(1)))).div(left.unsqueeze(1)).square().mean().ToDouble();
            point.Error.Should().BeApproximately(expected, 1e-6 * expected, $"alpha {point.Alpha}");
            point.DegreesOfFreedom.Should().BeApproximately(1 + kept.sum().ToDouble(), 1e-5);
        }
        using LatentMapFit plain = new LeastSquaresFitter().Fit(pairs), ridge = new RidgeFitter(0).Fit(pairs);
        (fit.Report.Rank, plain.Report.Rank, ridge.Report.Rank).Should().Be((Columns, Columns, Columns));
        fit.Report.ConditionNumber.Should().BeApproximately(s[0].ToDouble() / s[-1].ToDouble(), 1e-5 * condition);
        fit.Report.Alpha.Should().Be(0, "every direction is worth its coefficient");
        fit.Map.Apply(x).ShouldBeCloseTo(plain.Map.Apply(x), 1e-6);
    }

    /// <summary>The moments that ridge solves by hold squares, and lose a direction 10⁷ times smaller than the largest; the rank that is told is that of X.</summary>
    [Theory]
    [InlineData(5e6)]
    [InlineData(1e7)]
    [InlineData(1e8)]
    [InlineData(1e10)]
    public void Rank_IsThatOfLeastSquaresWhateverTheStrength(double condition)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Conditioned(5000, 40, condition, 1), y = Draws.Matrix(5000, 3, 5), wide = Draws.Conditioned(3000, 40, condition, 2).t(), few = Draws.Matrix(40, 3, 6);
        foreach ((Tensor source, Tensor target, long rank) in ((Tensor, Tensor, long)[])[(x, y, 40), (wide, few, 39)])
        {
            Tensor singular = linalg.svdvals(Draws.Centred(source));
            double actual = singular[0].ToDouble() / singular[rank - 1].ToDouble();
            using LatentPairs pairs = new(source, target);
            using SharedSource shared = new(source);
            using LatentMapFit ridge = new RidgeFitter(1e-3).Fit(pairs), plain = new LeastSquaresFitter().Fit(pairs), same = shared.Fit(target, 1e-3);
            (ridge.Report.Rank, plain.Report.Rank, same.Report.Rank).Should().Be((rank, rank, rank));
            // An eigenvalue that is just large enough to count has two digits.
            foreach (LatentMapFit fit in (LatentMapFit[])[ridge, same]) fit.Report.ConditionNumber.Should().BeApproximately(actual, 1e-2 * actual);
            ridge.Report.DegreesOfFreedom.Should().BeApproximately(1 + singular.square().div(singular.square().add(1e-3)).sum().ToDouble(), 1e-6);
        }
        using LatentPairs tall = new(x, y);
        using LatentMapFit path = new RidgePathFitter().Fit(tall);
        path.Report.Rank.Should().Be(40);
    }

    /// <summary>Dependent columns and repeated rows stay uncounted, which needs no more than X times the directions they leave.</summary>
    [Theory]
    [InlineData(3000, 9, 7)]
    [InlineData(8, 300, 6)]
    public void Rank_OfDependentColumnsAndRows_IsLess(long rows, long columns, long rank)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Awkward(rows, columns, 1);
        if (rows < columns) x[3] = x[5];
        using LatentMapFit ridge = Stitcher.Fit(x, Draws.Matrix(rows, 2, 2), new RidgeFitter(1e-3));
        ridge.Report.Rank.Should().Be(rank);
    }

    [Theory]
    [InlineData(60, 9)]
    [InlineData(700, 512)]
    public void Spectrum_OfDependentColumns_NeedsNoSingularValues(long rows, long columns)
    {
        using var scope = NewDisposeScope();
        Tensor x = Draws.Awkward(rows, columns, 1).mul(logspace(3, -3, columns, dtype: ScalarType.Float64));
        CentredMatrix source = CentredMatrix.Of(x, centre: true);
        var spectrum = GramSpectrum.Of(source, source.Gram(), CancellationToken.None);
        spectrum.Rank.Should().Be(columns - 2);
        // Scales from 10³ to 10⁻³ put real directions below what XᵀX holds; without them it is enough.
        (spectrum.Left is null).Should().BeFalse();
        source = CentredMatrix.Of(Draws.Awkward(rows, columns, 1), centre: true);
        spectrum = GramSpectrum.Of(source, source.Gram(), CancellationToken.None);
        (spectrum.Rank, spectrum.Left is null).Should().Be((columns - 2, true));
    }
}
