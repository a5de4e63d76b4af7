using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class LogisticProbeTests
{
    private static readonly LogisticProbeTrainer _exact = new() { Tolerance = 1e-13 };

    [Theory]
    [InlineData("binary", "0.1")]
    [InlineData("binary", "1")]
    [InlineData("binary", "100")]
    [InlineData("binary_wide", "0.1")]
    public void Train_IsTheMinimumThatScikitLearnFinds(string name, string strength)
    {
        using StateDictionary file = Fixture.Load("sklearn/logistic.safetensors");
        using var scope = NewDisposeScope();
        double c = double.Parse(strength, System.Globalization.CultureInfo.InvariantCulture);
        using ProbeFit fit = new LogisticProbeTrainer { C = c, Tolerance = 1e-13 }.Train(file[$"{name}.X"], ProbeCases.Of(file[$"{name}.y"]));
        string key = $"{name}.C{strength}";
        fit.Reports[0].Converged.Should().BeTrue();
        fit.Reports[0].Strength.Should().Be(c);
        fit.Probes.Weight.ShouldBeCloseTo(file[$"{key}.coef"], 1e-5);
        fit.Probes.Bias.ShouldBeCloseTo(file[$"{key}.intercept"], 1e-5);
        Tensor probability = fit.Probes.Scores(file[$"{name}.Xtest"]).sigmoid().squeeze(1);
        probability.sub(file[$"{key}.proba"].select(1, 1)).abs().max().ToDouble().Should().BeLessThan(1e-6);
        fit.Probes.Predict(file[$"{name}.Xtest"]).squeeze(1).to_type(ScalarType.Int64).data<long>().ToArray().Should().Equal(file[$"{key}.predict"].data<long>().ToArray());
        fit.Reports[0].TrainingAccuracy.Should().BeApproximately(file[$"{key}.accuracy_train"].ToDouble(), 1e-12);
    }

    [Fact]
    public void Train_GoldenValues()
    {
        // y = 1[Y₀ > median]; scikit-learn 1.2.1, LogisticRegression(C=1), newton-cg, tol 1e-14.
        using var scope = NewDisposeScope();
        using ProbeFit fit = _exact.Train(Golden.X(), ProbeCases.Of(tensor((double[])[0, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1])));
        fit.Probes.Weight.ShouldBeCloseTo(tensor((double[])[0.599718239736814, 0.9092841135877272, -0.271816199614232, -0.206268374261815]).unsqueeze(0), 1e-7);
        fit.Probes.Bias[0].ToDouble().Should().BeApproximately(-0.4968916623693874, 1e-7);
        ProbeScore score = ProbeEvaluation.Evaluate(fit.Probes, Golden.X(), ProbeCases.Of(tensor((double[])[0, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1])))[0];
        score.LogLoss!.Value.Should().BeApproximately(0.567037674036349, 1e-5);
    }

    [Theory]
    [InlineData(120, 6, ScalarType.Float64)]
    [InlineData(60, 90, ScalarType.Float64)]
    [InlineData(300, 200, ScalarType.Float32)]
    public void Train_EachAttributeOnItsOwnRows_AtAZeroGradient(int rows, int columns, ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(rows, columns, type);
        ProbeLabels labels = ProbeCases.Labels(rows, columns).Balanced(1);
        const double c = 0.5;
        long before = NoTensorLeaksAttribute.Live();
        using ProbeFit fit = new LogisticProbeTrainer { C = c, Tolerance = 1e-12 }.Train(latents, labels);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        for (int attribute = 0; attribute < 3; attribute++)
        {
            (Tensor x, Tensor y) = ProbeCases.Own(latents, labels, attribute);
            Tensor w = fit.Probes.Weight[attribute], s = x.mv(w).add(fit.Probes.Bias[attribute]), residual = s.sigmoid().sub(y).mul(c);
            Tensor gradient = x.t().mv(residual).add(w);
            double objective = s.clamp_min(0).sub(s.mul(y)).add(s.abs().neg().exp().log1p()).sum().ToDouble() * c + (w.square().sum().ToDouble() / 2);
            residual.sum().ToDouble().Should().BeApproximately(0, 1e-9 * rows);
            (gradient.square().sum().ToDouble() / 2 / objective).Should().BeLessThan(1e-11);
            fit.Reports[attribute].Converged.Should().BeTrue();
            fit.Reports[attribute].RelativeGap.Should().BeLessThan(1e-12);
            fit.Reports[attribute].Rows.Should().Be((int)y.size(0));
        }
        fit.Signature.Should().Be("probe|model:logistic|penalty:l2|c:0.5");
        fit.Probes.GivesProbabilities.Should().BeTrue();
    }

    [Fact]
    public void Train_DefaultTolerance_IsThatFarFromTheMinimumAtMost()
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(200, 40, ScalarType.Float32);
        ProbeLabels labels = ProbeCases.Labels(200, 40);
        using ProbeFit rough = new LogisticProbeTrainer().Train(latents, labels), exact = _exact.Train(latents, labels);
        for (int attribute = 0; attribute < 3; attribute++)
        {
            double least = Objective(exact, attribute), reached = Objective(rough, attribute);
            ((reached - least) / least).Should().BeInRange(-1e-12, rough.Reports[attribute].RelativeGap + 1e-12);
            rough.Reports[attribute].RelativeGap.Should().BeLessThan(1e-6);
        }

        double Objective(ProbeFit fit, int attribute)
        {
            (Tensor x, Tensor y) = ProbeCases.Own(latents, labels, attribute);
            Tensor w = fit.Probes.Weight[attribute], s = x.mv(w).add(fit.Probes.Bias[attribute]);
            return s.clamp_min(0).sub(s.mul(y)).add(s.abs().neg().exp().log1p()).sum().ToDouble() + (w.square().sum().ToDouble() / 2);
        }
    }

    [Fact]
    public void Train_L1_MeetsItsOptimalityConditions()
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(150, 60);
        ProbeLabels labels = ProbeCases.Labels(150, 60).Balanced(5);
        const double c = 0.7;
        long before = NoTensorLeaksAttribute.Live();
        using ProbeFit fit = new LogisticProbeTrainer { Penalty = ProbePenalty.L1, C = c, Tolerance = 1e-11 }.Train(latents, labels);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        for (int attribute = 0; attribute < 3; attribute++)
        {
            (Tensor x, Tensor y) = ProbeCases.Own(latents, labels, attribute);
            double[] w = fit.Probes.Weight[attribute].data<double>().ToArray();
            double[] pull = x.t().mv(y.sub(x.mv(fit.Probes.Weight[attribute]).add(fit.Probes.Bias[attribute]).sigmoid())).mul(c).data<double>().ToArray();
            fit.Reports[attribute].Converged.Should().BeTrue();
            w.Count(value => value != 0).Should().BeInRange(1, 59);
            for (int j = 0; j < w.Length; j++)
            {
                if (w[j] == 0) Math.Abs(pull[j]).Should().BeLessThan(1 + 1e-5);
                else pull[j].Should().BeApproximately(Math.Sign(w[j]), 1e-5);
            }
        }
    }

    [Fact]
    public void Train_L1_GoldenValues()
    {
        // scikit-learn 1.2.1, LogisticRegression(C=5, penalty='l1', solver='saga', tol=1e-15); the last coefficient is exactly zero.
        using var scope = NewDisposeScope();
        using ProbeFit fit = new LogisticProbeTrainer { Penalty = ProbePenalty.L1, C = 5, Tolerance = 1e-13 }.Train(Golden.X(), ProbeCases.Of(tensor((double[])[0, 0, 0, 0, 1, 1, 0, 1, 0, 1, 1, 1])));
        fit.Probes.Weight.ShouldBeCloseTo(tensor((double[])[3.0682090768590102, 4.27746968669451, -0.7737525223653489, 0]).unsqueeze(0), 1e-6);
        fit.Probes.Bias[0].ToDouble().Should().BeApproximately(-3.2060575136728273, 1e-6);
        fit.Probes.Weight[0, 3].ToDouble().Should().Be(0);
        fit.Signature.Should().Be("probe|model:logistic|penalty:l1|c:5");
    }

    [Fact]
    public void Strengths_TakeTheOneOfLeastHeldOutLoss_ForEachAttribute()
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(120, 30);
        ProbeLabels labels = ProbeCases.Labels(120, 30);
        LogisticProbeTrainer trainer = new() { Strengths = [10, 0.001, 0.1], Folds = 4, Seed = 3, Tolerance = 1e-10 };
        using ProbeFit fit = trainer.Train(latents, labels), again = trainer.Train(latents, labels);
        fit.Probes.Weight.ShouldBeCloseTo(again.Probes.Weight, 0);
        Tensor[] held = ProbeFolds.Of(labels, 4, 3, CPU);
        for (int attribute = 0; attribute < 3; attribute++)
        {
            Dictionary<double, double> losses = [];
            foreach (double strength in trainer.Strengths)
            {
                double loss = 0;
                foreach (Tensor fold in held)
                {
                    bool[] outside = [.. fold.select(1, attribute).contiguous().data<double>().ToArray().Select(value => value == 1)];
                    int[] train = [.. Enumerable.Range(0, 120).Where(row => !outside[row])], test = [.. Enumerable.Range(0, 120).Where(row => outside[row])];
                    using ProbeFit part = new LogisticProbeTrainer { C = strength, Tolerance = 1e-10 }.Train(latents.index_select(0, tensor(train.Select(row => (long)row).ToArray())), labels.Select(train));
                    Tensor s = part.Probes.Scores(latents.index_select(0, tensor(test.Select(row => (long)row).ToArray()))).select(1, attribute);
                    double[] scores = s.contiguous().data<double>().ToArray();
                    for (int i = 0; i < test.Length; i++) loss += Math.Log(1 + Math.Exp(labels[test[i], attribute] ? -scores[i] : scores[i]));
                }
                losses[strength] = loss;
            }
            fit.Reports[attribute].Strength.Should().Be(losses.MinBy(entry => entry.Value).Key);
        }
        fit.Signature.Should().Be("probe|model:logistic|penalty:l2|c:cv-of-3|folds:4|seed:3");
    }

    [Fact]
    public void Folds_HoldEachRowOutOnce_AndBothClassesEvenly()
    {
        using var scope = NewDisposeScope();
        ProbeLabels labels = ProbeCases.Labels(101, 5).Balanced(2);
        Tensor[] held = ProbeFolds.Of(labels, 4, 9, CPU);
        Tensor all = stack(held).sum([0]);
        for (int attribute = 0; attribute < 3; attribute++)
        {
            for (int row = 0; row < 101; row++) all[row, attribute].ToDouble().Should().Be(labels.Uses(row, attribute) ? 1 : 0);
            int[] positives = [.. held.Select(fold => Enumerable.Range(0, 101).Count(row => labels[row, attribute] && fold[row, attribute].ToDouble() == 1))];
            (positives.Max() - positives.Min()).Should().BeLessThanOrEqualTo(1);
            double[] sizes = [.. held.Select(fold => fold.select(1, attribute).sum().ToDouble())];
            (sizes.Max() - sizes.Min()).Should().BeLessThanOrEqualTo(1);
        }
    }

    [Theory]
    [InlineData(ProbePenalty.L2)]
    [InlineData(ProbePenalty.L1)]
    public void Train_SeparableClasses_EndsAtAMinimumAndWarns(ProbePenalty penalty)
    {
        using var scope = NewDisposeScope();
        Tensor latents = tensor((double[])[-3, -2, -1, 1, 2, 3]).unsqueeze(1);
        using ProbeFit fit = new LogisticProbeTrainer { C = 1e6, Penalty = penalty }.Train(latents, ProbeCases.Of(false, false, false, true, true, true));
        fit.Reports[0].Converged.Should().BeTrue();
        fit.Probes.Weight[0, 0].ToDouble().Should().BeInRange(1, 100);
        fit.Reports[0].Warnings.Should().Equal("'x': the classes are separable, all 6 rows are labelled rightly. Only the penalty keeps the coefficients finite, and the scores are too sure: judge on other rows.");
        using ProbeFit mixed = new LogisticProbeTrainer { Penalty = penalty }.Train(latents, ProbeCases.Of(false, true, false, true, false, true));
        mixed.Reports[0].Warnings.Should().BeEmpty();
    }

    [Fact]
    public void Train_LatentsThatDoNotVary_GiveTheClassFrequencies()
    {
        using var scope = NewDisposeScope();
        foreach (ProbePenalty penalty in Enum.GetValues<ProbePenalty>())
        {
            using ProbeFit fit = new LogisticProbeTrainer { Penalty = penalty }.Train(ones(4, 3), ProbeCases.Of(true, false, true, true));
            fit.Probes.Weight.abs().max().ToDouble().Should().Be(0);
            fit.Probes.Bias[0].ToDouble().Should().BeApproximately(Math.Log(3), 1e-12);
        }
    }

    [Fact]
    public void Train_ReportsItsWarningAndRefusesInWords()
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(40, 3);
        ProbeLabels labels = ProbeCases.Labels(40, 3);
        using ProbeFit edge = new LogisticProbeTrainer { Strengths = [1e-6, 1e-7] }.Train(latents, labels);
        edge.Reports[0].Warnings.Should().Contain("'a': the chosen strength 1e-07 is at the end of those tried. Try some beyond it.");
        Action few = () => new LogisticProbeTrainer { Strengths = [1, 2] }.Train(latents.narrow(0, 0, 6), ProbeCases.Of(true, false, true, false, false, false));
        few.ShouldRefuse("labels", "labels must have at least 5 rows of each class, one a fold, but 'x' has 2 of one. Use fewer folds, or leave the attribute out.");
        Action sparse = () => new LogisticProbeTrainer { Strengths = [1], Penalty = ProbePenalty.L1 }.Train(latents, labels);
        sparse.ShouldSay<InvalidOperationException>("Strengths are chosen by cross-validation for the L2 penalty only. Leave Strengths empty and set C.");
        Action one = () => new LogisticProbeTrainer().Train(latents.narrow(0, 0, 2), ProbeCases.Of(true, true));
        one.ShouldRefuse("labels", "labels must have rows of both classes, but of the 2 rows of 'x' 2 have it. Leave the attribute out, or add rows.");
        Action strength = () => _ = new LogisticProbeTrainer { Strengths = [1, 0] }, folds = () => _ = new LogisticProbeTrainer { Folds = 1 };
        strength.ShouldRefuse("Strengths", "Strengths must be positive and finite, but it is 0.");
        folds.ShouldRefuse("Folds", "Folds must be at least 2, but it is 1.");
        using CancellationTokenSource source = new();
        foreach (ProbePenalty penalty in Enum.GetValues<ProbePenalty>())
        {
            Action cancelled = () => new LogisticProbeTrainer { Penalty = penalty }.Train(latents, labels, new Steps<FitProgress>(source.Cancel), source.Token);
            cancelled.Should().Throw<OperationCanceledException>();
        }
    }

    [Fact]
    public void Loss_GapIsHalfTheSquaredGradient_AtTheBestOffset()
    {
        using var scope = NewDisposeScope();
        Tensor x = ProbeCases.Latents(50, 4), y = ProbeColumns.Labels(ProbeCases.Labels(50, 4), CPU), w = x.narrow(0, 0, 4).narrow(1, 0, 3).contiguous();
        foreach (ProbeLoss loss in (ProbeLoss[])[ProbeLoss.Logistic, ProbeLoss.SquaredHinge, ProbeLoss.Squares])
        {
            Tensor plain = x.mm(w), score = plain.add(ProbeIntercept.Best(loss, plain, y, ones_like(y), zeros(3, ScalarType.Float64)));
            Tensor residual = loss.Residual(score, y), lifted = x.t().mm(residual);
            Tensor primal = loss.Value(score, y).sum([0]).add(w.square().sum([0]).div(2)), dual = loss.Dual(residual, y).sum([0]).sub(lifted.square().sum([0]).div(2));
            primal.sub(dual).ShouldBeCloseTo(w.sub(lifted).square().sum([0]).div(2), 1e-9);
        }
    }
}
