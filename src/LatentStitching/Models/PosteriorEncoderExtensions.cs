using LatentStitching.Numerics;

namespace LatentStitching.Models;

/// <summary>Conveniences on top of <see cref="IPosteriorEncoder"/>.</summary>
public static class PosteriorEncoderExtensions
{
    /// <summary>Encodes to one sample of the posterior instead of its mean: z = μ + σ·ε with ε of N(0, I).</summary>
    /// <remarks>The published studies cache one sample an image; the mean is the better latent, and what Encode gives. Source: Kingma and Welling, "Auto-Encoding Variational Bayes" (arXiv:1312.6114), section 2.4.</remarks>
    /// <param name="encoder">The encoder: <c>model.GetService&lt;IPosteriorEncoder&gt;()</c> of a model.</param>
    /// <param name="images">Image batch [n, c, h, w], floating point, values in [0, 1]. Not disposed.</param>
    /// <param name="seed">Seed of ε. Row i of a batch gets the i-th draw, so the same images in the same order give the same bytes.</param>
    /// <returns>Latent batch [n, D], owned by the caller.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="encoder"/> or <paramref name="images"/> is null.</exception>
    public static Tensor SamplePosterior(this IPosteriorEncoder encoder, Tensor images, ulong seed)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(images);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        (Tensor mean, Tensor logVariance) = encoder.EncodePosterior(images);
        using Generator generator = new(seed, mean.device);
        return (mean + (logVariance.Times(0.5).exp() * randn(mean.shape, mean.dtype, mean.device, generator: generator))).MoveToOuterDisposeScope();
    }
}
