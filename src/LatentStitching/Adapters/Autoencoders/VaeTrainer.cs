using LatentStitching.Data;
using LatentStitching.Numerics;
using LatentStitching.Training;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Trains any <see cref="VariationalAutoencoder"/> by the objective that it was published with, its divergence weighted by β.</summary>
/// <remarks>
/// For <see cref="Vae"/> and <see cref="MlpVae"/> that is, as a mean over the batch, Σ BCE(x, x̂) + β·½Σ(μ² + σ² − 1 − log σ²), both sums over one image's pixels and latent columns: Kingma and
/// Welling (arXiv:1312.6114), eq. 10 and appendix B, with β of Higgins et al., "β-VAE" (ICLR 2017), eq. 4. The other classes tell theirs. One sample of the posterior an image. Adam.
/// </remarks>
public sealed class VaeTrainer
{
    private readonly TrainingOptions _options;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public VaeTrainer(TrainingOptions? options = null) => _options = options ?? new TrainingOptions();

    /// <summary>Weight of the divergence, as a multiple of that in the published objective.</summary>
    /// <value>Zero or more; default 1.</value>
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
    /// <returns>How the run went. The loss is the published objective an image: in nats for <see cref="Vae"/> and <see cref="MlpVae"/>. <see cref="DiffuseVae"/> adds squared errors to nats, <see cref="VanillaVae"/> averages.
    /// <see cref="AspertiVae"/> and <see cref="SplitVae"/> divide by a scale that falls as they learn, so their losses of two passes do not compare; their held-out losses have the scale's own term, ½D·log γ, and do.</returns>
    /// <exception cref="ArgumentException">The images have another format than the model.</exception>
    /// <exception cref="InvalidOperationException">The loss is no longer finite.</exception>
    public TrainingReport Train(VariationalAutoencoder model, IImageSource images, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Image != model.Image) throw new ArgumentException($"images must have the format {model.Image} of {model.Name}, but it is {images.Image}.", nameof(images));
        using VaeTask task = new(model, Beta);
        return TrainingLoop.Run(task, images, _options, progress, cancellationToken);
    }
}
