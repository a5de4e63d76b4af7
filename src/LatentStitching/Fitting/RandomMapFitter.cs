using System.Diagnostics;
using LatentStitching.Numerics;
using LatentStitching.Pairing;

namespace LatentStitching.Fitting;

/// <summary>A control: a random linear map that gives every target column its right mean and variance, and nothing else. What a similarity or a picture owes to scale alone.</summary>
/// <remarks>
/// <para>G [d_t, d_s] is drawn from the standard normal distribution, in float64 on the CPU, from the seed. Row j of the weight is sⱼ·Gⱼ with sⱼ = √(Σ(yⱼ − ȳⱼ)² / Σ((x − x̄)·Gⱼ)²), so that over the
/// rows it was fitted to the mapped latents have exactly the target's column means and column variances; the offset is ȳ − W·x̄. Where the source does not vary along Gⱼ, row j is 0.
/// The pairing of the rows is not used.</para>
/// <para>Its R² is about −1: the error is the sum of two independent variances.</para>
/// <para>Numerics: float64, as is the map. Cost: n·d_s·d_t operations. Thread safety: immutable.</para>
/// </remarks>
public sealed class RandomMapFitter : ILatentMapFitter
{
    private readonly ulong _seed;

    /// <summary>Makes a fitter.</summary>
    /// <param name="seed">Fixes the matrix.</param>
    public RandomMapFitter(ulong seed = 0) => _seed = seed;

    /// <inheritdoc/>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public LatentMapFit Fit(LatentPairs pairs, IProgress<FitProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(pairs);
        cancellationToken.ThrowIfCancellationRequested();
        var clock = Stopwatch.StartNew();
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        CentredMatrix x = CentredMatrix.Of(pairs.Source, centre: true), y = CentredMatrix.Of(pairs.Target, centre: true);
        using Generator generator = new(_seed);
        Tensor matrix = randn([pairs.TargetDimension, pairs.SourceDimension], ScalarType.Float64, generator: generator).to(pairs.Source.device).t();

        Tensor mapped = zeros(pairs.TargetDimension, ScalarType.Float64, pairs.Source.device), wanted = zeros_like(mapped), together = zeros_like(mapped);
        foreach ((long start, long size) in CentredMatrix.CommonBlocks(x, y))
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            Tensor product = x.Block(start, size).mm(matrix), target = y.Block(start, size);
            mapped.add_(product.square().sum([0]));
            wanted.add_(target.square().sum([0]));
            together.add_(product.mul(target).sum([0]));
        }
        Tensor scale = where(mapped.gt(0), wanted.div(mapped).sqrt(), mapped);
        // ‖y − s·g‖² = Σy² − 2sΣyg + s²Σg².
        double residual = wanted.sub(scale.mul(together).mul(2)).add(scale.square().mul(mapped)).sum().ToDouble();
        progress?.Report(new FitProgress { Iteration = 1, MaxIterations = 1, Loss = residual / ((double)pairs.Count * pairs.TargetDimension) });
        return LinearFit.Finish(x.Centre, y.Centre, matrix.mul(scale), intercept: true, new FitReport
        {
            Status = FitStatus.Succeeded,
            Solver = "random Gaussian matrix",
            SampleCount = pairs.Count,
            SourceDimension = pairs.SourceDimension,
            TargetDimension = pairs.TargetDimension,
            TrainingR2 = LinearFit.R2(residual, wanted.sum().ToDouble()),
            Elapsed = clock.Elapsed,
        });
    }

    /// <summary>Says what it fits.</summary>
    /// <returns>For example "random map, seed 0".</returns>
    public override string ToString() => $"random map, seed {_seed}";
}
