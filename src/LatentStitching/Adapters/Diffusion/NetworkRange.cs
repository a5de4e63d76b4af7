namespace LatentStitching.Adapters.Diffusion;

/// <summary>The range of pixels that a network was trained on. Outside the model, pixels are in [0, 1] whatever it is.</summary>
public enum NetworkRange
{
    /// <summary>[−1, 1], as DDPM and DDIM.</summary>
    MinusOneToOne,

    /// <summary>[−½, ½].</summary>
    MinusHalfToHalf,

    /// <summary>[0, 1].</summary>
    ZeroToOne,
}
