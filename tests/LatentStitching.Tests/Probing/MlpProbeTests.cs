using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Probing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Probing;

[NoTensorLeaks]
public sealed class MlpProbeTests
{
    [Fact]
    public void Train_LearnsWhatNoLinearProbeCan_AndTheSameSeedGivesTheSame()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        Tensor latents = rand([600, 2], ScalarType.Float32, generator: generator).mul(2).sub(1).add(5);
        float[] values = latents.data<float>().ToArray();
        // Exclusive or: no line tells the quarters apart.
        ProbeLabels labels = ProbeLabels.Of(new AttributeTable(["xor", "left"], [.. Enumerable.Range(0, 600).Select(row => (IReadOnlyList<bool>)[(values[2 * row] > 5) != (values[(2 * row) + 1] > 5), values[2 * row] < 5])])).Balanced(1);
        MlpProbeTrainer trainer = new() { HiddenWidth = 32, LearningRate = 0.01, BatchSize = 32 };
        long before = NoTensorLeaksAttribute.Live();
        Steps<FitProgress> steps = new();
        using MlpProbes probes = trainer.Train(latents, labels, steps);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(4);
        steps.All.Should().NotBeEmpty();
        using ProbeFit linear = new LogisticProbeTrainer().Train(latents, labels);
        IReadOnlyList<ProbeScore> scores = ProbeEvaluation.Evaluate(probes, latents, labels), straight = ProbeEvaluation.Evaluate(linear.Probes, latents, labels);
        scores[0].Accuracy.Value.Should().BeGreaterThan(0.9);
        straight[0].Accuracy.Value.Should().BeLessThan(0.7);
        scores[1].Accuracy.Value.Should().BeGreaterThan(0.9);
        scores[0].LogLoss.Should().NotBeNull();

        using MlpProbes again = trainer.Train(latents, labels);
        again.Scores(latents).ShouldBeCloseTo(probes.Scores(latents), 0);
        probes.Predict(latents).shape.Should().Equal(600, 2);
        probes.ToString().Should().Be("2 probes of 2 columns with 32 hidden units");
        trainer.Signature.Should().Be("probe|model:mlp|hidden:32|seed:0");
    }

    [Fact]
    public void BadArguments_AreRefusedInWords()
    {
        using var scope = NewDisposeScope();
        Tensor latents = ProbeCases.Latents(20, 3);
        ProbeLabels labels = ProbeCases.Labels(20, 3);
        Action few = () => new MlpProbeTrainer().Train(latents.narrow(0, 0, 4), ProbeCases.Of(true, false, true, false));
        few.ShouldRefuse("latents", "latents must hold at least 10 rows, some of them to know when to stop, but it holds 4.");
        Action width = () => _ = new MlpProbeTrainer { HiddenWidth = 0 };
        width.ShouldRefuse("HiddenWidth", "HiddenWidth must be positive, but it is 0.");
        MlpProbes probes = new MlpProbeTrainer { MaxEpochs = 1 }.Train(latents, labels);
        Action wide = () => probes.Scores(ones(2, 4));
        wide.ShouldRefuse("latents", "latents must have 3 columns, the latent width of the probes, but its shape is [2, 4].");
        probes.Dispose();
        Action disposed = () => probes.Scores(latents);
        disposed.Should().Throw<ObjectDisposedException>();
        using CancellationTokenSource source = new();
        Action cancelled = () => new MlpProbeTrainer().Train(latents, labels, new Steps<FitProgress>(source.Cancel), source.Token);
        cancelled.Should().Throw<OperationCanceledException>();
    }
}
