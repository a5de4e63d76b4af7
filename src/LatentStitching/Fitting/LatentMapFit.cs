using LatentStitching.Mapping;

namespace LatentStitching.Fitting;

/// <summary>A fitted map and its report.</summary>
public sealed class LatentMapFit : IDisposable
{
    /// <summary>Joins a map and its report.</summary>
    /// <param name="map">The map; disposed with the fit.</param>
    /// <param name="report">The report.</param>
    /// <exception cref="ArgumentNullException">An argument is null.</exception>
    public LatentMapFit(ILatentMap map, FitReport report)
    {
        ArgumentNullException.ThrowIfNull(map);
        ArgumentNullException.ThrowIfNull(report);
        Map = map;
        Report = report;
    }

    /// <summary>The map. It is disposed with the fit.</summary>
    public ILatentMap Map { get; }

    /// <summary>The report.</summary>
    public FitReport Report { get; }

    /// <summary>The map as an affine one, as every linear fitter gives it.</summary>
    /// <exception cref="InvalidOperationException">The map is of another kind.</exception>
    public AffineMap Affine => Map as AffineMap ?? throw new InvalidOperationException($"The map is a {Map.GetType().Name}, not an affine map.");

    /// <summary>Returns the fit itself if its map is usable: status <see cref="FitStatus.Succeeded"/> or <see cref="FitStatus.RankDeficient"/>.</summary>
    /// <returns>This fit.</returns>
    /// <exception cref="FitFailedException">The status is another one; the map is disposed.</exception>
    public LatentMapFit EnsureSucceeded()
    {
        if (Report.Status is FitStatus.Succeeded or FitStatus.RankDeficient) return this;
        Dispose();
        throw new FitFailedException(Report);
    }

    /// <summary>Frees the map.</summary>
    public void Dispose() => Map.Dispose();

    /// <summary>Says the report.</summary>
    /// <returns>The report in one line.</returns>
    public override string ToString() => Report.ToString();
}
