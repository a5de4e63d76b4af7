using LatentStitching.Data;
using LatentStitching.Numerics;
using LatentStitching.Training;

namespace LatentStitching.Adapters.Gans;

/// <summary>Trains a generator against a discriminator that it makes, and forgets at the end.</summary>
/// <remarks>
/// <para>Each step updates the discriminator once and the generator once, on as many generated as real images. The loss reported is the sum of both; it does not tell how good the images are.</para>
/// <para>Adam with β₁ = 0 and β₂ = 0.99 for <see cref="GanObjective.NonSaturating"/>, 0.9 and 0.999 for <see cref="GanObjective.LabelNoise"/>, where the options do not say. The discriminator is
/// the published one of the family: of Asperti and Tonelli for <see cref="Gan"/>, residual for <see cref="StyleGan2"/>, the generator's mirror image for <see cref="MlpGan"/>.</para>
/// <para>StyleGAN2 trains with fresh noise at every step, without style mixing and path-length penalty, as its authors train small images.</para>
/// </remarks>
public sealed class GanTrainer
{
    /// <summary>Options where none are given: a moving average of the generator, which is what GANs are sampled from.</summary>
    private static readonly TrainingOptions _defaults = new() { LearningRate = 1e-3, EmaDecay = 0.999 };
    private readonly TrainingOptions _options;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">Options; if null the defaults with a step size of 10⁻³ and a moving average of decay 0.999.</param>
    /// <exception cref="ArgumentException">The options have a <see cref="TrainingOptions.Patience"/>: a GAN's loss does not fall as its images get better.</exception>
    public GanTrainer(TrainingOptions? options = null)
    {
        _options = options ?? _defaults;
        if (_options.Patience is { } patience)
        {
            throw new ArgumentException($"options must leave Patience null, for a GAN's loss does not fall as its images get better, but it is {patience}. Choose among snapshots instead.", nameof(options));
        }
    }

    /// <summary>What is minimised.</summary>
    /// <value>Default <see cref="GanObjective.NonSaturating"/>.</value>
    public GanObjective Objective
    {
        get;
        init => field = GanGuard.Defined(value, nameof(Objective));
    }

    /// <summary>Weight γ of the gradient penalty γ/2·‖∇D(x)‖², of <see cref="GanObjective.NonSaturating"/> alone; x in [0, 1].</summary>
    /// <value>
    /// Zero or more; null, the default, for the published rule: 2.5, and 0.00005·side²/batch for <see cref="StyleGan2"/>. They are the 10 of Mescheder et al. and the 0.0002·side²/batch of stylegan2-ada,
    /// which are meant for pixels in [-1, 1]: those have half the gradient, and a quarter of its square.
    /// </value>
    public double? GradientPenalty
    {
        get;
        init => field = value is { } weight ? Guard.NotNegative(weight, nameof(GradientPenalty)) : null;
    }

    /// <summary>Steps from one gradient penalty to the next, each weighing so much more: "lazy regularisation", Karras et al. (arXiv:1912.04958), section 3.1.</summary>
    /// <value>At least 1; default 16.</value>
    public int PenaltyEvery
    {
        get;
        init => field = Guard.Positive(value, nameof(PenaltyEvery));
    } = 16;

    /// <summary>Trains the model in place.</summary>
    /// <param name="model">The model. Its weights change.</param>
    /// <param name="images">Training images, of the model's format.</param>
    /// <param name="progress">Told at most a hundred times, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; the model keeps what it has learnt.</param>
    /// <returns>How the run went.</returns>
    /// <exception cref="ArgumentException">The images have another format than the model, or the model has classes.</exception>
    /// <exception cref="InvalidOperationException">A loss is no longer finite.</exception>
    public TrainingReport Train(GanModel model, IImageSource images, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Image != model.Image) throw new ArgumentException($"images must have the format {model.Image} of {model.Name}, but it is {images.Image}.", nameof(images));
        if (model is StyleGan2 { Decoding.Label: not null }) throw new ArgumentException($"model must have no classes to be trained here, but {model.Name} has.", nameof(model));
        // Published for pixels in [-1, 1], whose gradients are half of those here.
        double penalty = GradientPenalty ?? (model is StyleGan2 ? 0.0002 * model.Image.Height * model.Image.Height / _options.BatchSize : 10) / 4;
        using Discriminator discriminator = model.NewDiscriminator(TrainingRun.Mix(_options.Seed, 4, 0));
        GanTask task = new(model, discriminator, Objective, penalty, PenaltyEvery);
        return TrainingLoop.Run(task, images, _options, progress, cancellationToken);
    }
}
