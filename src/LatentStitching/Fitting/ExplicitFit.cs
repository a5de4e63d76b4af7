using LatentStitching.Mapping;

namespace LatentStitching.Fitting;

/// <summary>What the fitters share that find the offset themselves.</summary>
internal static class ExplicitFit
{
    /// <summary>Makes the map from float64 coefficients [d_s, d_t] and an offset [d_t], of which copies are kept.</summary>
    public static LatentMapFit Finish(Tensor coefficients, Tensor? offset, FitReport report)
    {
        Tensor weight = coefficients.t().contiguous();
        if (weight.isfinite().all().ToBoolean() && offset?.isfinite().all().ToBoolean() != false) return new LatentMapFit(new AffineMap(weight, offset), report);
        return new LatentMapFit(new AffineMap(zeros_like(weight)), report with { Status = FitStatus.NonFiniteResult });
    }
}
