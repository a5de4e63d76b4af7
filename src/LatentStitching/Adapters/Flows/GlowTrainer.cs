using LatentStitching.Data;
using LatentStitching.Training;
using TorchSharp.Modules;

namespace LatentStitching.Adapters.Flows;

/// <summary>Trains a <see cref="Glow"/> by maximum likelihood.</summary>
/// <remarks>
/// Minimises bits per dimension of images cut to <see cref="Glow.Bits"/> bits and spread evenly over their bins: Kingma and Dhariwal (arXiv:1807.03039), eq. 1 and 2. The normalisations take their first values from the
/// first batch of an untrained model (section 3.1 there), which is part of what a checkpoint of the run holds. Adam.
/// </remarks>
public sealed class GlowTrainer
{
    private readonly TrainingOptions _options;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">Options; if null the defaults with batches of 16 and a step size of 10⁻⁴, as the published code of rosinality trains.</param>
    public GlowTrainer(TrainingOptions? options = null) => _options = options ?? new TrainingOptions { BatchSize = 16, LearningRate = 1e-4 };

    /// <summary>Trains the model in place.</summary>
    /// <param name="model">The model. Its weights change, also those that views of it see.</param>
    /// <param name="images">Training images, of the model's format.</param>
    /// <param name="progress">Told at most a hundred times, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; the model keeps what it has learnt.</param>
    /// <returns>How the run went. The loss is in bits per dimension.</returns>
    /// <exception cref="ArgumentException">The images have another format than the model, or the model's prior depends on a class.</exception>
    /// <exception cref="InvalidOperationException">The loss is no longer finite.</exception>
    public TrainingReport Train(Glow model, IImageSource images, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Image != model.Image) throw new ArgumentException($"images must have the format {model.Image} of {model.Name}, but it is {images.Image}.", nameof(images));
        if (model.Classes > 0) throw new ArgumentException($"model must have a prior without classes, because images come without them, but {model.Name} has {model.Classes}.", nameof(model));
        using IDisposable learning = model.Network.Learn();
        return TrainingLoop.Run(new GlowTask(model), images, _options, progress, cancellationToken);
    }

    private sealed class GlowTask(Glow model) : TrainingTask
    {
        public override Device Device => model.Device;

        public override IReadOnlyList<OptimiserGroup> Groups { get; } = [new OptimiserGroup("glow", model.Network.Weights.Trainable)];

        // The flags change; the factors that no step changes differ from seed to seed.
        public override IReadOnlyList<(string Name, Tensor Tensor)> Buffers { get; } = [.. model.Network.Weights.All.Where(weight => weight.Tensor is not Parameter)];

        public override string Settings => $"bits {model.Bits}";

        public override double Step(TrainingStep step)
        {
            Tensor pixels = Pixels(step.Batch, step.Generator);
            if (!model.Network.Initialised) model.Network.Initialise(pixels);
            return step.Minimise(0, Loss(pixels));
        }

        public override double Validate(Tensor batch, Generator generator) => Loss(Pixels(batch, generator)).ToDouble();

        public override void WriteSnapshot(string folder) => model.Save(folder);

        private Tensor Pixels(Tensor batch, Generator generator) => GlowPixels.Dequantised(batch.to_type(model.Dtype), model.Bits, generator);

        private Tensor Loss(Tensor pixels) => GlowPixels.BitsPerDimension(GlowLatents.LogLikelihood(model.Network, pixels, classes: null), model.Bits, model.Image.PixelCount).mean();
    }
}
