using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits the best map of a given rank.</summary>
/// <remarks>
/// <para>Minimises ‖X·B − Y‖²_F + α‖B‖²_F over matrices of rank r: B_r = B·V_r·V_rᵀ with B the least-squares or ridge solution and V_r the first r eigenvectors of Bᵀ(XᵀX + αI)B = Bᵀ·XᵀY,
/// which for α = 0 are the right singular vectors of the fitted X·B. At full rank it is least squares, or ridge.</para>
/// <para>The report: <see cref="FitReport.RankPath"/> has the training errors of every rank from 0, <see cref="FitReport.Rank"/> r, <see cref="FitReport.SingularValues"/> the square roots of the eigenvalues: for α = 0 the
/// summed training error grows by the square of each that is left out. Status and solver are those of B. Numerics: float64 throughout, the map too. Cost: that of B and one symmetric
/// eigendecomposition [d_t, d_t], or two [d_s, d_s] where the source is the narrower.</para>
/// <para>With fewer pairs than columns on both sides neither B nor any [d_t, d_t] is formed: n²(d_s + d_t) operations for XXᵀ and YYᵀ, two symmetric eigendecompositions [n, n], and the two factors. The path then ends at n, and
/// <see cref="FitReport.Rank"/> is at most the rank of B.</para>
/// <para>Form: two factors where r·(d_s + d_t) &lt; d_s·d_t, else dense.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Sources: Izenman, "Reduced-Rank Regression for the Multivariate Linear Model", Journal of Multivariate Analysis 5 (1975); with a penalty: Mukherjee and Zhu, "Reduced Rank Ridge Regression and Its Kernel
/// Extensions", Statistical Analysis and Data Mining 4 (2011).</para>
/// </remarks>
public sealed class ReducedRankFitter : ILatentMapFitter
{
    private readonly ReducedRankOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    public ReducedRankFitter(ReducedRankOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <summary>Makes a fitter of a given rank without a penalty.</summary>
    /// <param name="rank">The rank of the map, one or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="rank"/> is not positive.</exception>
    public ReducedRankFitter(long rank)
        : this(new ReducedRankOptions { Rank = rank })
    {
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows for a map with an intercept, or fewer columns than the rank.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        if (_options.Rank > Math.Min(pairs.SourceDimension, pairs.TargetDimension))
        {
            throw new ArgumentException(
                $"pairs must have at least {_options.Rank} columns on both sides for a map of rank {_options.Rank}, but they are {pairs.SourceDimension} → {pairs.TargetDimension}. Lower Rank.", nameof(pairs));
        }
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        if (DualReducedRankFit.Applies(pairs))
        {
            var dual = DualReducedRankFit.Of(pairs, _options.FitIntercept, cancellationToken);
            (RankDirections directions, double[] errors) = dual.Full(_options.Alpha);
            return dual.Finish(directions, _options.Rank, _options.Alpha, [.. errors.Select((error, rank) => new RankPathPoint { Rank = rank, TrainingError = error })], clock, progress);
        }
        var full = ReducedRankFit.Of(pairs, _options.Alpha, _options.FitIntercept, cancellationToken);
        List<RankPathPoint> path = [.. full.Errors(pairs).Select((error, rank) => new RankPathPoint { Rank = rank, TrainingError = error })];
        return full.Finish(pairs, _options.Rank, path, clock, progress);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "reduced rank 8".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"reduced rank {_options.Rank}{(_options.Alpha > 0 ? $", alpha {_options.Alpha:g6}" : "")}{(_options.FitIntercept ? "" : ", without intercept")}");
}
