namespace LatentStitching.Studies;

/// <summary>What kind of generative model it is: what findings speak of, and what its training asked for.</summary>
public enum ModelFamily
{
    /// <summary>Not told: findings that speak of a family do not count it.</summary>
    Unknown,

    /// <summary>A linear model, such as principal components.</summary>
    Linear,

    /// <summary>An autoencoder without a prior: reconstruction alone.</summary>
    Autoencoder,

    /// <summary>A variational autoencoder: evidence lower bound.</summary>
    Vae,

    /// <summary>A variational autoencoder whose image is put together from two: evidence lower bound.</summary>
    SplitVae,

    /// <summary>A vector-quantised autoencoder: reconstruction and codebook.</summary>
    VqVae,

    /// <summary>A generative adversarial network: adversarial loss.</summary>
    Gan,

    /// <summary>A normalising flow: likelihood.</summary>
    Flow,

    /// <summary>A diffusion model: denoising.</summary>
    Diffusion,
}
