namespace LatentStitching.Adapters.Gans;

/// <summary>What generator and discriminator minimise.</summary>
public enum GanObjective
{
    /// <summary>
    /// Discriminator: −log D(x) − log(1 − D(G(z))), and a gradient penalty on real images; generator: −log D(G(z)). Goodfellow et al. (arXiv:1406.2661), section 3; Mescheder et al., "Which
    /// training methods for GANs do actually converge?" (arXiv:1801.04406), eq. 9.
    /// </summary>
    NonSaturating,

    /// <summary>
    /// As Asperti and Tonelli trained theirs (arXiv:2207.06812): binary cross-entropy with the label 1 for generated and 0 for real images, each raised by noise uniform in [0, 0.05], features
    /// dropped in the discriminator, no penalty.
    /// </summary>
    LabelNoise,
}
