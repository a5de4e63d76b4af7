namespace LatentStitching.Metrics.Similarity;

/// <summary>What one number is made of canonical correlations ρ.</summary>
public enum CcaSummary
{
    /// <summary>The mean of ρ over the min(p, q) pairs of variates.</summary>
    Mean,

    /// <summary>The mean of ρ² over the min(p, q) pairs of variates; Yanai's generalised coefficient of determination where p = q.</summary>
    MeanSquare,

    /// <summary>Σρ² over the width p of the first space: Kornblith et al.'s R²_CCA. Not symmetric where the widths differ.</summary>
    ShareOfX,
}
