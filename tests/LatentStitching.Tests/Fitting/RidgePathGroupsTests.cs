using LatentStitching.Fitting;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>A strength chosen by leaving groups of rows out: the path, the report and what is refused.</summary>
[NoTensorLeaks]
public sealed class RidgePathGroupsTests
{
    private static readonly double[] _strengths = [1e-2, 0.1, 1, 10, 100, 1000];

    [Theory]
    [InlineData(40, 6, true, false)]
    [InlineData(40, 6, false, true)]
    [InlineData(40, 6, true, true)]
    [InlineData(24, 24, true, false)]
    [InlineData(24, 50, true, true)]
    [InlineData(24, 50, false, false)]
    public void Fit_TakesTheStrengthOfTheLeastErrorOfRefits(int rows, long columns, bool intercept, bool perTarget)
    {
        using var scope = NewDisposeScope();
        int[] labels = [.. Enumerable.Range(0, rows).Select(row => row * row % 7)];
        Tensor x = Draws.Matrix(rows, columns, 1), y = x.mm(Draws.Matrix(columns, 3, 3)).mul(tensor((double[])[3, 0.1, 1])).add(Draws.Matrix(rows, 3, 2));
        RidgePathOptions options = new() { Alphas = _strengths, Groups = labels, FitIntercept = intercept, PerTarget = perTarget };
        using LatentPairs pairs = new(x, y);
        using LatentMapFit fit = new RidgePathFitter(options).Fit(pairs);
        (double[] Errors, double Variation)[] refits = [.. _strengths.Select(alpha => Draws.LeftOutErrors(x, y, alpha, intercept, labels))];
        foreach ((RidgePathPoint point, (double[] errors, _)) in fit.Report.Path.Zip(refits))
        {
            point.Error.Should().BeApproximately(errors.Sum() / (rows * 3), 1e-10 * point.Error);
            point.ErrorBound.Should().Be(0);
        }
        int Least(Func<double[], double> of) => Enumerable.Range(0, _strengths.Length).MinBy(place => of(refits[place].Errors));
        int[] places = perTarget ? [.. Enumerable.Range(0, 3).Select(column => Least(errors => errors[column]))] : [Least(errors => errors.Sum())];
        (fit.Report.AlphaPerTarget ?? [fit.Report.Alpha]).Should().Equal(places.Select(place => _strengths[place]));
        double least = perTarget ? places.Select((place, column) => refits[place].Errors[column]).Sum() : refits[places[0]].Errors.Sum();
        fit.Report.CrossValidatedR2.Should().BeApproximately(1 - (least / refits[0].Variation), 1e-10);
        fit.Report.Should().Match<FitReport>(report => report.LeaveOneOutR2 == null && report.Folds == labels.Distinct().Count() && report.Criterion == RidgeCriterion.LeaveOneOut);
        fit.Report.ToString().Should().EndWith($"({fit.Report.Folds} folds)").And.NotContain("leave-one-out");
        using LatentMapFit chosen = new RidgeFitter(new RidgeOptions { Alpha = _strengths[places[0]], FitIntercept = intercept }).Fit(pairs);
        fit.Affine.Weight[0].ShouldBeCloseTo(chosen.Affine.Weight[0], 1e-10);

        using SharedSource source = new(x, intercept);
        using LatentMapFit shared = source.FitPath(y, options);
        shared.Affine.Weight.ShouldBeCloseTo(fit.Affine.Weight, 1e-12);
        shared.Report.CrossValidatedR2.Should().BeApproximately(fit.Report.CrossValidatedR2!.Value, 1e-12);
    }

    [Fact]
    public void Fit_GroupsOfOneRow_IsLeaveOneOut()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(30, 4, 1), Draws.Matrix(30, 2, 2));
        using LatentMapFit plain = new RidgePathFitter().Fit(pairs), single = new RidgePathFitter(new RidgePathOptions { Groups = RidgePathOptions.Folds(30, 30) }).Fit(pairs);
        single.Report.Path.Should().Equal(plain.Report.Path);
        (single.Report.LeaveOneOutR2, single.Report.CrossValidatedR2, single.Report.Folds).Should().Be((plain.Report.LeaveOneOutR2, plain.Report.LeaveOneOutR2, 30));
    }

    /// <summary>Of each row nine noisy copies, the noise of the target theirs in common: leave-one-out predicts a copy from its siblings.</summary>
    [Fact]
    public void Fit_RowsThatAreNotIndependent_GetsTheStrengthOfIndependentOnes()
    {
        using var scope = NewDisposeScope();
        Tensor one = Draws.Matrix(40, 20, 1), coefficients = Draws.Matrix(20, 3, 2), noise = Draws.Matrix(40, 3, 3).mul(6), held = Draws.Matrix(1000, 20, 4);
        Tensor x = one.repeat_interleave(9, 0).add(Draws.Matrix(360, 20, 5).mul(0.02)), y = one.mm(coefficients).add(noise).repeat_interleave(9, 0);
        using LatentPairs pairs = new(x, y);
        using LatentMapFit alone = new RidgePathFitter().Fit(pairs), grouped = new RidgePathFitter(new RidgePathOptions { Groups = RidgePathOptions.Folds(360, 40) }).Fit(pairs);
        grouped.Report.Alpha.Should().BeGreaterThan(10 * alone.Report.Alpha);
        Draws.SquaredError(grouped.Map, held, held.mm(coefficients)).Should().BeLessThan(0.9 * Draws.SquaredError(alone.Map, held, held.mm(coefficients)));
        // What it says of rows of other groups is so.
        grouped.Report.CrossValidatedR2.Should().BeLessThan(alone.Report.LeaveOneOutR2!.Value - 0.2);
    }

    [Fact]
    public void Fit_CancelledBetweenStrengths_ThrowsAndLeavesNoTensor()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(30, 4, 1), Draws.Matrix(30, 2, 2));
        new RidgePathFitter(new RidgePathOptions { Groups = RidgePathOptions.Folds(30, 3, seed: 1) }).ShouldStopAfterOneStep(pairs);
    }

    [Fact]
    public void Prepared_OfAScaledTarget_DoesNotTellPreparedUnits()
    {
        using var scope = NewDisposeScope();
        using LatentPairs pairs = new(Draws.Matrix(30, 4, 1), Draws.Matrix(30, 2, 2));
        RidgePathFitter fitter = new(new RidgePathOptions { Groups = RidgePathOptions.Folds(30, 3) });
        foreach (LatentScaling scaling in (LatentScaling[])[LatentScaling.None, LatentScaling.Standardised])
        {
            using LatentMapFit fit = new PreparedFitter(fitter, new PreparedOptions { Target = scaling }).Fit(pairs);
            (fit.Report.CrossValidatedR2 is null).Should().Be(scaling == LatentScaling.Standardised);
            fit.Report.LeaveOneOutR2.Should().BeNull();
        }
    }

    [Fact]
    public void Folds_AreScikitLearns()
    {
        RidgePathOptions.Folds(10, 3).Should().Equal(0, 0, 0, 0, 1, 1, 1, 2, 2, 2);
        RidgePathOptions.Folds(11, 4).Should().Equal(0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3);
        RidgePathOptions.Folds(6, 3).Should().Equal(0, 0, 1, 1, 2, 2);
        RidgePathOptions.Folds(3, 3).Should().Equal(0, 1, 2);
        IReadOnlyList<int> dealt = RidgePathOptions.Folds(11, 4, seed: 5);
        dealt.Order().Should().Equal(RidgePathOptions.Folds(11, 4)).And.NotEqual(dealt);
        RidgePathOptions.Folds(11, 4, seed: 5).Should().Equal(dealt);
        RidgePathOptions.Folds(11, 4, seed: 6).Should().NotEqual(dealt);
    }

    [Fact]
    public void Groups_ThatCannotBe_AreRefused()
    {
        using var scope = NewDisposeScope();
        Refused(() => _ = new RidgePathOptions { Groups = [4, 4, 4] }, "Groups", "Groups must name at least two groups, but it names 1. Leave it null to leave out each row alone.");
        Refused(() => _ = new RidgePathOptions { Groups = [] }, "Groups", "Groups must name at least two groups, but it names 0. Leave it null to leave out each row alone.");
        Refused(() => RidgePathOptions.Folds(10, 1), "folds", "folds must be at least 2, but it is 1.");
        Refused(() => RidgePathOptions.Folds(4, 5), "rows", "rows must be at least 5, but it is 4.");
        RidgePathOptions five = new() { Groups = [1, 1, 2, 2, 2] };
        const string Criterion = "options must leave rows out where it has Groups, but Criterion is GeneralisedCrossValidation, which leaves none out. Set Criterion to LeaveOneOut, or leave Groups null.";
        Refused(() => _ = new RidgePathFitter(five with { Criterion = RidgeCriterion.GeneralisedCrossValidation }), "options", Criterion);
        using SharedSource source = new(Draws.Matrix(6, 2, 1));
        Refused(() => source.FitPath(Draws.Matrix(6, 2, 2), five with { Criterion = RidgeCriterion.GeneralisedCrossValidation }), "options", Criterion);
        const string Length = "pairs must hold a row for each of the 5 labels of Groups, but it holds 6. Label each row of these pairs, in their order.";
        Refused(() => source.FitPath(Draws.Matrix(6, 2, 2), five), "pairs", Length);
        using LatentPairs pairs = new(Draws.Matrix(6, 2, 1), Draws.Matrix(6, 2, 2));
        Refused(() => new RidgePathFitter(five).Fit(pairs), "pairs", Length);
        using LatentPairs lonely = new(cat([zeros(30, 1, ScalarType.Float64), Draws.Matrix(10, 1, 1)]), Draws.Matrix(40, 2, 2));
        Refused(
            () => new RidgePathFitter(new RidgePathOptions { Groups = RidgePathOptions.Folds(40, 4), Alphas = [0, 1e-13], FitIntercept = false }).Fit(lonely), "pairs",
            "pairs must let some strength be judged by leaving groups out, but under each of them one group alone determines a part of the map. Add a larger strength to Alphas, or use RidgeFitter with a strength of your own.");
        new RidgePathFitter(five).ToString().Should().Be("ridge, strength by leave-one-group-out");

        static void Refused(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }

    [Fact]
    public void Groups_AreACopy()
    {
        int[] labels = [0, 1, 1];
        RidgePathOptions options = new() { Groups = labels };
        labels[0] = 1;
        options.Groups.Should().Equal(0, 1, 1);
    }
}
