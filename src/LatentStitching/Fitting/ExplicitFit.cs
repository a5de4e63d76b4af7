using LatentStitching.Mapping;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>What the fitters share that find the offset themselves.</summary>
internal static class ExplicitFit
{
    /// <summary>Makes the map, in the source's dtype, from float64 coefficients [d_s, d_t] and an offset [d_t].</summary>
    public static LatentMapFit Finish(LatentPairs pairs, Tensor coefficients, Tensor? offset, FitReport report)
    {
        ScalarType dtype = pairs.Source.dtype;
        Tensor weight = coefficients.t().contiguous().to_type(dtype);
        Tensor? bias = offset?.to_type(dtype);
        if (weight.isfinite().all().ToBoolean() && bias?.isfinite().all().ToBoolean() != false) return new LatentMapFit(new AffineMap(weight, bias), report);
        return new LatentMapFit(new AffineMap(zeros_like(weight)), report with { Status = FitStatus.NonFiniteResult });
    }
}
