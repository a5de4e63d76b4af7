using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits a sparse affine map: each target column is made of few source columns (lasso), or of few with a ridge penalty (elastic net).</summary>
/// <remarks>
/// <para>Minimises, for each target column y with coefficients w, ‖y − Xw − b‖²/2n + ρα‖w‖₁ + (1 − ρ)α/2·‖w‖²: scikit-learn's Lasso and ElasticNet. The offset is not penalised. Columns of different
/// scales are penalised differently: standardise them (<see cref="PreparedFitter"/>) if their scale means nothing.</para>
/// <para>At the minimum |xⱼᵀr|/n ≤ α (for ρ = 1) with equality where wⱼ ≠ 0. Where columns depend on each other the minimum may be one of many; all predict the same on the pairs.</para>
/// <para>Numerics: float64 throughout, the map too. Coordinate descent on working sets through the rows of XᵀX that they need, which all target columns share, until the duality gap is
/// below <see cref="LassoOptions.Tolerance"/>; else <see cref="FitStatus.IterationLimitReached"/>. Cost: 2n·d_s operations for each source column ever looked at closely (n·d_s² at most), and
/// 8·d_s bytes; target columns run on as many threads as torch uses.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Sources: Tibshirani, "Regression Shrinkage and Selection via the Lasso", J. R. Stat. Soc. B 58 (1996); Zou and Hastie, "Regularization and variable selection via the elastic net",
/// J. R. Stat. Soc. B 67 (2005); Friedman, Hastie and Tibshirani, "Regularization Paths for Generalized Linear Models via Coordinate Descent", J. Stat. Softw. 33 (2010); working sets: Massias, Gramfort and
/// Salmon, "Celer: a Fast Solver for the Lasso with Dual Extrapolation" (ICML 2018).</para>
/// </remarks>
public sealed class LassoFitter : ILatentMapFitter
{
    private readonly LassoOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    public LassoFitter(LassoOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <summary>Makes a fitter of a given strength.</summary>
    /// <param name="alpha">The penalty α, positive; the squared error is divided by 2n.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="alpha"/> is not positive and finite.</exception>
    public LassoFitter(double alpha)
        : this(new LassoOptions { Alpha = alpha })
    {
    }

    /// <summary>The least strength at which every coefficient of every target column is zero: max|xⱼᵀy|/(n·ρ) over centred columns.</summary>
    /// <param name="pairs">The pairs. Not disposed.</param>
    /// <param name="options">Options, of which <see cref="LassoOptions.L1Ratio"/>, <see cref="LassoOptions.Positive"/> and <see cref="LassoOptions.FitIntercept"/> count; the defaults if null.</param>
    /// <returns>The strength, zero if no column says anything.</returns>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows and the map has an intercept.</exception>
    public static double AlphaMax(LatentPairs pairs, LassoOptions? options = null) => Of(options ?? new LassoOptions()).AlphaMax(pairs);

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows and the map has an intercept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default) =>
        Of(_options).Run(pairs, [_options.Alpha], progress, cancellationToken)[0];

    /// <summary>Fits several strengths, the largest first, each from the coefficients of the one before: much cheaper than as many fits.</summary>
    /// <param name="pairs">n paired latents: source [n, d_s], target [n, d_t]. Not disposed.</param>
    /// <param name="alphas">The strengths, each positive, in any order. They count instead of <see cref="LassoOptions.Alpha"/>.</param>
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
    /// <returns>For example "lasso, alpha 0.02".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{(_options.L1Ratio == 1 ? "lasso" : $"elastic net of L1 share {_options.L1Ratio:g6}")}, alpha {_options.Alpha:g6}{(_options.Positive ? ", positive" : "")}{(_options.FitIntercept ? "" : ", without intercept")}");

    private static SparseFit Of(LassoOptions options) => new()
    {
        Joint = false,
        L1Ratio = options.L1Ratio,
        Positive = options.Positive,
        FitIntercept = options.FitIntercept,
        MaxIterations = options.MaxIterations,
        Tolerance = options.Tolerance,
    };
}
