using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>Numbers that NumPy, SciPy and scikit-learn agree on for the fixture of <see cref="Golden"/>.</summary>
[NoTensorLeaks]
public sealed class GoldenMapTests
{
    private const double Tolerance = 1e-13;

    [Fact]
    public void Fixture_HasTheKnownSums()
    {
        using var scope = NewDisposeScope();
        Golden.X().sum().ToDouble().Should().BeApproximately(25.5217391304348, 1e-12);
        Golden.Y().sum().ToDouble().Should().BeApproximately(29.1916996047431, 1e-12);
    }

    [Fact]
    public void LeastSquares_MatchesKnownCoefficients()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Golden.X(), Golden.Y());
        using LatentMapFit fit = new LeastSquaresFitter().Fit(pairs);
        double[,] expected =
        {
            { 0.532059182430967, 0.626822073982235, 0.045881016730961, 0.251678389348005 },
            { 0.032792165090784, 0.268294299387112, 0.542405861770888, -0.112526061583688 },
            { 0.028281178229441, 0.102667417095639, 0.452215243521354, 0.717029260949666 },
        };
        fit.Affine.Weight.ShouldBeCloseTo(tensor(expected), Tolerance);
        fit.Affine.Bias.ShouldBeCloseTo(tensor(new[] { -0.076643702796045, 0.450274730876633, 0.161523050736686 }), Tolerance);
        fit.Report.TrainingR2.Should().BeApproximately(0.820677465186502, 1e-13);
        fit.Report.Status.Should().Be(FitStatus.Succeeded);
        fit.Report.Rank.Should().Be(4);
        fit.Report.DegreesOfFreedom.Should().BeApproximately(5, 1e-12);
        Mse(fit.Map, pairs.Source, pairs.Target).Should().BeApproximately(0.00936063434841814, 1e-15);
    }

    [Fact]
    public void Ridge_MatchesKnownCoefficients()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Golden.X(), Golden.Y());
        using LatentMapFit fit = new RidgeFitter(0.1).Fit(pairs);
        double[,] expected =
        {
            { 0.487318158440447, 0.552655117813125, 0.030410097033388, 0.185081776960767 },
            { 0.033166795785889, 0.240944927788808, 0.478751649175818, -0.122058089738464 },
            { 0.027177909622454, 0.04915066098379, 0.386112637872562, 0.611885465176669 },
        };
        fit.Affine.Weight.ShouldBeCloseTo(tensor(expected), Tolerance);
        fit.Affine.Bias.ShouldBeCloseTo(tensor(new[] { 0.028331935440046, 0.509286016625658, 0.286820076435435 }), Tolerance);
        Mse(fit.Map, pairs.Source, pairs.Target).Should().BeApproximately(0.00992728962151846, 1e-15);
        fit.Report.DegreesOfFreedom.Should().BeApproximately(4.57417186736988, 1e-12);
    }

    [Theory]
    [InlineData(0, 0.0351320717468038)]
    [InlineData(0.1, 0.042493090670054)]
    public void Fit_OnTheFirstEightRows_HasTheKnownErrorOnTheLastFour(double alpha, double expected)
    {
        using var scope = NewDisposeScope();
        Tensor x = Golden.X(), y = Golden.Y();
        using LatentMapFit fit = Stitcher.Fit(x.narrow(0, 0, 8), y.narrow(0, 0, 8), new RidgeFitter(alpha));
        Mse(fit.Map, x.narrow(0, 8, 4), y.narrow(0, 8, 4)).Should().BeApproximately(expected, 1e-14);
    }

    [Fact]
    public void LeastSquares_FewerRowsThanColumns_HasTheKnownLeastNorm()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Golden.X().narrow(0, 0, 3), Golden.Y().narrow(0, 0, 3));
        using LatentMapFit fit = new LeastSquaresFitter(new LeastSquaresOptions { FitIntercept = false }).Fit(pairs);
        fit.Affine.Weight.norm().ToDouble().Should().BeApproximately(3.89766407883804, 1e-11);
        Mse(fit.Map, pairs.Source, pairs.Target).Should().BeLessThan(1e-26);
        fit.Report.Status.Should().Be(FitStatus.RankDeficient);
        fit.Report.Rank.Should().Be(3);
    }

    [Fact]
    public void RidgePath_HasTheKnownErrorsAndDegreesOfFreedom()
    {
        (double Alpha, double[] Errors, double Freedom)[] expected =
        [
            (1e-3, [.033129697779377, .039077509696723, .028820626312045], 4.99513153154388),
            (1e-2, [.032893324973155, .037356614588647, .027366844311785], 4.951953026711215),
            (1e-1, [.032207374118614, .028638973052252, .021987924777126], 4.57417186736988),
            (1, [.044865541403764, .030549539501969, .037572308580698], 2.911244234611931),
            (10, [.071731976798887, .043533319768303, .055357754438062], 1.3587357622093028),
        ];
        using var scope = NewDisposeScope();
        Tensor x = Golden.X(), y = Golden.Y();
        RidgePathOptions options = new() { Alphas = [.. expected.Select(row => row.Alpha)] };
        for (int target = 0; target < 3; target++)
        {
            using LatentMapFit fit = Stitcher.Fit(x, y.narrow(1, target, 1), new RidgePathFitter(options));
            foreach ((RidgePathPoint point, (double alpha, double[] errors, double freedom)) in fit.Report.Path.Zip(expected))
            {
                point.Alpha.Should().Be(alpha);
                point.Error.Should().BeApproximately(errors[target], 1e-13);
                point.DegreesOfFreedom.Should().BeApproximately(freedom, 1e-11);
            }
            fit.Report.Alpha.Should().Be(0.1);
        }
        using LatentMapFit perTarget = Stitcher.Fit(x, y, new RidgePathFitter(options with { PerTarget = true }));
        perTarget.Report.AlphaPerTarget.Should().Equal(0.1, 0.1, 0.1);
        perTarget.Report.Alpha.Should().Be(double.NaN);
    }

    /// <summary>The two examples of scikit-learn's issue 33020, whose leave-one-out errors were once wrong there.</summary>
    [Fact]
    public void RidgePath_HasTheKnownLeaveOneOutErrors()
    {
        (double[] X, double[] Y, double[] Errors, double Best)[] examples =
        [
            ([0, 0, 0, 0, 1, 1], [0, .1, 1], [0.30749682, 0.30844353, 0.34354167, 0.42912534, 0.45470212], .001),
            ([0, 0, 0, 1, 1, 0, 1, 1], [0, -1, 1, 3], [8.96416931, 6.59763314, 3.875, 3.83870968, 3.88829726], 10),
        ];
        foreach ((double[] x, double[] y, double[] errors, double best) in examples)
        {
            using var scope = NewDisposeScope();
            using LatentMapFit fit = Stitcher.Fit(tensor(x).reshape(-1, 2), tensor(y).reshape(-1, 1), new RidgePathFitter(new RidgePathOptions { Alphas = [.001, .1, 1, 10, 1000] }));
            fit.Report.Path.Select(point => point.Error).Should().Equal(errors, (actual, expected) => Math.Abs(actual - expected) < 5e-9);
            fit.Report.Alpha.Should().Be(best);
        }
    }

    [Fact]
    public void RidgePath_HasTheKnownGeneralisedScores_WhichAreNotThoseOfLeaveOneOut()
    {
        (double Alpha, double[] Scores)[] expected =
        [
            (1e-3, [.030192290992647, .027530589946132, .024689540141833]),
            (1e-2, [.029847125726116, .027205096312935, .024418487561356]),
            (1e-1, [.028510900403231, .025278610577621, .023982736984341]),
            (1, [.043092312985694, .029600409697235, .038254844108255]),
            (10, [.07165979491212, .043174768194656, .055084809641093]),
        ];
        using var scope = NewDisposeScope();
        Tensor x = Golden.X(), y = Golden.Y();
        RidgePathOptions options = new() { Alphas = [.. expected.Select(row => row.Alpha)], Criterion = RidgeCriterion.GeneralisedCrossValidation };
        for (int target = 0; target < 3; target++)
        {
            Tensor one = y.narrow(1, target, 1);
            using LatentMapFit fit = Stitcher.Fit(x, one, new RidgePathFitter(options));
            using LatentMapFit leaveOneOut = Stitcher.Fit(x, one, new RidgePathFitter(options with { Criterion = RidgeCriterion.LeaveOneOut }));
            using PairStatistics statistics = new(4, 1);
            statistics.Add(x, one);
            using LatentMapFit streamed = new RidgePathFitter(options).Fit(statistics);
            for (int i = 0; i < expected.Length; i++)
            {
                fit.Report.Path[i].Error.Should().BeApproximately(expected[i].Scores[target], 1e-14);
                streamed.Report.Path[i].Error.Should().BeApproximately(expected[i].Scores[target], 1e-14);
                leaveOneOut.Report.Path[i].Error.Should().NotBeApproximately(expected[i].Scores[target], 1e-5);
            }
            fit.Report.Criterion.Should().Be(RidgeCriterion.GeneralisedCrossValidation);
            fit.Report.Alpha.Should().Be(0.1);
            fit.Report.LeaveOneOutR2.Should().BeApproximately(leaveOneOut.Report.LeaveOneOutR2!.Value, 1e-14, "both chose one strength, and there are rows");
            streamed.Report.LeaveOneOutR2.Should().BeNull();
        }
        using LatentMapFit all = Stitcher.Fit(x, y, new RidgePathFitter(options));
        for (int i = 0; i < expected.Length; i++) all.Report.Path[i].Error.Should().BeApproximately(expected[i].Scores.Average(), 1e-14);
        using LatentMapFit perTarget = Stitcher.Fit(x, y, new RidgePathFitter(options with { PerTarget = true }));
        perTarget.Report.AlphaPerTarget.Should().Equal(0.1, 0.1, 0.1);
    }

    private static double Mse(ILatentMap map, Tensor source, Tensor target)
    {
        using var scope = NewDisposeScope();
        return (map.Apply(source) - target).square().mean().ToDouble();
    }
}
