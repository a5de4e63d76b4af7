namespace LatentStitching.Adapters.Diffusion;

/// <summary>How much noise a step of ancestral sampling adds: the two choices of Ho et al. (arXiv:2006.11239), section 3.2.</summary>
public enum AncestralVariance
{
    /// <summary>β̃_t = β_t·(1 − ᾱ_{t−1})/(1 − ᾱ_t), right for an image that is a single point.</summary>
    Posterior,

    /// <summary>β_t, right for images that are themselves N(0, I).</summary>
    Beta,
}
