using System.Diagnostics;
using LatentStitching.Mapping;
using LatentStitching.Mapping.Forms;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Lets another fitter fit centred, standardised or whitened latents, and returns its map as one of the latents themselves.</summary>
/// <remarks>
/// <para>Source z ↦ (z − c_s)·T_s and target y ↦ (y − c_t)·T_t are prepared side by side; from ẑ = z·Wᵀ + b of the fitter within comes the map z ↦ ((z − c_s)·T_s·Wᵀ + b)·T_t⁺ + c_t.</para>
/// <para>Least squares does not feel it where the source determines the map. Ridge on a standardised source is ridge with a penalty of α times a column's variance on that column's coefficients; on a whitened one it
/// shrinks all directions alike. Scaling the target changes nothing for either at one strength, but does for fits that are no linear function of the target, and for the choice of a strength. Strengths are in prepared
/// units: where columns are divided by the standard deviation of n − 1, as torch and latentis do, multiply by n/(n − 1) to get the same map.</para>
/// <para>Constant columns are not divided. Dependent columns do no harm in whitening: directions whose singular value is at most max(n, d)·ε·σ₁ are taken for absent, get no weight on the source's side and stay at the
/// mean on the target's. Latents of no more rows than columns lie, whitened, at equal distances from each other: regularise the fit.</para>
/// <para>The report is the fitter's, in prepared units, and names the preparation as part of its solver. <see cref="FitReport.TrainingR2"/> is that of the latents themselves. <see cref="FitReport.LeaveOneOutR2"/>,
/// <see cref="FitReport.CrossValidatedR2"/> and <see cref="FitReport.HeldOutR2"/> are null where the target is scaled, for they weigh its columns otherwise; else they stand, though the rows left out took part in the preparation. Where no penalty decides what PCA whitening
/// hides, the status is <see cref="FitStatus.RankDeficient"/>; "of least norm" there means in prepared units.</para>
/// <para>Numerics: float64, a copy of both sides; the map too, unless <see cref="PreparedOptions.MapType"/> says otherwise. Whitening costs one singular value decomposition [n, d]. Form: the fitter's, if it is dense, factored or in blocks, or factors where
/// whitening makes them the smaller; a convolution or a Kronecker product becomes dense.</para>
/// <para>Thread safety: as the fitter within.</para>
/// <para>Source: Kessy, Lewin and Strimmer, "Optimal Whitening and Decorrelation", The American Statistician 72 (2018); ZCA: Bell and Sejnowski, "The 'Independent Components' of Natural Scenes are Edge Filters", Vision
/// Research 37 (1997).</para>
/// </remarks>
public sealed class PreparedFitter : ILatentMapFitter
{
    private readonly ILatentMapFitter _inner;
    private readonly PreparedOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="inner">The fitter that fits the prepared latents; it must give an affine map.</param>
    /// <param name="options">Options; if null the defaults: the source is standardised, both sides are centred.</param>
    /// <exception cref="ArgumentNullException"><paramref name="inner"/> is null.</exception>
    public PreparedFitter(ILatentMapFitter inner, PreparedOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(inner);
        _inner = inner;
        _options = options ?? new PreparedOptions();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The fitter within refuses the pairs.</exception>
    /// <exception cref="InvalidOperationException">The fitter within gave a map that is not affine.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        var source = PreparedSide.Of(pairs.Source, _options.Source, _options.Centre);
        cancellationToken.ThrowIfCancellationRequested();
        var target = PreparedSide.Of(pairs.Target, _options.Target, _options.Centre);
        cancellationToken.ThrowIfCancellationRequested();
        using LatentPairs prepared = new(source.Rows, target.Rows, pairs.Ids);
        using LatentMapFit inner = _inner.Fit(prepared, progress, cancellationToken);
        using var grad = no_grad();
        AffineMap map = inner.Affine;
        LinearForm form = target.After(source.Before(map.Linear.In(ScalarType.Float64)));
        ScalarType dtype = _options.MapType;
        LatentMapFit fit = LinearFit.Finish(
            form.With(part => part.to_type(dtype).contiguous()), source.Centre, target.Centre.add(target.Back(map.Bias.to_type(ScalarType.Float64))), intercept: true,
            Report(inner.Report, pairs, hides: source.Hides));
        bool asItWas = _options.Target == LatentScaling.None;
        return new LatentMapFit(fit.Map, fit.Report with
        {
            // Without an offset the mean is not taken off, as with every fitter.
            TrainingR2 = asItWas ? inner.Report.TrainingR2 : StructuredFit.R2(StructuredFit.Residual(fit.Map, pairs), pairs, _options.Centre || map.Bias.count_nonzero().ToInt64() > 0),
            LeaveOneOutR2 = asItWas ? inner.Report.LeaveOneOutR2 : null,
            CrossValidatedR2 = asItWas ? inner.Report.CrossValidatedR2 : null,
            HeldOutR2 = asItWas ? inner.Report.HeldOutR2 : null,
            Elapsed = clock.Elapsed,
        });
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "ridge, alpha 1, source standardised".</returns>
    public override string ToString() => $"{_inner}, {Told}";

    private string Told
    {
        get
        {
            string[] parts = [.. new[] { Side("source", _options.Source), Side("target", _options.Target) }.OfType<string>()];
            return parts.Length == 0 ? (_options.Centre ? "centred" : "as it is") : string.Join(", ", parts) + (_options.Centre ? "" : ", about zero");
        }
    }

    private FitReport Report(FitReport report, LatentPairs pairs, bool hides) => report with
    {
        Status = hides && report is { Status: FitStatus.Succeeded, Alpha: 0 } ? FitStatus.RankDeficient : report.Status,
        Solver = $"{report.Solver}, {Told}",
        SourceDimension = pairs.SourceDimension,
        TargetDimension = pairs.TargetDimension,
    };

    private static string? Side(string name, LatentScaling scaling) => scaling switch
    {
        LatentScaling.None => null,
        LatentScaling.Standardised => $"{name} standardised",
        LatentScaling.PcaWhitened => $"{name} PCA-whitened",
        _ => $"{name} ZCA-whitened",
    };
}
