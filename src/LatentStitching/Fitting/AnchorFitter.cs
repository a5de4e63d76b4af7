using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Maps through relations to anchors: what a latent's inner products with the source's anchors are, the result's are with the target's.</summary>
/// <remarks>
/// <para>With k anchors A_X [k, d_s] and A_Y [k, d_t], the same images in both spaces, centred and (<see cref="AnchorOptions.UnitAnchors"/>) of length 1, the map is z ↦ (z − x̄)·A_Xᵀ·(A_Yᵀ)⁺ + ȳ: first relative
/// coordinates, then back by the pseudo-inverse. It assumes that both spaces have the same inner products, so it is exact for an isometry once the anchors span the target, and nothing is fitted to each space's
/// shape: for spaces that differ otherwise, least squares is better.</para>
/// <para>With anchors of length 1 this is inverse relative projection for every direction: the published map also divides each sample by its own length, which is not linear and which an image decoder would notice; here
/// a latent keeps its length (<see cref="AnchorOptions.Scaling"/> brings it to the target's). The matrix is the transpose of the least-squares map from A_Y to A_X.</para>
/// <para>Where the target's anchors do not span the target (rank below d_t), results stay in their span and the status is <see cref="FitStatus.RankDeficient"/>.</para>
/// <para>The report: <see cref="FitReport.Rank"/> and <see cref="FitReport.ConditionNumber"/> are those of A_Y. Numerics: float64 throughout, the map too.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Sources: Moschella et al., "Relative Representations Enable Zero-Shot Latent Space Communication" (ICLR 2023, arXiv:2209.15430); Maiorca et al., "Latent Space Translation via Inverse Relative Projection"
/// (2024, arXiv:2406.15057).</para>
/// </remarks>
public sealed class AnchorFitter : ILatentMapFitter
{
    private readonly AnchorOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public AnchorFitter(AnchorOptions? options = null) => _options = options ?? new AnchorOptions();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows for a map with an intercept, or lack a row that is named as an anchor.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        foreach (long row in _options.Rows ?? [])
        {
            if (row < pairs.Count) continue;
            throw new ArgumentException($"pairs must hold every row that Rows names, but row {row} is outside its {pairs.Count} rows.", nameof(pairs));
        }
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(pairs.Source, _options.FitIntercept);
        CentredMatrix y = CentredMatrix.Of(pairs.Target, _options.FitIntercept);
        CentredMatrix sourceAnchors = Anchors(pairs.Source, x.Centre), targetAnchors = Anchors(pairs.Target, y.Centre);
        cancellationToken.ThrowIfCancellationRequested();
        RidgeSolver.Solution solution = RidgeSolver.Solve(targetAnchors, sourceAnchors, _options.Alpha, intercept: false, cancellationToken);
        Tensor coefficients = solution.Weight.t();
        if (_options.Scaling) coefficients = coefficients.mul(AlignmentFit.Scale(coefficients, x.TransposeTimes(y), AlignmentFit.SumOfSquares(x, coefficients)));
        return AlignmentFit.Finish(
            pairs, x, y, coefficients, _options.FitIntercept,
            AlignmentFit.Draft(pairs, $"{solution.Solver} of {sourceAnchors.Rows} anchors", _options.Alpha > 0 || solution.Rank == pairs.TargetDimension) with
            {
                Alpha = _options.Alpha,
                Rank = solution.Rank,
                ConditionNumber = solution.ConditionNumber,
            },
            clock, progress);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "anchors, 100 rows of length 1".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"anchors, {(_options.Rows is { } rows ? $"{rows.Count} rows" : "all rows")}{(_options.UnitAnchors ? " of length 1" : "")}{(_options.Alpha > 0 ? $", alpha {_options.Alpha:g6}" : "")}{(_options.Scaling ? ", scaled" : "")}{(_options.FitIntercept ? "" : ", without intercept")}");

    private CentredMatrix Anchors(Tensor latents, Tensor centre)
    {
        Tensor anchors = _options.Rows is { } rows ? latents.index_select(0, tensor((long[])[.. rows], device: latents.device)) : latents;
        anchors = anchors.to_type(ScalarType.Float64).sub(centre);
        return CentredMatrix.Of(_options.UnitAnchors ? RelativeProjection.Unit(anchors) : anchors, centre: false);
    }
}
