using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>What the networks of all variational autoencoders are: features, a Gaussian posterior on them, a decoder, and the objective they were published with.</summary>
/// <remarks>Where a method takes a training pass, null means evaluation; else dropout draws from it and batch normalisation goes by the batch.</remarks>
internal abstract class VaeNetwork(WeightSet weights) : IDisposable
{
    public WeightSet Weights { get; } = weights;

    /// <summary>The shape of one image's features before they are flattened.</summary>
    public abstract IReadOnlyList<long> FeatureShape { get; }

    /// <summary>Images [n, c, h, w] → what the posterior's layers see, [n, f].</summary>
    public abstract Tensor Features(Tensor images, TrainingPass? training);

    /// <summary>Features [n, f] → mean and log-variance, each [n, k].</summary>
    public abstract (Tensor Mean, Tensor LogVariance) Posterior(Tensor features);

    /// <summary>Features [n, f] → the posterior's mean [n, k]: without the log-variance where that has a layer of its own.</summary>
    public virtual Tensor Mean(Tensor features) => Posterior(features).Mean;

    /// <summary>Latents [n, k] → the decoder's last layer before its squashing function.</summary>
    public abstract Tensor Decode(Tensor latents, TrainingPass? training);

    /// <summary>The decoder's last layer → pixels [n, c, h, w] in [0, 1].</summary>
    public virtual Tensor Pixels(Tensor decoded) => decoded.sigmoid();

    /// <summary>The published objective as a mean over the batch, its divergence multiplied by β.</summary>
    /// <remarks>Where it is balanced by a running scale, the last argument takes the step's error in and gives the scale.</remarks>
    public virtual Tensor Loss(Tensor images, Tensor decoded, Tensor mean, Tensor logVariance, double beta, Func<Tensor, double> scale) =>
        (Elbo.CrossEntropy(decoded, images) + (Elbo.Divergence(mean, logVariance) * beta)).mean();

    /// <summary>The term of the running scale that training leaves out, because no weight changes it: the logarithm of the likelihood's width. Zero where nothing is balanced.</summary>
    public virtual double Normaliser(double scale) => 0;

    /// <summary>Fewest images a step: two where a batch normalisation sees one number an image.</summary>
    public virtual int LeastBatch => 1;

    public (Tensor Mean, Tensor LogVariance) Encode(Tensor images) => Posterior(Features(images, training: null));

    public void Dispose() => Weights.Dispose();
}
