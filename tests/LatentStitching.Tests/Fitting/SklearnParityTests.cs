using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Mapping;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Fitting;

/// <summary>Against scikit-learn 1.2.1 and, where its own answer is rounding noise, against the true least-norm solution kept beside it.</summary>
[NoTensorLeaks]
public sealed class SklearnParityTests
{
    private static readonly string[] _cases = ["tall", "wide", "const", "dup", "offset", "wide_const", "square", "single_target", "same_rows"];

    public static TheoryData<string, bool> CasesAndIntercepts()
    {
        TheoryData<string, bool> data = [];
        foreach (string name in _cases)
        {
            data.Add(name, true);
            data.Add(name, false);
        }
        return data;
    }

    [Theory]
    [MemberData(nameof(CasesAndIntercepts))]
    public void LeastSquares_IsTheLeastNormSolution(string name, bool intercept)
    {
        using StateDictionary file = Fixture.Load("sklearn/linear_regression.safetensors");
        string key = $"{name}.{(intercept ? "int" : "noint")}";
        using LatentMapFit fit = Stitcher.Fit(file[$"{name}.X"], file[$"{name}.Y"], new LeastSquaresFitter(new LeastSquaresOptions { FitIntercept = intercept }));
        using Tensor prediction = fit.Map.Apply(file[$"{name}.Xtest"]);
        double tolerance = name == "offset" ? 1e-5 : 1e-7;
        if (name == "same_rows" && intercept)
        {
            // The reference centres by a rounded mean and fits the rounding; the truth is the mean of the targets, by no slope at all.
            fit.Report.Rank.Should().Be(0);
            LargestMagnitude(fit.Affine.Weight).Should().Be(0);
            foreach (long row in (long[])[0, 6])
            {
                using Tensor one = prediction[row];
                using Tensor mean = file[$"{name}.Y"].mean([0]);
                one.ShouldBeCloseTo(mean, 1e-15);
            }
            return;
        }
        fit.Affine.Weight.ShouldBeCloseTo(file[$"{key}.minnorm_coef"], tolerance, key);
        prediction.ShouldBeCloseTo(file[$"{key}.minnorm_predict"], 1e-7, key);
        fit.Report.Rank.Should().Be(file[$"{key}.minnorm_rank"].ToInt64());
        (fit.Report.Status == FitStatus.RankDeficient).Should().Be(fit.Report.Rank < file[$"{name}.X"].size(1));
        if (file[$"{key}.sklearn_prediction_difference"].ToDouble() < 1e-9) prediction.ShouldBeCloseTo(file[$"{key}.predict"], 1e-8, key);
    }

    [Theory]
    [MemberData(nameof(CasesAndIntercepts))]
    public void Ridge_IsScikitLearns(string name, bool intercept)
    {
        using StateDictionary file = Fixture.Load("sklearn/ridge.safetensors");
        string[] alphas = [.. file.Names.Where(key => key.StartsWith($"{name}.alpha", StringComparison.Ordinal) && key.EndsWith(intercept ? ".int.coef" : ".noint.coef", StringComparison.Ordinal))];
        alphas.Should().NotBeEmpty();
        foreach (string coefficients in alphas)
        {
            string key = coefficients[..^".coef".Length];
            string text = key[$"{name}.alpha".Length..key.LastIndexOf('.')];
            double alpha = double.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
            using LatentMapFit fit = Stitcher.Fit(file[$"{name}.X"], file[$"{name}.Y"], new RidgeFitter(new RidgeOptions { Alpha = alpha, FitIntercept = intercept }));
            using Tensor prediction = fit.Map.Apply(file[$"{name}.Xtest"]);
            if (name == "same_rows" && intercept) LargestMagnitude(fit.Affine.Weight).Should().Be(0); // the reference holds rounding noise of 1e-16
            else fit.Affine.Weight.ShouldBeCloseTo(file[coefficients], name == "offset" ? 1e-5 : 1e-8, key);
            prediction.ShouldBeCloseTo(file[$"{key}.predict"], name == "offset" ? 1e-8 : 1e-9, key);
        }
    }

    public static TheoryData<string> Cases() => [.. _cases];

    // A strength a target is a fit a target; weighted rows are rows times √w about the weighted mean.
    [Theory]
    [MemberData(nameof(Cases))]
    public void Ridge_OfOneStrengthATargetAndOfWeightedRows_IsScikitLearns(string name)
    {
        using StateDictionary file = Fixture.Load("sklearn/ridge.safetensors");
        using var scope = NewDisposeScope();
        Tensor x = file[$"{name}.X"], y = file[$"{name}.Y"], weights = file[$"{name}.weighted.w"].unsqueeze(1);
        double[] alphas = file[$"{name}.alpha_vec.alpha"].data<double>().ToArray();
        // Of rows that are all the same the reference fits the rounding of their mean.
        double tolerance = name == "offset" ? 1e-5 : 1e-8, scale = name == "same_rows" ? 1e-12 : 0;
        for (int column = 0; column < alphas.Length; column++)
        {
            using LatentMapFit fit = Stitcher.Fit(x, y.narrow(1, column, 1), new RidgeFitter(alphas[column]));
            ShouldBe(fit.Affine.Weight, file[$"{name}.alpha_vec.coef"].narrow(0, column, 1));
            ShouldBe(fit.Affine.Bias, file[$"{name}.alpha_vec.intercept"].narrow(0, column, 1));
        }
        Tensor sourceMean = x.mul(weights).sum([0]).div(weights.sum()), targetMean = y.mul(weights).sum([0]).div(weights.sum()), roots = weights.sqrt();
        RidgeFitter plain = new(new RidgeOptions { Alpha = file[$"{name}.weighted.alpha"].ToDouble(), FitIntercept = false });
        using LatentMapFit weighted = Stitcher.Fit(x.sub(sourceMean).mul(roots), y.sub(targetMean).mul(roots), plain);
        ShouldBe(weighted.Affine.Weight, file[$"{name}.weighted.coef"]);
        ShouldBe(targetMean.sub(weighted.Affine.Weight.mv(sourceMean)), file[$"{name}.weighted.intercept"]);

        void ShouldBe(Tensor actual, Tensor expected) =>
            actual.sub(expected).abs().max().ToDouble().Should().BeLessThanOrEqualTo(Math.Max(scale, tolerance * expected.abs().max().ToDouble()), name);
    }

    // The R² of scikit-learn's score averages the columns'; the fits' own pools them.
    [Theory]
    [MemberData(nameof(CasesAndIntercepts))]
    public void LeastSquares_HasScikitLearnsScoreAndSpectrum(string name, bool intercept)
    {
        using StateDictionary file = Fixture.Load("sklearn/linear_regression.safetensors");
        using var scope = NewDisposeScope();
        string key = $"{name}.{(intercept ? "int" : "noint")}";
        if (file[$"{key}.sklearn_prediction_difference"].ToDouble() > 1e-9) return;
        Tensor x = file[$"{name}.X"], y = file[$"{name}.Y"];
        using LatentMapFit fit = Stitcher.Fit(x, y, new LeastSquaresFitter(new LeastSquaresOptions { FitIntercept = intercept }));
        Tensor residual = fit.Map.Apply(x).sub(y).square().sum([0]), total = Draws.Centred(y).square().sum([0]);
        residual.div(total).neg().add(1).mean().ToDouble().Should().BeApproximately(file[$"{key}.score_train"].ToDouble(), 1e-9);
        double[] singular = file[$"{key}.singular"].data<double>().ToArray();
        if (fit.Report is not { ConditionNumber: { } condition, Rank: { } rank and > 0 }) return;
        condition.Should().BeApproximately(singular[0] / singular[rank - 1], 1e-6 * condition);
        file[$"{key}.intercept"].ShouldBeCloseTo(fit.Affine.Bias, 1e-6);
    }

    [Theory]
    [InlineData("tall")]
    [InlineData("wide")]
    [InlineData("const")]
    [InlineData("square")]
    public void RidgePath_ChoosesAsRidgeCV(string name)
    {
        using StateDictionary file = Fixture.Load("sklearn/ridge_cv.safetensors");
        RidgePathOptions options = new() { Alphas = file[$"{name}.alphas"].data<double>().ToArray() };
        using var scope = NewDisposeScope();

        using LatentMapFit shared = Stitcher.Fit(file[$"{name}.X"], file[$"{name}.Y"], new RidgePathFitter(options));
        shared.Report.Alpha.Should().Be(file[$"{name}.shared.alpha"].ToDouble());
        shared.Affine.Weight.ShouldBeCloseTo(file[$"{name}.shared.coef"], 1e-8);
        shared.Map.Apply(file[$"{name}.Xtest"]).ShouldBeCloseTo(file[$"{name}.shared.predict"], 1e-9);
        Tensor errors = file[$"{name}.shared.loo_sq_err"].mean([0, 1]);
        tensor(shared.Report.Path.Select(point => point.Error).ToArray()).ShouldBeCloseTo(errors, 1e-9);

        using LatentMapFit each = Stitcher.Fit(file[$"{name}.X"], file[$"{name}.Y"], new RidgePathFitter(options with { PerTarget = true }));
        each.Report.AlphaPerTarget.Should().Equal(file[$"{name}.per_target.alpha"].data<double>().ToArray());
        each.Affine.Weight.ShouldBeCloseTo(file[$"{name}.per_target.coef"], 1e-8);

        using LatentMapFit plain = Stitcher.Fit(file[$"{name}.X"], file[$"{name}.Y"], new RidgePathFitter(options with { FitIntercept = false }));
        plain.Report.Alpha.Should().Be(file[$"{name}.noint.alpha"].ToDouble());
        plain.Affine.Weight.ShouldBeCloseTo(file[$"{name}.noint.coef"], 1e-8);
    }

    /// <summary>RidgeCV(cv=5) takes the largest mean over folds of R², averaged over targets; the path takes the least error of all entries. Three cases of four agree; the fourth differs for that reason alone.</summary>
    [Theory]
    [InlineData("tall", 0.1)]
    [InlineData("wide", 0.1)]
    [InlineData("const", 0.01)]
    [InlineData("square", 0.1)]
    public void RidgePath_LeavingFoldsOut_ChoosesAsRidgeCVButWithoutItsWeights(string name, double least)
    {
        using StateDictionary file = Fixture.Load("sklearn/ridge_cv.safetensors");
        using var scope = NewDisposeScope();
        Tensor x = file[$"{name}.X"], y = file[$"{name}.Y"];
        double[] alphas = file[$"{name}.alphas"].data<double>().ToArray();
        IReadOnlyList<int> folds = RidgePathOptions.Folds(x.size(0), 5);
        using LatentMapFit fit = Stitcher.Fit(x, y, new RidgePathFitter(new RidgePathOptions { Alphas = alphas, Groups = folds }));
        double[] scores = [.. alphas.Select(alpha => Enumerable.Range(0, 5).Average(fold => Score(alpha, fold)))];
        double theirs = file[$"{name}.cv5.alpha"].ToDouble();
        scores.Max().Should().BeApproximately(file[$"{name}.cv5.best_score"].ToDouble(), 1e-9);
        alphas[Array.IndexOf(scores, scores.Max())].Should().Be(theirs);
        fit.Report.Alpha.Should().Be(least);
        if (theirs == least) fit.Affine.Weight.ShouldBeCloseTo(file[$"{name}.cv5.coef"], 1e-8);

        double Score(double alpha, int fold)
        {
            Tensor held = tensor(folds.Select(label => label == fold).ToArray()), rest = held.logical_not();
            using LatentMapFit part = Stitcher.Fit(x[rest], y[rest], new RidgeFitter(alpha));
            Tensor target = y[held];
            return part.Map.Apply(x[held]).sub(target).square().sum([0]).div(Draws.Centred(target).square().sum([0])).neg().add(1).mean().ToDouble();
        }
    }

    [Fact]
    public void Float32Inputs_AreFittedInFloat64_NearerToTheTruthThanScikitLearn()
    {
        using StateDictionary file = Fixture.Load("sklearn/float32_inputs.safetensors");
        using var scope = NewDisposeScope();
        foreach ((string key, ILatentMapFitter fitter) in new (string, ILatentMapFitter)[] { ("lr", new LeastSquaresFitter()), ("ridge100", new RidgeFitter(100)) })
        {
            using LatentMapFit fit = Stitcher.Fit(file["f32.X"], file["f32.Y"], fitter);
            fit.Affine.Weight.dtype.Should().Be(ScalarType.Float64);
            double ours = Close.RelativeDifference(fit.Affine.Weight, file[$"f64.{key}.coef"]);
            ours.Should().BeLessThan(1e-6).And.BeLessThanOrEqualTo(Close.RelativeDifference(file[$"f32.{key}.coef"], file[$"f64.{key}.coef"]));
        }
    }

    [Fact]
    public void AffineMap_AppliedTwice_IsTheSameBytes()
    {
        using StateDictionary file = Fixture.Load("sklearn/linear_regression.safetensors");
        using LatentMapFit first = Stitcher.Fit(file["tall.X"], file["tall.Y"]);
        using LatentMapFit second = Stitcher.Fit(file["tall.X"], file["tall.Y"]);
        AffineMap a = first.Affine, b = second.Affine;
        a.Weight.bytes.SequenceEqual(b.Weight.bytes).Should().BeTrue();
        a.Bias.bytes.SequenceEqual(b.Bias.bytes).Should().BeTrue();
    }

    private static double LargestMagnitude(Tensor values)
    {
        using var scope = NewDisposeScope();
        return values.abs().max().ToDouble();
    }
}
