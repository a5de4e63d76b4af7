using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>Options of <see cref="LatentOptimisation"/>.</summary>
public sealed record LatentOptimisationOptions
{
    /// <summary>The optimiser.</summary>
    /// <value>Default <see cref="InversionOptimiser.Adam"/>.</value>
    public InversionOptimiser Optimiser
    {
        get;
        init => field = GanGuard.Defined(value, nameof(Optimiser));
    }

    /// <summary>Steps.</summary>
    /// <value>At least 1; default 200.</value>
    public int Steps
    {
        get;
        init => field = Guard.Positive(value, nameof(Steps));
    } = 200;

    /// <summary>Step size of Adam; the first step that L-BFGS tries.</summary>
    /// <value>Positive; default 0.05. L-BFGS scales its steps itself after the first.</value>
    public double LearningRate
    {
        get;
        init => field = Guard.Positive(value, nameof(LearningRate));
    } = 0.05;

    /// <summary>Starts: the mean of 1,024 draws of the prior first, then draws of it. The best end is kept for each image. All are draws for the latent z of a StyleGAN2, of which only the direction matters: the mean of z has none.</summary>
    /// <value>At least 1; default 1. Without effect where a start is given.</value>
    public int Starts
    {
        get;
        init => field = Guard.Positive(value, nameof(Starts));
    } = 1;

    /// <summary>Weight of the perceptual term against the mean squared error of the pixels.</summary>
    /// <value>Zero or more; default 1. Without effect where no perceptual term is given.</value>
    public double PerceptualWeight
    {
        get;
        init => field = Guard.NotNegative(value, nameof(PerceptualWeight));
    } = 1;

    /// <summary>Weight of the mean square of the latent's entries, the negative logarithm of an N(0, I) prior up to a factor. Keeps z where the generator was trained.</summary>
    /// <value>Zero or more; default 0.</value>
    public double PriorWeight
    {
        get;
        init => field = Guard.NotNegative(value, nameof(PriorWeight));
    }

    /// <summary>Images optimised at once, all starts of them together.</summary>
    /// <value>At least 1; default 64.</value>
    public long BatchSize
    {
        get;
        init => field = Guard.Positive(value, nameof(BatchSize));
    } = 64;

    /// <summary>Seed of the starts.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
