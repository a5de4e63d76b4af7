using LatentStitching.Data;
using LatentStitching.Numerics;
using LatentStitching.Training;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Trains a <see cref="VqVae"/>: absolute error and commitment by Adam, the codebook by moving averages.</summary>
/// <remarks>
/// <para>Minimises mean |x − x̂| + β·mean (z − sg[e])², x in [−1, 1], with gradients passed straight through the codebook. The published VQGAN adds a perceptual and an adversarial term, which need networks of
/// their own; without them reconstructions are smoother.</para>
/// <para>Each vector of the codebook is the moving average of what snaps to it. One that too little snaps to is put where a random vector of the batch is. A new model's codebook begins among the vectors of its
/// first batch.</para>
/// <para>A moving average of the weights (<see cref="TrainingOptions.EmaDecay"/>) is one of the encoder's and decoder's alone: the codebook follows the vectors of the encoder as it is trained, not of the averaged one.</para>
/// <para>Sources: van den Oord et al. (arXiv:1711.00937), eq. 3 and appendix A.1; Dhariwal et al., "Jukebox" (arXiv:2005.00341), section 3.1, for codes out of use.</para>
/// </remarks>
public sealed class VqVaeTrainer
{
    private readonly TrainingOptions _options;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public VqVaeTrainer(TrainingOptions? options = null) => _options = options ?? new TrainingOptions();

    /// <summary>Weight β of the commitment.</summary>
    /// <value>Zero or more; default 0.25.</value>
    public double Commitment
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Commitment));
    } = 0.25;

    /// <summary>Decay of the codebook's moving averages.</summary>
    /// <value>At least 0 and below 1; default 0.99.</value>
    public double CodebookDecay
    {
        get;
        init => field = Guard.Share(value, nameof(CodebookDecay));
    } = 0.99;

    /// <summary>Use, as a share of the mean use of a code, below which a code is taken out and put elsewhere.</summary>
    /// <value>At least 0, which never takes one out, and below 1; default 0.1.</value>
    public double DeadCodeThreshold
    {
        get;
        init => field = Guard.Share(value, nameof(DeadCodeThreshold));
    } = 0.1;

    /// <summary>Trains the model in place.</summary>
    /// <param name="model">The model. Its weights and codebook change.</param>
    /// <param name="images">Training images, of the model's format.</param>
    /// <param name="progress">Told at most a hundred times, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; the model keeps what it has learnt.</param>
    /// <returns>How the run went. The loss is the mean over pixels and channels, on the scale of [−1, 1].</returns>
    /// <exception cref="ArgumentException">The images have another format than the model.</exception>
    /// <exception cref="InvalidOperationException">The loss is no longer finite.</exception>
    public TrainingReport Train(VqVae model, IImageSource images, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Image != model.Image) throw new ArgumentException($"images must have the format {model.Image} of {model.Name}, but it is {images.Image}.", nameof(images));
        using VqVaeTask task = new(model, this);
        TrainingReport report = TrainingLoop.Run(task, images, _options, progress, cancellationToken);
        // No step was taken where the checkpoint is of a finished run.
        model.Untrained = false;
        return report;
    }
}
