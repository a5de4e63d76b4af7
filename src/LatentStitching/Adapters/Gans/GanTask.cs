using System.Globalization;
using LatentStitching.Training;
using TorchSharp.Modules;

namespace LatentStitching.Adapters.Gans;

/// <summary>One step of a generator and its discriminator.</summary>
internal sealed class GanTask(GanModel model, Discriminator discriminator, GanObjective objective, double penalty, int penaltyEvery) : TrainingTask
{
    private const double LabelNoise = 0.05;

    public override Device Device => model.Device;

    public override IReadOnlyList<OptimiserGroup> Groups { get; } = [Group("discriminator", discriminator.Weights.Trainable, averaged: false, objective), Group("generator", model.Weights.Trainable, averaged: true, objective)];

    public override IReadOnlyList<(string Name, Tensor Tensor)> Buffers => model.Weights.Buffers;

    public override string Settings => string.Create(CultureInfo.InvariantCulture, $"{objective}, penalty {penalty} every {penaltyEvery}");

    public override double Step(TrainingStep step)
    {
        long count = step.Batch.size(0);
        Tensor generated;
        using (no_grad()) generated = model.Draw(count, step.Generator, learning: true);
        double opposing = step.Minimise(0, OpposingLoss(step.Batch, generated, step.Generator, penalised: (step.Number - 1) % penaltyEvery == 0));
        discriminator.Freeze(true);
        try
        {
            return opposing + step.Minimise(1, GeneratorLoss(model.Draw(count, step.Generator, learning: true), step.Generator));
        }
        finally
        {
            discriminator.Freeze(false);
        }
    }

    public override double Validate(Tensor batch, Generator generator) =>
        OpposingLoss(batch, model.Draw(batch.size(0), generator, learning: false), generator, penalised: false).ToDouble()
        + GeneratorLoss(model.Draw(batch.size(0), generator, learning: false), generator).ToDouble();

    public override void WriteSnapshot(string folder) => model.Save(folder);

    private Tensor OpposingLoss(Tensor real, Tensor generated, Generator generator, bool penalised)
    {
        if (objective == GanObjective.LabelNoise)
        {
            Tensor logits = discriminator.Logits(cat([generated, real], 0), generator);
            Tensor labels = cat([ones(generated.size(0), ScalarType.Float32, real.device), zeros(real.size(0), ScalarType.Float32, real.device)], 0)
                + rand(logits.shape, ScalarType.Float32, real.device, generator: generator) * LabelNoise;
            return nn.functional.binary_cross_entropy_with_logits(logits, labels);
        }
        penalised &= penalty > 0;
        Tensor x = penalised ? real.detach().requires_grad_(true) : real;
        Tensor onReal = discriminator.Logits(x, null);
        // softplus(−t) is −log of the logistic function at t.
        Tensor loss = nn.functional.softplus(-onReal).mean() + nn.functional.softplus(discriminator.Logits(generated, null)).mean();
        if (!penalised) return loss;
        Tensor gradient = autograd.grad([onReal.sum()], [x], retain_graph: true, create_graph: true)[0];
        return loss + gradient.square().flatten(1).sum([1]).mean() * (penalty / 2 * penaltyEvery);
    }

    private Tensor GeneratorLoss(Tensor generated, Generator generator)
    {
        Tensor logits = discriminator.Logits(generated, objective == GanObjective.LabelNoise ? generator : null);
        // The label that the discriminator gives to real images: 0 where generated ones are 1.
        return nn.functional.softplus(objective == GanObjective.LabelNoise ? logits : -logits).mean();
    }

    private static OptimiserGroup Group(string name, IReadOnlyList<(string Name, Parameter Parameter)> parameters, bool averaged, GanObjective objective) => objective == GanObjective.LabelNoise
        ? new OptimiserGroup(name, parameters) { Averaged = averaged }
        : new OptimiserGroup(name, parameters) { Averaged = averaged, Beta1 = 0, Beta2 = 0.99 };
}
