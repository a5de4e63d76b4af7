using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>A fitter that needs no rows, only their sums: it fits from more pairs than fit in memory.</summary>
/// <remarks>An ability beside <see cref="ILatentMapFitter"/>, which the library's fitters of this kind have too: ask for it with <c>fitter is IStatisticsFitter</c>.</remarks>
public interface IStatisticsFitter
{
    /// <summary>Fits a map from statistics.</summary>
    /// <param name="statistics">Statistics of n pairs. Not changed, not disposed.</param>
    /// <param name="progress">Told how far the fit has come, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; no tensor is left alive.</param>
    /// <returns>The map and its report, whose solver ends in "from statistics". Owned by the caller.</returns>
    LatentMapFit Fit(PairStatistics statistics, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default);
}
