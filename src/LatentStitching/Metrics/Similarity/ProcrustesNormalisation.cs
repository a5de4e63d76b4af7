namespace LatentStitching.Metrics.Similarity;

/// <summary>What is made of the best alignment by a rotation. θ is the angle between the centred, aligned spaces of unit norm, cos θ = ‖XᵀY‖_*/(‖X‖·‖Y‖).</summary>
public enum ProcrustesNormalisation
{
    /// <summary>θ, in radians, from 0 to π/2. A metric; does not feel scale.</summary>
    Angular,

    /// <summary>min ‖X·Q − Y‖, in latent units: √(‖X‖² + ‖Y‖² − 2‖XᵀY‖_*), the Bures distance of the kernels XXᵀ and YYᵀ. A metric; feels scale.</summary>
    SizeAndShape,

    /// <summary>2 − 2·cos θ, from 0 to 2: the squared distance at unit norm (Ding et al. 2021). Twice anatome's 1 − cos θ.</summary>
    UnitSquared,

    /// <summary>1 − cos² θ, from 0 to 1: the residual when the scale is fitted too, scipy.spatial.procrustes' disparity.</summary>
    Disparity,
}
