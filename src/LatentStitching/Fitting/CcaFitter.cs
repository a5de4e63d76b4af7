using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits a map through the leading canonical variates of both spaces.</summary>
/// <remarks>
/// <para>With thin decompositions X = U_X·S_X·V_Xᵀ and Y = U_Y·S_Y·V_Yᵀ of the centred sides and U_XᵀU_Y = P·diag(ρ)·Qᵀ, ρ are the canonical correlations, X·V_X·S_X⁻¹·P the source's canonical variates. The map takes
/// the first k of them, multiplies each by its correlation, which predicts the target's variate, and goes back to the target's coordinates: z ↦ (z − x̄)·V_X·S_X⁻¹·P_k·diag(ρ_k)·Q_kᵀ·S_Y·V_Yᵀ + ȳ.
/// That is the regression of Y on the first k canonical variates of X, and the reduced-rank regression of rank k with errors weighed by (YᵀY)⁻¹ (Izenman's Γ); with all components it is least squares.</para>
/// <para>With <see cref="CcaOptions.Regularisation"/> κ, S becomes √(S² + κ·‖X‖²/d_s) wherever it is inverted or put back (on the other side with ‖Y‖²/d_t), and ρ are the regularised correlations. With all components
/// the map is then ridge regression of strength α = κ‖X‖²/d_s, which <see cref="FitReport.Alpha"/> tells.</para>
/// <para>Singular values up to max(n, d)·ε·σ₁ count as zero on each side. The status is <see cref="FitStatus.RankDeficient"/> where κ = 0 and the source's columns are dependent, or where fewer variates exist than
/// <see cref="CcaOptions.Components"/> asks for. With no more pairs than columns every correlation is 1 unless κ is positive, and says nothing.</para>
/// <para>The report: <see cref="FitReport.SingularValues"/> holds all the canonical correlations, descending, <see cref="FitReport.Rank"/> the components used, <see cref="FitReport.ConditionNumber"/> that of the source.
/// Numerics: float64 throughout, the map too. Cost: a singular value decomposition of each side, and 16·n·(d_s + d_t) bytes.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Sources: Hotelling, "Relations Between Two Sets of Variates", Biometrika 28 (1936); computed after Björck and Golub, "Numerical Methods for Computing Angles Between Linear Subspaces", Mathematics of
/// Computation 27 (1973); as a reduced-rank regression: Izenman, "Reduced-Rank Regression for the Multivariate Linear Model", Journal of Multivariate Analysis 5 (1975); regularised: Vinod, "Canonical Ridge and
/// Econometrics of Joint Production", Journal of Econometrics 4 (1976).</para>
/// </remarks>
public sealed class CcaFitter : ILatentMapFitter
{
    private readonly CcaOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public CcaFitter(CcaOptions? options = null) => _options = options ?? new CcaOptions();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows for a map with an intercept, or fewer columns than components.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        long width = Math.Min(pairs.SourceDimension, pairs.TargetDimension);
        if (_options.Components > width)
        {
            throw new ArgumentException(
                $"pairs must have at least {_options.Components} columns on both sides for {_options.Components} components, but they are {pairs.SourceDimension} → {pairs.TargetDimension}. Lower Components.", nameof(pairs));
        }
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(pairs.Source, _options.FitIntercept);
        CentredMatrix y = CentredMatrix.Of(pairs.Target, _options.FitIntercept);
        Side source = Side.Of(x, _options.Regularisation);
        cancellationToken.ThrowIfCancellationRequested();
        Side target = Side.Of(y, _options.Regularisation);
        cancellationToken.ThrowIfCancellationRequested();

        long variates = Math.Min(source.Rank, target.Rank);
        long kept = Math.Min(_options.Components ?? variates, variates);
        double[] correlations = [];
        Tensor coefficients = zeros(x.Columns, y.Columns, ScalarType.Float64, x.Centre.device);
        if (variates > 0)
        {
            (Tensor left, Tensor values, Tensor right) = linalg.svd(source.Variates.t().mm(target.Variates), fullMatrices: false);
            // Cosines: what lies above 1 is rounding.
            values = values.clamp_max(1);
            correlations = values.cpu().data<double>().ToArray();
            coefficients = source.Whiten.mm(left.narrow(1, 0, kept)).mul(values.narrow(0, 0, kept)).mm(right.narrow(0, 0, kept)).mm(target.Colour);
        }
        bool determined = (_options.Regularisation > 0 || source.Rank == pairs.SourceDimension) && kept == (_options.Components ?? kept);
        return AlignmentFit.Finish(
            pairs, x, y, coefficients, _options.FitIntercept,
            AlignmentFit.Draft(pairs, "canonical correlations by singular value decompositions", determined) with
            {
                Alpha = source.Penalty,
                Rank = kept,
                ConditionNumber = source.ConditionNumber,
                SingularValues = correlations,
            },
            clock, progress);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "canonical correlations, 8 components".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"canonical correlations{(_options.Components is { } count ? $", {count} components" : "")}{(_options.Regularisation > 0 ? $", regularisation {_options.Regularisation:g6}" : "")}{(_options.FitIntercept ? "" : ", without intercept")}");

    // One space: its whitened rows [n, r], the matrix that whitens [d, r] and the one that undoes it [r, d].
    private sealed class Side
    {
        public required Tensor Variates { get; init; }
        public required Tensor Whiten { get; init; }
        public required Tensor Colour { get; init; }
        public required long Rank { get; init; }
        public required double Penalty { get; init; }
        public required double ConditionNumber { get; init; }

        public static Side Of(CentredMatrix matrix, double regularisation)
        {
            (Tensor u, Tensor s, Tensor vh) = linalg.svd(matrix.Whole(), fullMatrices: false);
            double largest = s[0].ToDouble();
            long rank = s.gt(largest * Math.Max(matrix.Rows, matrix.Columns) * Spectrum.Epsilon).sum().ToInt64();
            double penalty = regularisation * s.square().sum().ToDouble() / matrix.Columns;
            (u, s, vh) = (u.narrow(1, 0, rank), s.narrow(0, 0, rank), vh.narrow(0, 0, rank));
            Tensor spread = s.square().add(penalty).sqrt();
            return new Side
            {
                Variates = u.mul(s.div(spread)),
                Whiten = vh.t().div(spread),
                Colour = vh.mul(spread.unsqueeze(1)),
                Rank = rank,
                Penalty = penalty,
                ConditionNumber = rank == 0 ? double.PositiveInfinity : largest / s[rank - 1].ToDouble(),
            };
        }
    }
}
