using System.Diagnostics.CodeAnalysis;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits an affine map by ridge regression with one given strength.</summary>
/// <remarks>
/// <para>Minimises ‖X Wᵀ + 1 bᵀ − Y‖²_F + α‖W‖²_F. The offset is not penalised.</para>
/// <para>Numerics: float64 digits throughout, in a float64 map; see <see cref="RidgeOptions.Fast"/> and <see cref="RidgeOptions.MapType"/>. Primal (XᵀX + αI) or dual (XXᵀ + αI), whichever costs fewer operations;
/// both give the same map. A dual fit of more than 2,048 rows and at most n/16 targets factors in float32 and is corrected by float64 residuals through X until less than 10⁻¹⁰ is left to correct, or else factored in float64.
/// A dual fit comes as two factors where n·(d_s + d_t) &lt; d_s·d_t, else dense: then it holds one n×n matrix and W at its peak. <see cref="SharedSource"/> never forms W.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: Hoerl and Kennard, "Ridge Regression: Biased Estimation for Nonorthogonal Problems", Technometrics 12 (1970), eq. 2.1; dual form: Saunders, Gammerman and Vovk,
/// "Ridge Regression Learning Algorithm in Dual Variables" (ICML 1998).</para>
/// </remarks>
[SuppressMessage("ApiDesign", "RS0026:Do not add multiple public overloads with optional parameters", Justification = "The two differ in their first argument's type, so a call is never ambiguous.")]
public sealed class RidgeFitter : ILatentMapFitter, IStatisticsFitter
{
    private readonly RidgeOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    public RidgeFitter(RidgeOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <summary>Makes a fitter of a given strength.</summary>
    /// <param name="alpha">The penalty α, zero or more, in squared source units, not divided by the number of pairs.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="alpha"/> is negative or not finite.</exception>
    public RidgeFitter(double alpha)
        : this(new RidgeOptions { Alpha = alpha })
    {
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold one row, and the map has an intercept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default) =>
        LinearFit.Run(pairs, _options.Alpha, _options.FitIntercept, progress, cancellationToken, _options.Fast, _options.MapType);

    /// <inheritdoc/>
    /// <remarks>Without rows the solution cannot be corrected through X, and an ill-conditioned source costs twice the digits: see <see cref="PairStatistics"/>.</remarks>
    /// <exception cref="ArgumentException">The statistics hold no rows, or one where the map has an intercept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(PairStatistics statistics, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default) =>
        StatisticsFit.Run(statistics, _options.Alpha, _options.FitIntercept, _options.MapType, progress, cancellationToken);

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "ridge, alpha 1".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture, $"ridge, alpha {_options.Alpha:g6}{(_options.FitIntercept ? "" : ", without intercept")}{(_options.Fast ? ", fast" : "")}");
}
