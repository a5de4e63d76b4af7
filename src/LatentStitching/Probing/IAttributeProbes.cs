namespace LatentStitching.Probing;

/// <summary>Trained classifiers of one latent space, one an attribute, that are asked for scores and labels. Linear or not.</summary>
public interface IAttributeProbes : IDisposable
{
    /// <summary>The attributes, in order.</summary>
    IReadOnlyList<string> Names { get; }

    /// <summary>Width of the latent.</summary>
    long Dimension { get; }

    /// <summary>How scores become labels.</summary>
    ProbeDecision Decision { get; }

    /// <summary>Whether σ(score) is meant as a probability.</summary>
    bool GivesProbabilities { get; }

    /// <summary>Scores latents.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed.</param>
    /// <returns>[n, k], float64, on the latents' device, owned by the caller.</returns>
    Tensor Scores(Tensor latents);

    /// <summary>Labels latents.</summary>
    /// <param name="latents">Latent batch [n, d], floating point, finite. Not disposed.</param>
    /// <returns>[n, k], int8: 1, 0, or −1 where the decision gives neither. Owned by the caller.</returns>
    Tensor Predict(Tensor latents);
}
