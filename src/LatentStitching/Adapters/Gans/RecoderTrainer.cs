using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Numerics;
using LatentStitching.Training;

namespace LatentStitching.Adapters.Gans;

/// <summary>Trains a <see cref="Recoder"/> on images that the generator makes for it, fresh ones at every step: minimises the mean of (R(G(z)) − z)².</summary>
/// <remarks>Source: Asperti and Tonelli, "Comparing the latent space of generative models" (arXiv:2207.06812), who took the best pass by the loss of training; here the weights are those of the last pass or, with <see cref="TrainingOptions.Patience"/>, of the best by held-out images.</remarks>
public sealed class RecoderTrainer
{
    private readonly TrainingOptions _options;

    /// <summary>Makes a trainer.</summary>
    /// <param name="options">Options; the defaults if null. An epoch is <see cref="ImagesPerEpoch"/> images.</param>
    /// <exception cref="ArgumentException">The options have validation images: the generator makes those too.</exception>
    public RecoderTrainer(TrainingOptions? options = null)
    {
        _options = options ?? new TrainingOptions();
        if (_options.Validation is not null) throw new ArgumentException($"options must leave Validation null, for the generator makes those images too. Set {nameof(HeldOut)}.", nameof(options));
    }

    /// <summary>Generated images that make an epoch.</summary>
    /// <value>At least 1; default 10,000.</value>
    public int ImagesPerEpoch
    {
        get;
        init => field = Guard.Positive(value, nameof(ImagesPerEpoch));
    } = 10_000;

    /// <summary>Generated images that are held out, on which the loss is told after each epoch.</summary>
    /// <value>At least 2; default 1,000.</value>
    public int HeldOut
    {
        get;
        init => field = Guard.AtLeast(value, 2, nameof(HeldOut));
    } = 1000;

    /// <summary>Trains the recoder in place.</summary>
    /// <param name="recoder">The recoder. Its weights change.</param>
    /// <param name="generator">The generator. Its weights do not change.</param>
    /// <param name="progress">Told at most a hundred times, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; the recoder keeps what it has learnt.</param>
    /// <returns>How the run went, and how well the recoder does on held-out images.</returns>
    /// <exception cref="ArgumentException">The recoder is for other images or another latent.</exception>
    /// <exception cref="InvalidOperationException">The loss is no longer finite.</exception>
    public RecoderReport Train(Recoder recoder, GanModel generator, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(recoder);
        recoder.RequireFit(generator);
        TrainingOptions options = _options with { Validation = new Draws(HeldOut) };
        TrainingReport training = TrainingLoop.Run(new RecoderTask(recoder, generator), new Draws(ImagesPerEpoch), options, progress, cancellationToken);
        return Judge(recoder, generator, training);
    }

    private RecoderReport Judge(Recoder recoder, GanModel generator, TrainingReport training)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor latents = generator.Sample(HeldOut, TrainingRun.Mix(_options.Seed, 5, 0));
        double latentError = 0, imageError = 0;
        foreach ((long start, long size) in CentredMatrix.Blocks(HeldOut, generator.BatchSize))
        {
            using var block = NewDisposeScope();
            Tensor rows = latents.narrow(0, start, size), images = generator.Decode(rows), found = recoder.Invert(generator, images);
            latentError += (found - rows).square().sum(ScalarType.Float64).ToDouble();
            imageError += (generator.Decode(found) - images).square().sum(ScalarType.Float64).ToDouble();
        }
        double variation = CentredMatrix.Of(latents, centre: true).SumOfSquares();
        return new RecoderReport
        {
            Training = training,
            LatentError = latentError / latents.numel(),
            RelativeLatentError = latentError / variation,
            ImageError = imageError / ((double)HeldOut * generator.Image.PixelCount),
        };
    }

    /// <summary>Stands where the loop wants images, in a task that makes its own.</summary>
    private sealed class Draws(int count) : IImageSource
    {
        public string Name => "draws";

        public ImageFormat Image { get; } = new(1, 1, 1);

        public IReadOnlyList<string> Ids { get; } = [.. Enumerable.Range(0, count).Select(i => $"draw-{i}")];

        public AttributeTable? Attributes => null;

        public Tensor Load(IReadOnlyList<int> indices) => zeros([indices.Count, 1, 1, 1], ScalarType.Float32);
    }

    private sealed class RecoderTask(Recoder recoder, GanModel generator) : TrainingTask
    {
        public override Device Device => generator.Device;

        public override IReadOnlyList<OptimiserGroup> Groups { get; } = [new OptimiserGroup("recoder", recoder.Weights.Trainable)];

        public override string Settings => string.Create(CultureInfo.InvariantCulture, $"generator {generator.Fingerprint}, dropout {recoder.Options.Dropout}");

        public override double Step(TrainingStep step) => step.Minimise(0, Loss(step.Batch.size(0), step.Generator, step.Generator));

        public override double Validate(Tensor batch, Generator draws) => Loss(batch.size(0), draws, null).ToDouble();

        public override void WriteSnapshot(string folder)
        {
            IGanInversion? before = generator.Inversion;
            generator.Inversion = recoder;
            try
            {
                generator.Save(folder);
            }
            finally
            {
                generator.Inversion = before;
            }
        }

        private Tensor Loss(long count, Generator draws, Generator? dropout)
        {
            Tensor latents, images;
            using (no_grad())
            {
                latents = generator.SampleCore(count, draws);
                images = generator.Generate(latents).clamp(0, 1);
            }
            return (RecoderNetwork.Encode(recoder.Weights, recoder.Options, images, dropout) - latents).square().mean();
        }
    }
}
