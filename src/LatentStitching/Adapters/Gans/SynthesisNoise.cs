namespace LatentStitching.Adapters.Gans;

/// <summary>The noise that a <see cref="StyleGan2"/> adds to its feature maps when it decodes. Either way the same latent gives the same image.</summary>
public enum SynthesisNoise
{
    /// <summary>None ("noise_mode='none'").</summary>
    None,

    /// <summary>The constant maps that are stored with the weights ("noise_mode='const'").</summary>
    Constant,
}
