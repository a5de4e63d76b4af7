using LatentStitching.Metrics;
using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class ProbeEvaluationTests
{
    private static readonly bool[] _label = [false, false, true, true, true, false];

    // Probabilities .1, .4, .35, .8, .4, .7 as scores: with a tie across the classes.
    private static (LinearProbes Probes, Tensor Latents) Case(ProbeDecision decision = ProbeDecision.Sign, bool probabilities = true)
    {
        Tensor latents = tensor((double[])[0.1, 0.4, 0.35, 0.8, 0.4, 0.7]);
        latents = latents.div(latents.neg().add(1)).log().unsqueeze(1);
        return (new LinearProbes(["x"], ones(1, 1, ScalarType.Float64), zeros(1, ScalarType.Float64), decision, probabilities), latents);
    }

    [Fact]
    public void Evaluate_GoldenValues()
    {
        // scikit-learn 1.2.1: roc_auc_score, log_loss, brier_score_loss, balanced_accuracy_score.
        using var scope = NewDisposeScope();
        (LinearProbes probes, Tensor latents) = Case();
        using (probes)
        {
            ProbeScore score = ProbeEvaluation.Evaluate(probes, latents, ProbeCases.Of(_label))[0];
            score.Auc.Value.Should().BeApproximately(0.6111111111111112, 1e-12);
            score.LogLoss!.Value.Should().BeApproximately(0.6682358919061325, 1e-12);
            score.Brier!.Value.Should().BeApproximately(0.24708333333333332, 1e-12);
            score.BalancedAccuracy.Value.Should().BeApproximately(0.5, 1e-15);
            score.Accuracy.Value.Should().BeApproximately(0.5, 1e-15);
            // Bins 0.1, 0.35, 0.4 twice, 0.7, 0.8: |−.1|, |.65|, |−.4 + .6|, |−.7|, |.2| over six.
            score.CalibrationError!.Value.Should().BeApproximately((0.1 + 0.65 + 0.2 + 0.7 + 0.2) / 6, 1e-12);
            (score.Rows, score.Positives, score.Name).Should().Be((6, 3, "x"));
            score.Accuracy.Signature.Should().Be("accuracy|of:probe|decision:sign|n:6|ci:percentile-bootstrap-2000");
            score.CalibrationError.Signature.Should().Be("ece|bins:10|of:probe|decision:sign|n:6|ci:percentile-bootstrap-2000");
            foreach (MetricValue value in (MetricValue[])[score.Accuracy, score.BalancedAccuracy, score.Auc, score.LogLoss, score.Brier, score.CalibrationError])
            {
                value.Lower.Should().BeLessThan(value.Upper);
                value.Info.Signature.Should().MatchRegex("^[a-z0-9-]+(\\|[a-z0-9-]+:[^|:]+)*$");
            }
            score.Auc.Info.Direction.Should().Be(MetricDirection.HigherIsBetter);
            score.LogLoss.Info.Direction.Should().Be(MetricDirection.LowerIsBetter);
        }
    }

    [Fact]
    public void Evaluate_ScoresThatAreNoProbabilities_HaveNoLogLoss_AndRoundingCounts()
    {
        using var scope = NewDisposeScope();
        using LinearProbes rounding = new(["x"], ones(1, 1), zeros(1), ProbeDecision.Rounding);
        ProbeScore score = ProbeEvaluation.Evaluate(rounding, tensor((double[])[0.2, 1.7, 0.9]).unsqueeze(1), ProbeCases.Of(false, true, true))[0];
        // 1.7 rounds to 2, which is neither: wrong, though it ranks right.
        score.Accuracy.Value.Should().BeApproximately(2.0 / 3, 1e-15);
        score.BalancedAccuracy.Value.Should().BeApproximately(0.75, 1e-15);
        score.Auc.Value.Should().Be(1);
        (score.LogLoss, score.Brier, score.CalibrationError).Should().Be((null, null, null));
        score.Accuracy.Info.Signature.Should().EndWith("decision:rounding");
    }

    [Fact]
    public void Evaluate_MeansOverClasses_AndTurnedScores_AreIdentities()
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(300, 8);
        ProbeLabels labels = ProbeCases.Labels(300, 8), balanced = labels.Balanced(1);
        using ProbeFit fit = new LogisticProbeTrainer().Train(latents, labels);
        IReadOnlyList<ProbeScore> scores = ProbeEvaluation.Evaluate(fit.Probes, latents, labels, 5), even = ProbeEvaluation.Evaluate(fit.Probes, latents, balanced, 5), again = ProbeEvaluation.Evaluate(fit.Probes, latents, labels, 5);
        using LinearProbes turned = new(labels.Names, fit.Probes.Weight.neg(), fit.Probes.Bias.neg());
        IReadOnlyList<ProbeScore> other = ProbeEvaluation.Evaluate(turned, latents, labels, 5);
        for (int attribute = 0; attribute < 3; attribute++)
        {
            // With classes of one size both accuracies are the same number.
            even[attribute].BalancedAccuracy.Value.Should().BeApproximately(even[attribute].Accuracy.Value, 1e-12);
            other[attribute].Auc.Value.Should().BeApproximately(1 - scores[attribute].Auc.Value, 1e-12);
            other[attribute].BalancedAccuracy.Value.Should().BeApproximately(1 - scores[attribute].BalancedAccuracy.Value, 1e-12);
            scores[attribute].Accuracy.Value.Should().BeApproximately(fit.Reports[attribute].TrainingAccuracy, 1e-12);
            again[attribute].Auc.Lower.Should().Be(scores[attribute].Auc.Lower);
            scores[attribute].Auc.Value.Should().BeInRange(scores[attribute].Auc.Lower, scores[attribute].Auc.Upper);
            // The interval of a share: 1.96 standard errors.
            double p = scores[attribute].Accuracy.Value, half = 1.96 * Math.Sqrt(p * (1 - p) / 300);
            ((scores[attribute].Accuracy.Upper - scores[attribute].Accuracy.Lower) / 2).Should().BeApproximately(half, 0.15 * half);
        }
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        (LinearProbes probes, Tensor latents) = Case();
        using (probes)
        {
            Action one = () => ProbeEvaluation.Evaluate(probes, latents, ProbeCases.Of(true, true, true, true, true, true));
            one.ShouldRefuse("labels", "labels must have rows of both classes, but of the 6 rows of 'x' 6 have it. Leave the attribute out, or add rows.");
            Action count = () => ProbeEvaluation.Evaluate(probes, latents, ProbeCases.Of(true, false));
            count.ShouldRefuse("labels", "labels must have a row a latent, 6, but they have 2.");
            Action names = () => ProbeEvaluation.Evaluate(probes, latents, ProbeLabels.OneVersusRest([0, 1, 0, 1, 0, 1], ["y", "z"]));
            names.ShouldRefuse("labels", "labels must have the probes' attributes in their order, x, but they have y, z.");
            Action width = () => ProbeEvaluation.Evaluate(probes, ones(6, 2), ProbeCases.Of(_label));
            width.ShouldRefuse("latents", "latents must have 1 columns, the latent width of the probes, but its shape is [6, 2].");
        }
    }
}
