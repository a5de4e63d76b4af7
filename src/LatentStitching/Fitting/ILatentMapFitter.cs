using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>A way to fit a map to pairs. It holds options only; fitting returns a finished map.</summary>
public interface ILatentMapFitter
{
    /// <summary>Fits a map.</summary>
    /// <param name="pairs">n paired latents: source [n, d_s], target [n, d_t]. Not disposed.</param>
    /// <param name="progress">Told how far the fit has come, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; no tensor is left alive.</param>
    /// <returns>The map and its report, owned by the caller.</returns>
    LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default);
}
