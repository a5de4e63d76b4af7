using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits an affine map that uses few source columns at all: a column serves all target columns or none.</summary>
/// <remarks>
/// <para>Minimises ‖Y − XWᵀ − 1bᵀ‖²_F/2n + ρα·Σ_j‖w_j‖₂ + (1 − ρ)α/2·‖W‖²_F, w_j the coefficients of source column j for all targets: scikit-learn's MultiTaskLasso and MultiTaskElasticNet.
/// The offset is not penalised. The report's solver text counts the columns in use.</para>
/// <para>At the minimum ‖xⱼᵀR‖/n ≤ α (for ρ = 1) with equality where w_j ≠ 0.</para>
/// <para>Numerics: as <see cref="LassoFitter"/>, with blocks of d_t coefficients instead of single ones, on one thread.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: Obozinski, Taskar and Jordan, "Joint covariate selection and joint subspace selection for multiple classification problems", Stat. Comput. 20 (2010); descent over blocks: Yuan and Lin, "Model selection
/// and estimation in regression with grouped variables", J. R. Stat. Soc. B 68 (2006).</para>
/// </remarks>
public sealed class MultiTaskLassoFitter : ILatentMapFitter
{
    private readonly MultiTaskLassoOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    public MultiTaskLassoFitter(MultiTaskLassoOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <summary>Makes a fitter of a given strength.</summary>
    /// <param name="alpha">The penalty α, positive; the squared error is divided by 2n.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="alpha"/> is not positive and finite.</exception>
    public MultiTaskLassoFitter(double alpha)
        : this(new MultiTaskLassoOptions { Alpha = alpha })
    {
    }

    /// <summary>The least strength at which every coefficient is zero: max‖xⱼᵀY‖/(n·ρ) over centred columns.</summary>
    /// <param name="pairs">The pairs. Not disposed.</param>
    /// <param name="options">Options, of which <see cref="MultiTaskLassoOptions.L1Ratio"/> and <see cref="MultiTaskLassoOptions.FitIntercept"/> count; the defaults if null.</param>
    /// <returns>The strength, zero if no column says anything.</returns>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows and the map has an intercept.</exception>
    public static double AlphaMax(LatentPairs pairs, MultiTaskLassoOptions? options = null) => Of(options ?? new MultiTaskLassoOptions()).AlphaMax(pairs);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows and the map has an intercept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Of(_options).Run(pairs, [_options.Alpha], progress, cancellationToken)[0];

    /// <summary>Fits several strengths, the largest first, each from the coefficients of the one before.</summary>
    /// <param name="pairs">n paired latents: source [n, d_s], target [n, d_t]. Not disposed.</param>
    /// <param name="alphas">The strengths, each positive, in any order. They count instead of <see cref="MultiTaskLassoOptions.Alpha"/>.</param>
    /// <param name="progress">Told how far the fits have come, or null.</param>
    /// <param name="cancellationToken">Cancels between sweeps; no tensor is left alive.</param>
    /// <returns>One fit a strength, in the order of <paramref name="alphas"/>, each owned by the caller.</returns>
    /// <exception cref="ArgumentException">There is no strength, or the pairs hold fewer than two rows and the map has an intercept.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A strength is not positive and finite.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public IReadOnlyList<LatentMapFit> FitPath(
        LatentPairs pairs, IReadOnlyList<double> alphas, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        Guard.NotEmpty(alphas, "Take fractions of AlphaMax.");
        foreach (double alpha in alphas) Guard.Positive(alpha, nameof(alphas));
        return Of(_options).Run(pairs, alphas, progress, cancellationToken);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "multi-task lasso, alpha 0.02".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{(_options.L1Ratio == 1 ? "multi-task lasso" : $"multi-task elastic net of L1 share {_options.L1Ratio:g6}")}, alpha {_options.Alpha:g6}{(_options.FitIntercept ? "" : ", without intercept")}");

    private static SparseFit Of(MultiTaskLassoOptions options) => new()
    {
        Joint = true,
        L1Ratio = options.L1Ratio,
        Positive = false,
        FitIntercept = options.FitIntercept,
        MaxIterations = options.MaxIterations,
        Tolerance = options.Tolerance,
    };
}
