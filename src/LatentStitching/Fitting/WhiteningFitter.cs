using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits a rotation between partially whitened spaces: the family from canonical correlations to Procrustes.</summary>
/// <remarks>
/// <para>With XᵀX = V·Λ·Vᵀ, Z_X = c_X·V·(α + (1 − α)Λ^(−½))·Vᵀ, c_X such that ‖X·Z_X‖ = ‖X‖, and Z_Y likewise, R = polar factor of Z_X·XᵀY·Z_Y. The map rotates the whitened source and colours it as the target:
/// z ↦ (z − x̄)·Z_X·s·R·Z_Y⁻¹ + ȳ, with s = 1 or, with <see cref="WhiteningOptions.Scaling"/>, tr(RᵀZ_X·XᵀY·Z_Y)/‖X·Z_X·R‖², which makes c_X and c_Y drop out and is what a decoder wants unless the spaces have one scale.
/// α = 1 is <see cref="ProcrustesFitter"/> to the last bit.</para>
/// <para>Λ belongs to XᵀX, a sum over rows, as in netrep: for 0 &lt; α &lt; 1 the map depends on units and on the number of pairs, and with many pairs of large latents it is nearly Procrustes.</para>
/// <para>Directions without variance (singular values up to max(n, d)·ε·σ₁) take part in nothing: the source's are ignored, the target's stay at the mean, and the status is
/// <see cref="FitStatus.RankDeficient"/> where the rank of the map falls below both widths. α = 0 refuses them: there the distance that the map minimises is not defined. netrep raises such eigenvalues to 1e-7 instead.
/// Different widths need no padding; it would change nothing.</para>
/// <para>The report: <see cref="FitReport.SingularValues"/> holds those of Z_X·XᵀY·Z_Y, so that their sum over ‖X‖‖Y‖ is the cosine of netrep's angular distance; <see cref="FitReport.Rank"/> the rank of the map.
/// Numerics: float64 throughout, the map too. Cost: two symmetric eigendecompositions [d, d] (of a side with directions below 10⁻⁵ of its largest singular value that are more than rounding, a singular value decomposition [n, d]) and one singular value decomposition [d_s, d_t].</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: Williams, Kunz, Kornblith and Linderman, "Generalized Shape Metrics on Neural Representations" (NeurIPS 2021, arXiv:2110.14739); LinearMetric of netrep.</para>
/// </remarks>
public sealed class WhiteningFitter : ILatentMapFitter
{
    private readonly WhiteningOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    public WhiteningFitter(WhiteningOptions? options = null) => _options = options ?? new WhiteningOptions();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs hold fewer than two rows for a map with an intercept, or have dependent columns on one side where α is 0.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        cancellationToken.ThrowIfCancellationRequested();
        if (_options.Alpha == 1)
        {
            return new ProcrustesFitter(new ProcrustesOptions { Scaling = _options.Scaling, FitIntercept = _options.FitIntercept }).Fit(pairs, progress, cancellationToken);
        }
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(pairs.Source, _options.FitIntercept);
        CentredMatrix y = CentredMatrix.Of(pairs.Target, _options.FitIntercept);
        Whitened source = Whiten(x, "source", pairs, cancellationToken), target = Whiten(y, "target", pairs, cancellationToken);
        // Whitened rows are orthonormal where their directions come from X itself; XᵀY would give small directions the rounding of large ones.
        Tensor cross = source.Rows is null && target.Rows is null
            ? source.Matrix.mm(x.TransposeTimes(y)).mm(target.Matrix)
            : (source.Rows ?? x.Times(source.Matrix)).t().mm(target.Rows ?? y.Times(target.Matrix));
        double norms = Math.Sqrt(x.SumOfSquares()) * Math.Sqrt(y.SumOfSquares());
        PolarFactor polar = PolarFactor.Of(cross, PolarFactor.CutOf(cross, norms), complete: false);
        Tensor rotated = source.Matrix.mm(polar.Matrix);
        if (_options.Scaling) rotated = rotated.mul(AlignmentFit.Scale(polar.Matrix, cross, AlignmentFit.SumOfSquares(x, rotated)));
        return AlignmentFit.Finish(
            pairs, x, y, rotated.mm(target.Inverse), _options.FitIntercept,
            AlignmentFit.Draft(pairs, "partial whitening, singular value decomposition", polar.Rank == polar.SingularValues.Length) with
            {
                Rank = polar.Rank,
                SingularValues = polar.SingularValues,
            },
            clock, progress);
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "partial whitening, alpha 0.5".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"partial whitening, alpha {_options.Alpha:g6}{(_options.Scaling ? ", scaled" : "")}{(_options.FitIntercept ? "" : ", without intercept")}");

    // Z [d, d], its inverse on the span of the rows, and X·Z [n, d] where X itself was decomposed.
    private sealed class Whitened(Tensor matrix, Tensor inverse, Tensor? rows)
    {
        public Tensor Matrix => matrix;

        public Tensor Inverse => inverse;

        public Tensor? Rows => rows;
    }

    private Whitened Whiten(CentredMatrix matrix, string side, LatentPairs pairs, CancellationToken cancellationToken)
    {
        var spectrum = GramSpectrum.Of(matrix, matrix.Gram(), cancellationToken);
        cancellationToken.ThrowIfCancellationRequested();
        double alpha = _options.Alpha;
        if (alpha == 0 && spectrum.Rank < matrix.Columns)
        {
            throw new ArgumentException(
                $"pairs must have independent columns on both sides where Alpha is 0, but the {side} has rank {spectrum.Rank} with {matrix.Columns} columns and {matrix.Rows} rows. "
                + "Give Alpha a positive value, or use CcaFitter.",
                nameof(pairs));
        }
        Tensor values = spectrum.Values, vectors = spectrum.Vectors, shape = values.rsqrt().mul(1 - alpha).add(alpha);
        // Whitening shall not change the total variance.
        shape = shape.mul(values.sum().div(shape.square().mul(values).sum()).sqrt());
        return new Whitened(vectors.mul(shape).mm(vectors.t()), vectors.div(shape).mm(vectors.t()), spectrum.Left?.mul(values.sqrt().mul(shape)).mm(vectors.t()));
    }
}
