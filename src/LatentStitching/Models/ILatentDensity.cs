namespace LatentStitching.Models;

/// <summary>The ability to say how likely latents and images are: exact in a flow.</summary>
public interface ILatentDensity
{
    /// <summary>Log-density of latents under the model's prior.</summary>
    /// <param name="latents">Latent batch [n, D], floating point. Not disposed.</param>
    /// <returns>log p(z) in nats, [n], float64, on the model's device, owned by the caller.</returns>
    Tensor LogPrior(Tensor latents);

    /// <summary>Log-density of images under the model.</summary>
    /// <param name="images">Image batch [n, c, h, w], floating point, values in [0, 1]. Not disposed.</param>
    /// <returns>log p(x) in nats an image, with respect to pixels in [0, 1]; [n], float64, on the model's device, owned by the caller.</returns>
    Tensor LogLikelihood(Tensor images);
}
