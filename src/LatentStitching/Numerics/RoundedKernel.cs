namespace LatentStitching.Numerics;

/// <summary>A float32 XXᵀ and the factor of the last strength, half as large and made in half the time as float64 ones, for <see cref="CorrectedKernel"/>.</summary>
/// <param name="x">X, read here and not kept.</param>
internal sealed class RoundedKernel(CentredMatrix x) : IDisposable
{
    private readonly Tensor _kernel = x.Rounded().Kernel().DetachFromDisposeScope();
    private RidgeFactor? _factor;
    private double _alpha = double.NaN;

    /// <summary>The factor of XXᵀ + αI; null where that is singular in float32.</summary>
    public RidgeFactor? Prepare(double alpha)
    {
        if (alpha == _alpha) return _factor;
        _factor?.Dispose();
        (_factor, _alpha) = (null, double.NaN); // whatever happens next, no freed factor is found again
        using var scope = NewDisposeScope();
        _factor = RidgeSolver.Factor(_kernel.clone(), dual: true, alpha, intercept: false)?.Kept();
        _alpha = alpha;
        return _factor;
    }

    /// <summary>Frees the kernel and the factor.</summary>
    public void Dispose()
    {
        _kernel.Dispose();
        _factor?.Dispose();
    }
}
