using LatentStitching.Checkpoints;
using LatentStitching.Fitting;
using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class LassoProbeTests
{
    [Theory]
    [InlineData("tall")]
    [InlineData("wide")]
    [InlineData("const")]
    [InlineData("dup")]
    public void Train_IsTheMinimumThatScikitLearnFinds(string name)
    {
        using StateDictionary file = Fixture.Load("sklearn/lasso.safetensors");
        using var scope = NewDisposeScope();
        foreach (double alpha in (double[])[0.005, 0.02, 0.1])
        {
            string key = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name}.y01.alpha{alpha}");
            using ProbeFit fit = new LassoProbeTrainer { Alpha = alpha, Tolerance = 1e-12 }.Train(file[$"{name}.X"], ProbeCases.Of(file[$"{name}.y01"]));
            fit.Reports[0].Converged.Should().BeTrue();
            Tensor w = fit.Probes.Weight[0], error = fit.Probes.Scores(file[$"{name}.X"]).squeeze(1).sub(file[$"{name}.y01"]);
            double objective = (error.square().mean().ToDouble() / 2) + (alpha * w.abs().sum().ToDouble()), reference = file[$"{key}.objective"].ToDouble();
            objective.Should().BeApproximately(reference, 1e-9 * reference);
            fit.Probes.Scores(file[$"{name}.Xtest"]).squeeze(1).ShouldBeCloseTo(file[$"{key}.predict"], 1e-5);
            if (name == "dup") continue; // its coefficients are not unique
            w.sub(file[$"{key}.coef"]).abs().max().ToDouble().Should().BeLessThan(1e-6);
            fit.Probes.Bias[0].sub(file[$"{key}.intercept"]).abs().ToDouble().Should().BeLessThan(1e-6);
        }
    }

    [Theory]
    [InlineData(200, 30, ScalarType.Float64, 1e-10)]
    [InlineData(90, 200, ScalarType.Float64, 1e-10)]
    [InlineData(120, 150, ScalarType.Float32, 1e-4)]
    public void Train_EachAttributeOnItsOwnRows_MeetsItsOptimalityConditions(int rows, int columns, ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(rows, columns, type);
        ProbeLabels labels = ProbeCases.Labels(rows, columns).Balanced(4);
        const double alpha = 0.01;
        long before = NoTensorLeaksAttribute.Live();
        using ProbeFit fit = new LassoProbeTrainer { Alpha = alpha, Tolerance = tolerance }.Train(latents, labels);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        double slack = alpha * Math.Max(Math.Sqrt(tolerance) * 30, 1e-6);
        for (int attribute = 0; attribute < 3; attribute++)
        {
            (Tensor x, Tensor y) = ProbeCases.Own(latents, labels, attribute);
            double n = y.size(0);
            Tensor residual = y.sub(x.mv(fit.Probes.Weight[attribute])).sub(fit.Probes.Bias[attribute]);
            double[] w = fit.Probes.Weight[attribute].data<double>().ToArray(), pull = x.t().mv(residual).div(n).data<double>().ToArray();
            residual.mean().ToDouble().Should().BeApproximately(0, 1e-6);
            w.Count(value => value != 0).Should().BeGreaterThan(2);
            for (int j = 0; j < w.Length; j++)
            {
                if (w[j] == 0) Math.Abs(pull[j]).Should().BeLessThan(alpha + slack);
                else pull[j].Should().BeApproximately(alpha * Math.Sign(w[j]), slack);
            }
            // The gap told, made again from its definition.
            Tensor centred = residual.sub(residual.mean());
            double scale = Math.Min(1, alpha / pull.Max(Math.Abs)), start = y.sub(y.mean()).square().mean().ToDouble() / 2;
            double primal = (centred.square().mean().ToDouble() / 2) + (alpha * w.Sum(Math.Abs)), dual = centred.mul(scale).mul(y).mean().ToDouble() - (scale * scale * centred.square().mean().ToDouble() / 2);
            ((primal - dual) / start).Should().BeApproximately(fit.Reports[attribute].RelativeGap, Math.Max(1e-10, 1e-4 * tolerance));
            fit.Reports[attribute].RelativeGap.Should().BeLessThan(tolerance);
            fit.Reports[attribute].Converged.Should().BeTrue();
        }
    }

    [Fact]
    public void Presets_AreThePublishedStrengths_AndRound()
    {
        using var scope = NewDisposeScope();
        LassoProbeTrainer.ForPublishedVae.Alpha.Should().Be(0.005);
        LassoProbeTrainer.ForPublishedVqVae.Alpha.Should().Be(0.005);
        LassoProbeTrainer.ForPublishedDiffusion.Alpha.Should().Be(0.02);
        LassoProbeTrainer.ForPublishedFlow.Alpha.Should().Be(0.1);
        LassoProbeTrainer.ForPublishedFlow.Signature.Should().Be("probe|model:lasso-rounded|alpha:0.1");
        Tensor latents = ProbeCases.Latents(60, 4);
        using ProbeFit fit = LassoProbeTrainer.ForPublishedVae.Train(latents, ProbeCases.Labels(60, 4));
        fit.Probes.Decision.Should().Be(ProbeDecision.Rounding);
        fit.Probes.GivesProbabilities.Should().BeFalse();
        fit.Reports[0].Strength.Should().Be(0.005);
    }

    [Fact]
    public void Train_StrongPenalty_LeavesTheMeanOfTheLabels()
    {
        using var scope = NewDisposeScope();
        using ProbeFit fit = new LassoProbeTrainer { Alpha = 10 }.Train(ProbeCases.Latents(8, 3), ProbeCases.Of(true, false, false, false, true, false, false, true));
        fit.Probes.Weight.abs().max().ToDouble().Should().Be(0);
        fit.Probes.Bias[0].ToDouble().Should().BeApproximately(3.0 / 8, 1e-15);
        fit.Reports[0].RelativeGap.Should().BeLessThan(1e-12);
    }

    [Fact]
    public void Train_ToldToStop_LeavesNothing()
    {
        using var scope = NewDisposeScope();
        using CancellationTokenSource source = new();
        Steps<FitProgress> steps = new(source.Cancel);
        Action cancelled = () => LassoProbeTrainer.ForPublishedVae.Train(ProbeCases.Latents(60, 40), ProbeCases.Labels(60, 40), steps, source.Token);
        cancelled.Should().Throw<OperationCanceledException>();
        steps.All.Should().HaveCount(1);
        Action alpha = () => _ = new LassoProbeTrainer { Alpha = 0 };
        alpha.ShouldRefuse("Alpha", "Alpha must be positive and finite, but it is 0.");
        Action rows = () => LassoProbeTrainer.ForPublishedVae.Train(ProbeCases.Latents(4, 2), ProbeCases.Of(true, false));
        rows.ShouldRefuse("labels", "labels must have a row a latent, 4, but they have 2.");
    }
}
