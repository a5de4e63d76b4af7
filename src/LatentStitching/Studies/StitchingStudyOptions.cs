using LatentStitching.Data;
using LatentStitching.Fitting;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Distribution;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Metrics.Similarity;
using LatentStitching.Models;
using LatentStitching.Numerics;
using LatentStitching.Probing;
using Microsoft.Extensions.Logging;

namespace LatentStitching.Studies;

/// <summary>Options of <see cref="StitchingStudy"/>.</summary>
public sealed record StitchingStudyOptions
{
    /// <summary>Which images fit the maps, which the probes, and which judge.</summary>
    /// <value>Null by default: three fifths, a fifth and a fifth of all images, by <see cref="Seed"/>. The sets must share no image.</value>
    public DataSplit? Split { get; init; }

    /// <summary>Seed of the split, the controls, the priors' draws and the intervals.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    /// <summary>How maps are fitted. Its text (ToString) must tell its options: finished pairs are known by it.</summary>
    /// <value>Default <see cref="RidgePathFitter"/>.</value>
    public ILatentMapFitter Fitter
    {
        get;
        init => field = Guard.NotNull(value, nameof(Fitter));
    } = new RidgePathFitter();

    /// <summary>What compares mapped latents with the target's own.</summary>
    /// <value>Default: latent MSE, normalised latent MSE and R².</value>
    public IReadOnlyList<IPairedMetric> LatentMetrics
    {
        get;
        init => field = Guard.NotNull(value, nameof(LatentMetrics));
    } = [new LatentMse(), new NormalisedLatentMse(), new LatentR2()];

    /// <summary>What compares two latent spaces as they are.</summary>
    /// <value>Default: debiased linear CKA and mutual nearest neighbours (10).</value>
    public IReadOnlyList<ISimilarityMeasure> Similarities
    {
        get;
        init => field = Guard.NotNull(value, nameof(Similarities));
    } = [new LinearCka(), new MutualKnn()];

    /// <summary>What compares decoded images with the images, and with the target's own reconstructions.</summary>
    /// <value>Default: pixel MSE and RMSE. Structural and perceptual ones need images of a least size, or weights: add them.</value>
    public IReadOnlyList<IPerImageMetric> ImageMetrics
    {
        get;
        init => field = Guard.NotNull(value, nameof(ImageMetrics));
    } = [new PixelMse(), new PixelRmse()];

    /// <summary>Whether to measure how sharp decoded images are, beside the images themselves: <see cref="LaplacianVariance"/>.</summary>
    /// <value>Default true. Ignored for images of fewer than 3 × 3 pixels, or of neither 1 nor 3 channels, which have no sharpness.</value>
    public bool Sharpness { get; init; } = true;

    /// <summary>Features of images, whose Fréchet distance compares all decoded test images with all test images. Not disposed.</summary>
    /// <value>Null by default: none, for the usual ones need weights. With few images the distance is biased; its warning says so.</value>
    public IFeatureExtractor? Features { get; init; }

    /// <summary>How probes are trained.</summary>
    /// <value>Default <see cref="RidgeProbeTrainer"/>.</value>
    public IProbeTrainer ProbeTrainer
    {
        get;
        init => field = Guard.NotNull(value, nameof(ProbeTrainer));
    } = new RidgeProbeTrainer();

    /// <summary>The attributes to probe.</summary>
    /// <value>Null by default: all of which both classes have at least ten images in both the probes' set and the test set. Empty: none.</value>
    public IReadOnlyList<string>? Attributes { get; init; }

    /// <summary>Width of the Gaussian control: as many standard normal numbers an image, drawn from <see cref="Seed"/>. 0 for no such control.</summary>
    /// <value>Default 128.</value>
    public int GaussianDimension
    {
        get;
        init => field = (int)Guard.NotNegative((long)value, nameof(GaussianDimension));
    } = 128;

    /// <summary>Untrained models, as sources only: what any compression of the images would give. Not disposed.</summary>
    /// <value>Null by default: one random network of two layers, pixels → 512 → 128. Empty: none.</value>
    public IReadOnlyList<ILatentModel>? UntrainedControls { get; init; }

    /// <summary>Whether maps are kept, and composed to cycles and paths: n² and n³ compositions of n models.</summary>
    /// <value>Default true. Maps take 4 × d_s × d_t bytes each on disk.</value>
    public bool Paths { get; init; } = true;

    /// <summary>Test images of which pictures are kept, the first ones: as they are, as each model makes them, and as each pair does. See <see cref="StudyExamples"/>.</summary>
    /// <value>Default 8; 0 for none. No more than there are.</value>
    public int Examples
    {
        get;
        init => field = (int)Guard.NotNegative((long)value, nameof(Examples));
    } = 8;

    /// <summary>Images encoded or decoded at once.</summary>
    /// <value>At least 1; default 128.</value>
    public int BatchSize
    {
        get;
        init => field = Guard.Positive(value, nameof(BatchSize));
    } = 128;

    /// <summary>
    /// Up to this many bytes of images stay in memory, float32, so that they are read once and not for each model; of more, the test images alone, if they fit; else these are read again for each pair. Up to as many more hold the
    /// reconstructions of the target at hand, else they are decoded again for each pair.
    /// </summary>
    /// <value>Default 512 MiB.</value>
    public long ImageMemory
    {
        get;
        init => field = Guard.NotNegative(value, nameof(ImageMemory));
    } = 512L << 20;

    /// <summary>Where the log goes.</summary>
    /// <value>Null by default: nowhere.</value>
    public ILoggerFactory? LoggerFactory { get; init; }
}
