using LatentStitching.Fitting;
using LatentStitching.Pairing;
using Microsoft.Extensions.Logging;

namespace LatentStitching;

/// <summary>Options of <see cref="Stitcher"/>.</summary>
public sealed record StitchOptions
{
    /// <summary>Where the pairs come from.</summary>
    /// <value>Null by default: a <see cref="PriorPairing"/>, which needs no images. With images, pass <c>new InputPairing(images)</c>.</value>
    public ILatentPairing? Pairing { get; init; }

    /// <summary>How the map is fitted.</summary>
    /// <value>Null by default: a <see cref="RidgePathFitter"/>, ridge with its strength chosen by leave-one-out.</value>
    public ILatentMapFitter? Fitter { get; init; }

    /// <summary>Whether the pairs are checked before the fit, and a warning logged where their rows do not look paired. See <see cref="PairCheck"/>.</summary>
    /// <value>Default true: a fit of shuffled rows looks like any other. It looks at no more than 1,000 rows and takes about a second of one core at most. Fewer than 20 pairs are not checked, for so few tell nothing.</value>
    public bool CheckPairs { get; init; } = true;

    /// <summary>Told how far the work has come.</summary>
    /// <value>Null by default.</value>
    public IProgress<StitchProgress>? Progress { get; init; }

    /// <summary>Where the log goes.</summary>
    /// <value>Null by default: nowhere.</value>
    public ILoggerFactory? LoggerFactory { get; init; }
}
