using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits a rotation, with or without mirroring, scale and offset: orthogonal Procrustes.</summary>
/// <remarks>
/// <para>With centred X [n, d_s], Y [n, d_t] and XᵀY = U·Σ·Vᵀ (thin), R = U·Vᵀ maximises tr(RᵀXᵀY). The map is z ↦ s·(z − x̄)·R + ȳ, that is W = s·Rᵀ; s is 1, or with
/// <see cref="ProcrustesOptions.Scaling"/> tr(RᵀXᵀY)/‖XR‖², the least-squares factor.</para>
/// <para>Equal widths: R minimises ‖XR − Y‖ over the orthogonal matrices (with <see cref="ProcrustesOptions.AllowReflection"/> off: over the rotations). d_s &lt; d_t: over the R with RRᵀ = I. d_s &gt; d_t: R has
/// RᵀR = I and the greatest tr(RᵀXᵀY), but it is not the least-squares optimum, because ‖XR‖ then depends on R; that, the unbalanced problem, needs iteration. Padding the narrower side
/// with zero columns, fitting the square problem and cutting the padding off again, as netrep and latentis do, gives the same map; only the error before the cut differs.</para>
/// <para>Where XᵀY has a rank r below both widths (r counts singular values above max(d_s, d_t)·ε·‖X‖‖Y‖), the other directions are open: they are mapped to zero, the status is
/// <see cref="FitStatus.RankDeficient"/> and R is a partial isometry; <see cref="ProcrustesOptions.CompleteBasis"/> fills them. Of a full rotation one open direction is settled by its determinant.</para>
/// <para>The report: <see cref="FitReport.SingularValues"/> holds Σ, <see cref="FitReport.Rank"/> r. Numerics: float64 throughout, the map too. Cost: n·d_s·d_t for the product and one
/// singular value decomposition [d_s, d_t].</para>
/// <para>Thread safety: immutable.</para>
/// <para>Sources: Schönemann, "A Generalized Solution of the Orthogonal Procrustes Problem", Psychometrika 31 (1966); rotation only and scale: Kabsch, Acta Crystallographica A 32 (1976), and Umeyama,
/// "Least-Squares Estimation of Transformation Parameters Between Two Point Patterns", IEEE TPAMI 13 (1991); standardised: Maiorca et al., "Latent Space Translation via Semantic Alignment" (2023).</para>
/// </remarks>
public sealed class ProcrustesFitter : ILatentMapFitter
{
    private readonly ProcrustesOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public ProcrustesFitter(ProcrustesOptions? options = null) => _options = options ?? new ProcrustesOptions();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows for a map with an intercept, or differ in width where reflections are not allowed.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        if (!_options.AllowReflection && pairs.SourceDimension != pairs.TargetDimension)
        {
            throw new ArgumentException(
                $"pairs must have one width on both sides for a rotation without reflection, but they are {pairs.SourceDimension} → {pairs.TargetDimension}. Set AllowReflection.", nameof(pairs));
        }
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(pairs.Source, _options.FitIntercept);
        CentredMatrix y = CentredMatrix.Of(pairs.Target, _options.FitIntercept);
        Tensor cross = x.TransposeTimes(y);
        cancellationToken.ThrowIfCancellationRequested();

        Tensor? sourceSpread = null, targetSpread = null;
        double norms;
        if (_options.Standardise)
        {
            (sourceSpread, long sourceColumns) = Spread(x);
            (targetSpread, long targetColumns) = Spread(y);
            cross = cross.div(sourceSpread.unsqueeze(1)).div(targetSpread);
            norms = Math.Sqrt((double)sourceColumns * targetColumns);
        }
        else
        {
            norms = Math.Sqrt(x.SumOfSquares()) * Math.Sqrt(y.SumOfSquares());
        }
        double cut = PolarFactor.CutOf(cross, norms);
        PolarFactor polar = _options.AllowReflection ? PolarFactor.Of(cross, cut, _options.CompleteBasis) : PolarFactor.Rotation(cross, cut);
        cancellationToken.ThrowIfCancellationRequested();

        Tensor coefficients = sourceSpread is null ? polar.Matrix : polar.Matrix.div(sourceSpread.unsqueeze(1));
        if (_options.Scaling) coefficients = coefficients.mul(AlignmentFit.Scale(polar.Matrix, cross, AlignmentFit.SumOfSquares(x, coefficients)));
        if (targetSpread is not null) coefficients = coefficients.mul(targetSpread);
        long determining = polar.SingularValues.Length - (_options.AllowReflection ? 0 : 1);
        return AlignmentFit.Finish(
            pairs, x, y, coefficients, _options.FitIntercept,
            AlignmentFit.Draft(pairs, "singular value decomposition of XᵀY", polar.Rank >= determining) with { Rank = polar.Rank, SingularValues = polar.SingularValues },
            clock, progress);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "Procrustes, scaled, standardised".</returns>
    public override string ToString() =>
        "Procrustes" + (_options.Scaling ? ", scaled" : "") + (_options.AllowReflection ? "" : ", without reflection") + (_options.Standardise ? ", standardised" : "")
        + (_options.CompleteBasis ? ", completed" : "") + (_options.FitIntercept ? "" : ", without intercept");

    // Root sums of squares: the factor √(n − 1) to the standard deviation cancels between the two sides, except where a column is not divided.
    private static (Tensor Spread, long Varying) Spread(CentredMatrix matrix)
    {
        Tensor sums = zeros(matrix.Columns, ScalarType.Float64, matrix.Centre.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(matrix.Rows, matrix.BlockRows))
        {
            using var scope = NewDisposeScope();
            sums.add_(matrix.Block(start, size).square().sum([0]));
        }
        Tensor varies = sums.gt(0);
        Tensor spread = where(varies, sums.sqrt(), full_like(sums, Math.Sqrt(Math.Max(1, matrix.Rows - 1))));
        return (spread, varies.sum().ToInt64());
    }
}
