namespace LatentStitching.Models;

/// <summary>The ability to draw latents from the distribution that the model was trained to decode.</summary>
public interface ILatentPrior
{
    /// <summary>Draws latents (not images) from the prior.</summary>
    /// <param name="count">Number of rows, at least 1.</param>
    /// <param name="seed">Seed: the same seed gives the same rows on one machine.</param>
    /// <returns>Latent batch [count, D], float32, on the model's device, owned by the caller.</returns>
    Tensor Sample(long count, ulong seed);
}
