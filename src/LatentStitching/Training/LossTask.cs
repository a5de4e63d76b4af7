using LatentStitching.Models;

namespace LatentStitching.Training;

/// <summary>The common task: one optimiser, one loss.</summary>
/// <param name="model">The model, for snapshots and its device.</param>
/// <param name="parameters">What the optimiser changes.</param>
/// <param name="loss">A batch [n, c, h, w] in [0, 1] and a generator for noise → the loss, a scalar, the mean over the batch's images.</param>
/// <param name="settings">What else decides how the run goes.</param>
internal sealed class LossTask(LatentModel model, OptimiserGroup parameters, Func<Tensor, Generator, Tensor> loss, string settings = "") : TrainingTask
{
    public override Device Device => model.Device;

    public override IReadOnlyList<OptimiserGroup> Groups { get; } = [parameters];

    public override string Settings => settings;

    public override double Step(TrainingStep step) => step.Minimise(0, loss(step.Batch, step.Generator));

    public override double Validate(Tensor batch, Generator generator) => loss(batch, generator).ToDouble();

    public override void WriteSnapshot(string folder) => model.Save(folder);
}
