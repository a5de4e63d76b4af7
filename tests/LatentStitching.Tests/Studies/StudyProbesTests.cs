using LatentStitching.Data;
using LatentStitching.Metrics;
using LatentStitching.Models;
using LatentStitching.Probing;
using LatentStitching.Studies;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Studies;

/// <summary>A study's accuracies are those of the probes' own evaluation, interval and all.</summary>
[NoTensorLeaks]
public sealed class StudyProbesTests
{
    private const int Count = 400;

    [Theory]
    [InlineData(ProbeDecision.Sign)]
    [InlineData(ProbeDecision.Rounding)]
    public void Run_GivesTheProbesOwnEvaluation(ProbeDecision decision)
    {
        using TempFolder folder = new();
        ILatentModel[] models = StudyToys.Models();
        LabelledImages images = new(Count);
        IProbeTrainer trainer = decision == ProbeDecision.Sign ? StudyToys.Options.ProbeTrainer : new LassoProbeTrainer { Alpha = 0.01 };
        StudyResult result = StitchingStudy.Run(StudyToys.Members(models), images, folder.Root, StudyToys.Options with { ProbeTrainer = trainer, Paths = false, Attributes = ["first", "last"], Similarities = [] });
        result.Failures.Should().BeEmpty();
        var split = DataSplit.CreateByShare(Count, 0.6, 0.2, 0.2, 0);
        using (NewDisposeScope())
        {
            ProbeLabels labels = ProbeLabels.Of(images.Attributes, "first", "last");
            foreach ((ILatentModel model, StudyModel alone) in models.Zip(result.Models))
            {
                using ProbeFit probes = trainer.Train(model.Encode(images.Load(split.ProbeTrain)), labels.Select(split.ProbeTrain));
                probes.Probes.Decision.Should().Be(decision);
                foreach (ProbeScore score in ProbeEvaluation.Evaluate(probes.Probes, model.Encode(images.Load(split.Test)), labels.Select(split.Test)))
                {
                    Same(alone.Number(StudyQuantity.BalancedAccuracy, attribute: score.Name)!, score.BalancedAccuracy, "balanced accuracy");
                    Same(alone.Number(StudyQuantity.Accuracy, attribute: score.Name)!, score.Accuracy, "probe accuracy");
                }
            }
            result.Pair("a", "b")!.Number(StudyQuantity.Accuracy, attribute: "first")!.ShuffledFloor!.Value.Should().BeInRange(0.2, 0.8);
        }
        StudyToys.Dispose(models);

        void Same(StudyNumber number, MetricValue wanted, string name)
        {
            number.Value.Info.Name.Should().Be(name);
            number.Value.Info.Signature.Should().Be($"{wanted.Info.Signature}|{trainer.Signature}");
            (number.Value.Value, number.Value.Lower, number.Value.Upper, number.Value.IntervalMethod, number.Value.Count).Should().Be((wanted.Value, wanted.Lower, wanted.Upper, wanted.IntervalMethod, wanted.Count));
            number.Value.Upper.Should().BeLessThanOrEqualTo(1, "no share of images is above all");
        }
    }

    [Fact]
    public void Evaluate_KeepsWhichRowsAreRight_InTheirOrder()
    {
        using var scope = NewDisposeScope();
        using LinearProbes probes = new(["x"], ones(1, 1), zeros(1));
        Tensor latents = tensor((double[])[3, -1, 2, -4, 1]).unsqueeze(1);
        AttributeTable table = new(["x"], [[true], [true], [false], [false], [true]]);
        MetricValue accuracy = ProbeEvaluation.Evaluate(probes, latents, ProbeLabels.Of(table))[0].Accuracy;
        accuracy.PerImage.Should().Equal(1, 0, 0, 1, 1);
        accuracy.StandardDeviation.Should().BeApproximately(Math.Sqrt(0.3), 1e-12);
    }
}
