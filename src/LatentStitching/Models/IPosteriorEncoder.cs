namespace LatentStitching.Models;

/// <summary>The ability to give the whole Gaussian posterior q(z | x) = N(mean, diag exp(log-variance)), not only its mean.</summary>
public interface IPosteriorEncoder
{
    /// <summary>Encodes images to the posterior's parameters.</summary>
    /// <param name="images">Image batch [n, c, h, w], floating point, values in [0, 1]. Not disposed.</param>
    /// <returns>Mean and natural logarithm of the variance, both [n, D], owned by the caller.</returns>
    (Tensor Mean, Tensor LogVariance) EncodePosterior(Tensor images);
}
