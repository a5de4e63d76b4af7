namespace LatentStitching.Metrics.Reconstruction;

/// <summary>How the R² of the columns becomes one number.</summary>
public enum R2Average
{
    /// <summary>Each column counts by its variance: 1 − Σ‖ẑᵢ − zᵢ‖² / Σ‖zᵢ − z̄‖².</summary>
    Variance,

    /// <summary>Each column counts the same, whatever its scale: the mean of <see cref="LatentR2.PerDimension"/>.</summary>
    Uniform,
}
