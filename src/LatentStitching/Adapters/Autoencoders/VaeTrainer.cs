using LatentStitching.Data;
using LatentStitching.Numerics;
using LatentStitching.Training;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Trains a <see cref="Vae"/> by the evidence lower bound with weight β on its divergence.</summary>
/// <remarks>
/// Minimises, as a mean over the batch, Σ BCE(x, x̂) + β·½Σ(μ² + σ² − 1 − log σ²), both sums over one image's pixels and latent columns: Kingma and Welling (arXiv:1312.6114), eq. 10 and
/// appendix B, with β of Higgins et al., "β-VAE" (ICLR 2017), eq. 4. One sample of the posterior an image. Adam.
/// </remarks>
public sealed class VaeTrainer
{
    private readonly TrainingOptions _options;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public VaeTrainer(TrainingOptions? options = null) => _options = options ?? new TrainingOptions();

    /// <summary>Weight of the divergence.</summary>
    /// <value>Zero or more; default 1, the evidence lower bound itself.</value>
    public double Beta
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Beta));
    } = 1;

    /// <summary>Trains the model in place.</summary>
    /// <param name="model">The model. Its weights change.</param>
    /// <param name="images">Training images, of the model's format.</param>
    /// <param name="progress">Told at most a hundred times, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; the model keeps what it has learnt.</param>
    /// <returns>How the run went. The loss is in nats an image.</returns>
    /// <exception cref="ArgumentException">The images have another format than the model.</exception>
    /// <exception cref="InvalidOperationException">The loss is no longer finite.</exception>
    public TrainingReport Train(Vae model, IImageSource images, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Image != model.Image) throw new ArgumentException($"images must have the format {model.Image} of {model.Name}, but it is {images.Image}.", nameof(images));
        OptimiserGroup weights = new("vae", model.Network.Weights.Trainable);
        return TrainingLoop.Run(new LossTask(model, weights, (batch, generator) => Loss(model, batch, generator)), images, _options, progress, cancellationToken);
    }

    private Tensor Loss(Vae model, Tensor batch, Generator generator)
    {
        (Tensor mean, Tensor logVariance) = model.Network.Encode(batch);
        Tensor noise = randn(mean.shape, mean.dtype, mean.device, generator: generator);
        Tensor latents = mean + (logVariance * 0.5).exp() * noise;
        Tensor reconstruction = nn.functional.binary_cross_entropy_with_logits(model.Network.DecodeLogits(latents), batch, reduction: nn.Reduction.Sum);
        Tensor divergence = (mean.square() + logVariance.exp() - 1 - logVariance).sum() * 0.5;
        return (reconstruction + divergence * Beta) / batch.size(0);
    }
}
