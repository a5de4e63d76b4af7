using System.Globalization;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Training;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>Trains the network of a <see cref="DiffusionModel"/> to take noise away.</summary>
/// <remarks>
/// <para>Minimises the mean over pixels of (prediction − truth)² at random times: L_simple of Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models" (arXiv:2006.11239), eq. 14, and its like
/// for velocities and images. So a network that predicts no noise at all has the loss 1. Times are antithetic, as in DDIM's code: the second half of a batch has T − 1 − t of the first.</para>
/// <para>Adam.</para>
/// </remarks>
public sealed class DiffusionTrainer
{
    private readonly TrainingOptions _options;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">Options; if null the defaults with DDPM's learning rate of 2·10⁻⁴, gradients clipped to norm 1 and weights averaged with decay 0.9999.</param>
    public DiffusionTrainer(TrainingOptions? options = null) => _options = options ?? new TrainingOptions { LearningRate = 2e-4, GradientClip = 1, EmaDecay = 0.9999 };

    /// <summary>Trains the model in place.</summary>
    /// <param name="model">The model, with a network of the library's own. Its weights change.</param>
    /// <param name="images">Training images, of the model's format.</param>
    /// <param name="progress">Told at most a hundred times, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; the model keeps what it has learnt.</param>
    /// <returns>How the run went. The loss is in squared units of the prediction.</returns>
    /// <exception cref="ArgumentException">The images have another format than the model, or its network is not one of the library's.</exception>
    /// <exception cref="InvalidOperationException">The loss is no longer finite.</exception>
    public TrainingReport Train(DiffusionModel model, IImageSource images, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Image != model.Image) throw new ArgumentException($"images must have the format {model.Image} of {model.Name}, but it is {images.Image}.", nameof(images));
        if (model.Network is not IWeightedDenoiser network)
        {
            throw new ArgumentException($"model must have a {nameof(DiffusionUNet)} or a {nameof(ConvolutionalDenoiser)}, whose weights the trainer knows, but it has a network of its own.", nameof(model));
        }
        using var scope = NewDisposeScope();
        Tensor alphaBars = tensor(model.Schedule.AlphaBars.Select(value => (float)value).ToArray(), device: model.Device);
        OptimiserGroup weights = new("denoiser", network.Weights.Trainable);
        return TrainingLoop.Run(new LossTask(model, weights, (batch, generator) => Loss(model, network, alphaBars, batch, generator), Settings(model)), images, _options, progress, cancellationToken);
    }

    private static string Settings(DiffusionModel model) =>
        $"{model.Options.Prediction}, schedule {TensorChecksum.Of(string.Join(' ', model.Schedule.AlphaBars.Select(value => value.ToString("r", CultureInfo.InvariantCulture))))[..16]}";

    private static Tensor Loss(DiffusionModel model, IWeightedDenoiser network, Tensor alphaBars, Tensor batch, Generator generator)
    {
        Tensor clean = model.ToNetworkRange(batch);
        long count = clean.size(0), total = model.Schedule.Steps;
        Tensor half = randint(0, total, [(count + 1) / 2], ScalarType.Int64, clean.device, generator: generator);
        Tensor times = cat([half, total - 1 - half], 0).narrow(0, 0, count);
        Tensor alphaBar = alphaBars.index_select(0, times).reshape(-1, 1, 1, 1);
        Tensor alpha = alphaBar.sqrt(), sigma = (1 - alphaBar).sqrt();
        Tensor noise = randn(clean.shape, clean.dtype, clean.device, generator: generator);
        // Nothing is dropped where no gradient is asked for, as on held-out images.
        Tensor predicted = network.Forward(alpha * clean + sigma * noise, times.to_type(clean.dtype), is_grad_enabled() ? generator : null);
        Tensor truth = model.Options.Prediction switch
        {
            PredictionType.Epsilon => noise,
            PredictionType.Velocity => alpha * noise - sigma * clean,
            _ => clean,
        };
        return (predicted - truth).square().mean();
    }
}
