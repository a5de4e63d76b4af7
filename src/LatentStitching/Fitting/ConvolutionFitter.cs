using System.Diagnostics;
using LatentStitching.Mapping.Forms;
using LatentStitching.Numerics;
using LatentStitching.Numerics.Products;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>Fits a convolution between spatial latents by least squares or ridge: one kernel for all places.</summary>
/// <remarks>
/// <para>Minimises Σ‖kernel ∗ x + b − y‖² + α‖kernel‖² over all images and places, with zeros outside as <see cref="Mapping.AffineMap.Convolution"/> applies it. A kernel has c'·c·k² weights where a full map has
/// c'·c·(height·width)²: every place of every image is a row to fit it to, so a few images determine it. With a free offset the latents are centred column by column first.</para>
/// <para>Numerics: float64 throughout, the map too. The Gram matrix [c·k², c·k²] of all patches is summed in blocks of images; patches are never kept. Scaled Cholesky, or, where it is singular, the
/// solution of least norm by eigendecomposition with eigenvalues up to 10⁻¹⁴·λ₁ cut: directions of less than about 1e-7 of the largest do not count. Cost: n·height·width·(c·k²)·(c·k² + c')
/// multiplications, 8·(c·k²)² bytes.</para>
/// <para>With <see cref="ConvolutionOptions.LeaveOneOut"/> the report has the exact error of every image under the kernel of all others, from the same Gram matrix and one small system an image.</para>
/// <para>Thread safety: immutable.</para>
/// <para>Source: least squares as in <see cref="LeastSquaresFitter"/>, on the patches of LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 86 (1998), section II.A;
/// a 1×1 convolution as stitch: Bansal, Nakkiran and Barak, "Revisiting model stitching to compare neural representations" (NeurIPS 2021).</para>
/// </remarks>
public sealed partial class ConvolutionFitter : ILatentMapFitter
{
    // Entries of a block of patches: 64 MB in float64.
    private const long BlockEntries = 8L << 20;
    private readonly ConvolutionOptions _options;

    /// <summary>Makes a fitter.</summary>
    /// <param name="options">Options.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="ArgumentException">The shapes differ in height or width.</exception>
    public ConvolutionFitter(ConvolutionOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (!options.SourceShape.Skip(1).SequenceEqual(options.TargetShape.Skip(1)))
        {
            throw new ArgumentException(
                $"options must have shapes of one height and width, but they are [{string.Join(", ", options.SourceShape)}] and [{string.Join(", ", options.TargetShape)}]. KroneckerFitter can change them.", nameof(options));
        }
        _options = options;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The pairs do not have the shapes' columns, or hold fewer than two rows for a map with an offset.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        LinearFit.RequirePairs(pairs, _options.FitIntercept);
        StructuredFit.RequireColumns(pairs, _options.SourceShape, _options.TargetShape);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Solved solved = Solve(pairs, cancellationToken);
        (CentredMatrix x, CentredMatrix y, MomentSolver.Solution solution) = (solved.Source, solved.Target, solved.Solution);
        Tensor kernel = solution.Weight.t().reshape(_options.TargetShape[0], _options.SourceShape[0], _options.KernelSize, _options.KernelSize);
        ConvolutionForm form = new(kernel, _options.SourceShape[1], _options.SourceShape[2]);
        FitStatus status = _options.Alpha == 0 && solution.Rank < Width ? FitStatus.RankDeficient : FitStatus.Succeeded;
        FitReport report = StructuredFit.Report(pairs, status, $"{_options.KernelSize}×{_options.KernelSize} convolution, {solution.Solver} of patches", _options.Alpha) with
        {
            Rank = solution.Rank,
            ConditionNumber = solution.ConditionNumber,
            LeaveOneOutR2 = _options.LeaveOneOut ? LeaveOneOutR2(LeftOut(solved, cancellationToken), pairs) : null,
        };
        LatentMapFit fit = StructuredFit.Finish(pairs, form, Offset(form, x, y, solved.PatchMean, solved.TargetMean), _options.FitIntercept, report, out double residual);
        progress?.Report(new FitProgress { Iteration = 1, MaxIterations = 1, Loss = residual / ((double)pairs.Count * pairs.TargetDimension) });
        return new LatentMapFit(fit.Map, fit.Report with { Elapsed = clock.Elapsed });
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "3×3 convolution, alpha 0".</returns>
    public override string ToString() => string.Create(
        System.Globalization.CultureInfo.InvariantCulture,
        $"{_options.KernelSize}×{_options.KernelSize} convolution, alpha {_options.Alpha:g6}{(!_options.FitIntercept ? ", without intercept" : _options.OffsetPerChannel ? ", one offset a channel" : "")}");

    internal long ParameterCount => Width * _options.TargetShape[0];

    private long Width => _options.SourceShape[0] * _options.KernelSize * _options.KernelSize;

    private long Places => _options.SourceShape[1] * _options.SourceShape[2];

    private long ImagesABlock => Math.Max(1, BlockEntries / (Width * Places));

    // The normal equations of all patches and their solution.
    private Solved Solve(LatentPairs pairs, CancellationToken cancellationToken)
    {
        bool everywhere = _options is { FitIntercept: true, OffsetPerChannel: false };
        CentredMatrix x = CentredMatrix.Of(pairs.Source, everywhere), y = CentredMatrix.Of(pairs.Target, everywhere);
        Tensor nothing = zeros(1, ScalarType.Float64, x.Centre.device);
        (Tensor patchMean, Tensor targetMean) = _options is { FitIntercept: true, OffsetPerChannel: true } ? Means(x, y, cancellationToken) : (nothing, nothing);

        Tensor gram = zeros(Width, Width, ScalarType.Float64, x.Centre.device), cross = zeros(Width, _options.TargetShape[0], ScalarType.Float64, x.Centre.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(pairs.Count, ImagesABlock))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            Tensor patches = Patches(x, start, size).sub(patchMean);
            Product.AddLower(gram, patches, patches.t());
            Product.Add(cross, patches, Channels(y, start, size).sub(targetMean).t());
        }
        CentredMatrix.Mirror(gram);
        return new Solved(x, y, patchMean, targetMean, gram, MomentSolver.Solve(gram, cross, pairs.Count * Places, _options.Alpha, cancellationToken));
    }

    // [c·k², images·places]: what the kernel sees at each place.
    private Tensor Patches(CentredMatrix x, long start, long size)
    {
        Tensor images = x.Block(start, size);
        if (_options.KernelSize == 1) return images.reshape(size, _options.SourceShape[0], Places).transpose(0, 1).reshape(Width, -1);
        Tensor shaped = images.reshape(size, _options.SourceShape[0], _options.SourceShape[1], _options.SourceShape[2]);
        long side = _options.KernelSize;
        return nn.functional.unfold(shaped, (side, side), padding: (side / 2, side / 2)).transpose(0, 1).reshape(Width, -1);
    }

    // [c', images·places].
    private Tensor Channels(CentredMatrix y, long start, long size) =>
        y.Block(start, size).reshape(size, _options.TargetShape[0], Places).transpose(0, 1).reshape(_options.TargetShape[0], -1);

    private (Tensor Patch, Tensor Target) Means(CentredMatrix x, CentredMatrix y, CancellationToken cancellationToken)
    {
        Tensor patch = zeros(Width, 1, ScalarType.Float64, x.Centre.device), target = zeros(_options.TargetShape[0], 1, ScalarType.Float64, x.Centre.device);
        foreach ((long start, long size) in CentredMatrix.Blocks(x.Rows, ImagesABlock))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            patch.add_(Patches(x, start, size).sum(1, keepdim: true));
            target.add_(Channels(y, start, size).sum(1, keepdim: true));
        }
        double rows = (double)x.Rows * Places;
        return (patch.div(rows), target.div(rows));
    }

    private Tensor? Offset(ConvolutionForm form, CentredMatrix x, CentredMatrix y, Tensor patchMean, Tensor targetMean)
    {
        if (!_options.FitIntercept) return null;
        return _options.OffsetPerChannel
            ? targetMean.sub(form.Kernel.flatten(1).mm(patchMean)).flatten().repeat_interleave(Places)
            : y.Centre.sub(form.Times(x.Centre.unsqueeze(0)).squeeze(0));
    }

    private sealed class Solved(CentredMatrix source, CentredMatrix target, Tensor patchMean, Tensor targetMean, Tensor gram, MomentSolver.Solution solution)
    {
        public CentredMatrix Source => source;

        public CentredMatrix Target => target;

        /// <summary>[c·k², 1], with one offset a channel, else zero [1].</summary>
        public Tensor PatchMean => patchMean;

        /// <summary>[c', 1], likewise.</summary>
        public Tensor TargetMean => targetMean;

        /// <summary>[c·k², c·k²].</summary>
        public Tensor Gram => gram;

        public MomentSolver.Solution Solution => solution;
    }
}
