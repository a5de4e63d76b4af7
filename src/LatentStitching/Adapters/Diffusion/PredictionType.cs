namespace LatentStitching.Adapters.Diffusion;

/// <summary>What a network of a diffusion model says of a noisy image x_t = α·x_0 + σ·ε, with α = √ᾱ_t and σ = √(1 − ᾱ_t).</summary>
public enum PredictionType
{
    /// <summary>The noise ε: Ho et al. (arXiv:2006.11239), eq. 14.</summary>
    Epsilon,

    /// <summary>The velocity v = α·ε − σ·x_0: Salimans and Ho, "Progressive Distillation" (arXiv:2202.00512), section 4.</summary>
    Velocity,

    /// <summary>The image x_0.</summary>
    Sample,
}
