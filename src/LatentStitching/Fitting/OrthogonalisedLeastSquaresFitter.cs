using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits least squares and takes the nearest isometry to its matrix.</summary>
/// <remarks>
/// <para>With B [d_s, d_t] the least-squares (least-norm) solution of X·B = Y and B = U·Σ·Vᵀ (thin), the map is z ↦ (z − x̄)·U·Vᵀ + ȳ: of all matrices with orthonormal columns (rows, where d_s &lt; d_t) the
/// one nearest to B. It is not <see cref="ProcrustesFitter"/>, which is nearest in the data: the two agree where the source is white, or where the pairs are an exact isometry.</para>
/// <para>Where B has a rank below both widths the open directions are mapped to zero and the status is <see cref="FitStatus.RankDeficient"/>; it is the same where the source does not determine B.</para>
/// <para>The report: <see cref="FitReport.SingularValues"/> holds those of B, <see cref="FitReport.Rank"/> the rank of the map. Numerics: float64 throughout, the map too; B as in
/// <see cref="LeastSquaresFitter"/>.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: "lstsq_ortho" of Maiorca et al., "Latent Space Translation via Semantic Alignment" (2023, arXiv:2311.00664); nearest isometry: Higham, "Functions of Matrices" (SIAM 2008), chapter 8.</para>
/// </remarks>
public sealed class OrthogonalisedLeastSquaresFitter : ILatentMapFitter
{
    private readonly OrthogonalisedLeastSquaresOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public OrthogonalisedLeastSquaresFitter(OrthogonalisedLeastSquaresOptions? options = null) => _options = options ?? new OrthogonalisedLeastSquaresOptions();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows for a map with an intercept.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(pairs.Source, _options.FitIntercept);
        CentredMatrix y = CentredMatrix.Of(pairs.Target, _options.FitIntercept);
        RidgeSolver.Solution solution = RidgeSolver.Solve(x, y, 0, _options.FitIntercept, cancellationToken);
        // Least squares carries rounding errors as large as the condition of X makes them.
        double rounding = PolarFactor.CutOf(solution.Weight, linalg.matrix_norm(solution.Weight).ToDouble()) * (solution.ConditionNumber ?? 1);
        PolarFactor polar = PolarFactor.Of(solution.Weight, rounding, complete: false);
        bool determined = solution.Rank == pairs.SourceDimension && polar.Rank == polar.SingularValues.Length;
        return AlignmentFit.Finish(
            pairs, x, y, polar.Matrix, _options.FitIntercept,
            AlignmentFit.Draft(pairs, $"{solution.Solver}, polar factor", determined) with
            {
                Rank = polar.Rank,
                ConditionNumber = solution.ConditionNumber,
                SingularValues = polar.SingularValues,
            },
            clock, progress);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>"orthogonalised least squares", with "without intercept" where that is so.</returns>
    public override string ToString() => _options.FitIntercept ? "orthogonalised least squares" : "orthogonalised least squares, without intercept";
}
