namespace LatentStitching.Fitting;

/// <summary>How one side's latents are brought to a common scale before a fit. Spreads and covariances are the population's: sums over rows are divided by n.</summary>
public enum LatentScaling
{
    /// <summary>Not at all.</summary>
    None,

    /// <summary>Each column is divided by its standard deviation. A column without spread is not divided.</summary>
    Standardised,

    /// <summary>
    /// PCA whitening: the principal components with a variance, each divided by its standard deviation, descending. The rows become as wide as the latents' rank. With covariance V·Λ·Vᵀ, z ↦ z·V·Λ^(−½).
    /// </summary>
    PcaWhitened,

    /// <summary>ZCA whitening: the same turned back, of all whitened latents the nearest to the latents as they are: z ↦ z·V·Λ^(−½)·Vᵀ. Directions without variance become zero.</summary>
    ZcaWhitened,
}
