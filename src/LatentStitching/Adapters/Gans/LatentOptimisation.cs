using System.Text.Json.Nodes;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>Inverts a generator by going down in its latent space until the decoded image resembles the given one.</summary>
/// <remarks>
/// <para>Minimises for each image mean((G(z) − x)²) + λ_p·P(G(z), x) + λ_z·mean(z²), with P a perceptual term of the caller's. The pixels of a generator of this library are not clamped while it
/// does so. The best latent on the way is kept, so the result is never worse than its start.</para>
/// <para>Works on any model whose Decode hands gradients on and that has a prior, or a start. Images and starts are optimised together, and each as if it were alone.
/// Gradients do not flow back to the images.</para>
/// <para>Source: Zhu et al., "Generative visual manipulation on the natural image manifold" (arXiv:1609.03552), "projection via optimization".</para>
/// </remarks>
public sealed class LatentOptimisation : IGanInversion, IDescribedInversion
{
    private const long MeanDraws = 1024;
    private readonly LatentOptimisationOptions _options;
    private readonly Func<Tensor, Tensor, Tensor>? _perceptual;

    /// <summary>Makes an inversion.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="perceptual">
    /// Optional perceptual term: decoded and given images, each [m, c, h, w] in about [0, 1] → one number an image [m], through which gradients flow to the decoded images. For instance <c>lpips.Distances</c> of an Lpips of this library.
    /// </param>
    public LatentOptimisation(LatentOptimisationOptions? options = null, Func<Tensor, Tensor, Tensor>? perceptual = null)
    {
        _options = options ?? new LatentOptimisationOptions();
        _perceptual = perceptual;
    }

    // Each image is inverted as if it were alone: the size of a batch is no part of it.
    ModelDescription? IDescribedInversion.Describe() => _perceptual is not null ? null : new ModelDescription(
        "optimisation",
        new JsonObject
        {
            ["optimiser"] = _options.Optimiser.ToString(),
            ["steps"] = _options.Steps,
            ["learningRate"] = _options.LearningRate,
            ["starts"] = _options.Starts,
            ["priorWeight"] = _options.PriorWeight,
            ["seed"] = _options.Seed,
        },
        []);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The objective is no longer finite, or the perceptual term has another shape or no gradient.</exception>
    public Tensor Invert(ILatentModel generator, Tensor images) => Optimise(generator, images).Latents;

    /// <summary>Finds latents, and tells the error of each.</summary>
    /// <param name="generator">The generator. Not disposed.</param>
    /// <param name="images">Image batch [n, c, h, w] of the generator's format, floating point, values in [0, 1]. Not disposed.</param>
    /// <param name="start">Where to start, a latent batch [n, D]; the options' starts if null. Not disposed.</param>
    /// <param name="progress">Told at most a hundred times, or null.</param>
    /// <param name="cancellationToken">Cancels between steps.</param>
    /// <returns>Latents and errors, owned by the caller.</returns>
    /// <exception cref="ArgumentException">Images or start do not fit the generator, or it has no prior and no start is given.</exception>
    /// <exception cref="InvalidOperationException">The objective is no longer finite, or the perceptual term has another shape or no gradient.</exception>
    /// <exception cref="OperationCanceledException">Cancelled; no tensor is left alive.</exception>
    public OptimisedLatents Optimise(
        ILatentModel generator, Tensor images, Tensor? start = null, IProgress<InversionProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(generator);
        TensorGuard.Images(images, generator.Image, generator.Name);
        if (start is not null)
        {
            TensorGuard.Latents(start, generator.Latent.Dimension, generator.Name);
            TensorGuard.SameRows(images, start, nameof(images), nameof(start));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor? starts = start is null ? Starts(generator) : null;
        Tensor x = images.to(ScalarType.Float32, (starts ?? start!).device);
        Ticker ticker = new(progress, _options.Steps * ((x.size(0) + _options.BatchSize - 1) / _options.BatchSize), cancellationToken);
        List<Tensor> latents = [], origins = [];
        foreach ((long first, long size) in CentredMatrix.Blocks(x.size(0), _options.BatchSize))
        {
            using var block = NewDisposeScope();
            Tensor rows = x.narrow(0, first, size);
            // Rows of one image stand together: all its starts.
            Tensor begin = starts?.repeat(size, 1) ?? start!.narrow(0, first, size).to(ScalarType.Float32).clone();
            long each = begin.size(0) / size;
            (Tensor best, Tensor values) = Descend(new InversionObjective(generator, _options, _perceptual), begin, rows.repeat_interleave(each, 0), ticker);
            Tensor chosen = values.reshape(size, each).argmin(1);
            latents.Add(best.index_select(0, chosen + arange(size, ScalarType.Int64, device: best.device) * each).MoveToOuterDisposeScope());
            origins.Add(chosen.MoveToOuterDisposeScope());
        }
        Tensor found = cat(latents, 0).clone();
        double[] errors = Errors(generator, found, x);
        int[] origin = [.. cat(origins, 0).cpu().data<long>().ToArray().Select(index => (int)index)];
        return new OptimisedLatents(found.MoveToOuterDisposeScope(), errors, origin);
    }

    private Tensor Starts(ILatentModel generator)
    {
        ILatentPrior prior = generator.GetService<ILatentPrior>()
            ?? throw new ArgumentException($"generator must have a prior where no start is given, but {generator.Name} has none. Pass start.", nameof(generator));
        // The mean of many z is nearly zero, and a network that takes but its direction would begin at whichever one rounding and chance leave.
        if (generator.GetService<GanModel>() is { OnlyDirectionMatters: true }) return prior.Sample(_options.Starts, unchecked(_options.Seed + 1));
        Tensor mean = prior.Sample(MeanDraws, _options.Seed).mean([0], keepdim: true);
        return _options.Starts == 1 ? mean : cat([mean, prior.Sample(_options.Starts - 1, unchecked(_options.Seed + 1))], 0);
    }

    private (Tensor Latents, Tensor Values) Descend(InversionObjective objective, Tensor start, Tensor images, Ticker ticker)
    {
        (Tensor values, Tensor gradient) = objective.Evaluate(start, images);
        Tensor latents = start.clone(), best = start.clone(), least = values.clone();
        IInversionSteps steps = _options.Optimiser == InversionOptimiser.Adam ? new InversionAdam(_options, latents) : new InversionLbfgs(_options, latents);
        int step = 0;
        for (; step < _options.Steps && !steps.Finished; step++)
        {
            ticker.ThrowIfCancelled();
            using var scope = NewDisposeScope();
            (Tensor next, Tensor nextGradient) = steps.Take(objective, images, latents, values, gradient);
            Tensor better = next.lt(least);
            best.copy_(where(better.unsqueeze(1), latents, best));
            least.copy_(where(better, next, least));
            values.copy_(next);
            gradient.copy_(nextGradient);
            ticker.Tick(values);
        }
        ticker.Skip(_options.Steps - step, values);
        return (best, least);
    }

    private static double[] Errors(ILatentModel generator, Tensor latents, Tensor images)
    {
        using var scope = NewDisposeScope();
        return (generator.Decode(latents) - images).square().flatten(1).mean([1], type: ScalarType.Float64).cpu().data<double>().ToArray();
    }

    private sealed class Ticker(IProgress<InversionProgress>? progress, long total, CancellationToken cancellationToken)
    {
        private readonly long _every = (total + 99) / 100;
        private long _step;

        public void ThrowIfCancelled() => cancellationToken.ThrowIfCancellationRequested();

        public void Tick(Tensor values)
        {
            _step++;
            if (_step % _every == 0 || _step == total) Report(values);
        }

        public void Skip(long steps, Tensor values)
        {
            if (steps == 0) return;
            _step += steps;
            if (_step == total) Report(values);
        }

        private void Report(Tensor values)
        {
            if (progress is null) return;
            using var scope = NewDisposeScope();
            progress.Report(new InversionProgress { Step = _step, TotalSteps = total, Loss = values.mean().ToDouble() });
        }
    }
}
