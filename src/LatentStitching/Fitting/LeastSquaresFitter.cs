using System.Diagnostics.CodeAnalysis;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits an affine map by ordinary least squares; of several solutions, the one of least norm.</summary>
/// <remarks>
/// <para>Minimises ‖X Wᵀ + 1 bᵀ − Y‖²_F. Where X does not determine W (no more pairs than columns, dependent or constant columns) it returns the W of least ‖W‖_F over the
/// centred X and says so: <see cref="FitStatus.RankDeficient"/>.</para>
/// <para>Numerics: float64 throughout, the map too unless <see cref="LeastSquaresOptions.MapType"/> says otherwise. Cholesky of the scaled Gram matrix (of XXᵀ where n ≤ d_s), refined through X where it is ill-conditioned; singular
/// value decomposition cut at max(n, d_s)·ε·σ₁ where it is singular; the report names which. Cost: 2n·d_s·min(n, d_s)/2 + 2n·d_s·d_t operations for the products, 8·min(n, d_s)² bytes.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: Björck, "Numerical Methods for Least Squares Problems" (SIAM 1996), sections 1.2 (least norm) and 2.2 (normal equations), 6.6.5 (corrected semi-normal equations).</para>
/// </remarks>
[SuppressMessage("ApiDesign", "RS0026:Do not add multiple public overloads with optional parameters", Justification = "The two differ in their first argument's type, so a call is never ambiguous.")]
public sealed class LeastSquaresFitter : ILatentMapFitter, IStatisticsFitter
{
    private readonly LeastSquaresOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public LeastSquaresFitter(LeastSquaresOptions? options = null) => _options = options ?? new LeastSquaresOptions();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold one row, and the map has an intercept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default) =>
        LinearFit.Run(pairs, alpha: 0, _options.FitIntercept, progress, cancellationToken, _options.Fast, _options.MapType);

    /// <inheritdoc/>
    /// <remarks>Without rows the solution cannot be corrected through X, and an ill-conditioned source costs twice the digits: see <see cref="PairStatistics"/>.</remarks>
    /// <exception cref="ArgumentException">The statistics hold no rows, or one where the map has an intercept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(PairStatistics statistics, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default) =>
        StatisticsFit.Run(statistics, alpha: 0, _options.FitIntercept, _options.MapType, progress, cancellationToken);

    /// <summary>Says what it fits.</summary>
    /// <returns>"least squares", with "without intercept" where that is so.</returns>
    public override string ToString() => (_options.FitIntercept ? "least squares" : "least squares without intercept") + (_options.Fast ? ", fast" : "");
}
