using LatentStitching.Data;
using LatentStitching.Training;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Trains an <see cref="Autoencoder"/> by the binary cross-entropy of its reconstructions, averaged over pixels and channels, as published. Adam.</summary>
public sealed class AutoencoderTrainer
{
    private readonly TrainingOptions _options;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">Options; the defaults if null. The published run had 10 passes, batches of 16 and a learning rate of 10⁻³.</param>
    public AutoencoderTrainer(TrainingOptions? options = null) => _options = options ?? new TrainingOptions();

    /// <summary>Trains the model in place.</summary>
    /// <param name="model">The model. Its weights change.</param>
    /// <param name="images">Training images, of the model's format.</param>
    /// <param name="progress">Told at most a hundred times, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; the model keeps what it has learnt.</param>
    /// <returns>How the run went. The loss is in nats a pixel and channel.</returns>
    /// <exception cref="ArgumentException">The images have another format than the model.</exception>
    /// <exception cref="InvalidOperationException">The loss is no longer finite.</exception>
    public TrainingReport Train(Autoencoder model, IImageSource images, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Image != model.Image) throw new ArgumentException($"images must have the format {model.Image} of {model.Name}, but it is {images.Image}.", nameof(images));
        LossTask task = new(
            model,
            new OptimiserGroup("autoencoder", model.Weights.Trainable),
            (batch, _) => nn.functional.binary_cross_entropy_with_logits(model.Logits(model.Features(batch)), batch));
        return TrainingLoop.Run(task, images, _options, progress, cancellationToken);
    }
}
