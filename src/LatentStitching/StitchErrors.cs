using System.Globalization;
using LatentStitching.Data;
using LatentStitching.Metrics;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Models;
using LatentStitching.Pairing;

namespace LatentStitching;

/// <summary>What a stitched model does to images, beside the ceiling it could reach and the floors it must beat.</summary>
/// <remarks>
/// With E₁, D₁ the source's encoder and decoder, E₂, D₂ the target's and M the map. R, L and M are those of Asperti and Tonelli, "Comparing the latent space of generative models"
/// (arXiv:2207.06812), here as means over images with an interval each; R2, the gap and the floors are added, without which R, L and M cannot be judged.
/// </remarks>
public sealed record StitchErrors
{
    private const int Block = 256;

    private static readonly PixelMse _pixels = new();

    private static readonly MetricInfo _snapping = new()
    {
        Name = "snapping distance",
        Direction = MetricDirection.LowerIsBetter,
        Unit = "target latent units",
        Reference = "van den Oord, Vinyals and Kavukcuoglu, Neural Discrete Representation Learning (arXiv:1711.00937), eq. 1",
        Signature = "snapping|distance:euclidean|average:vectors",
    };

    /// <summary>R = mse(x, D₁E₁x): the source's own reconstruction.</summary>
    public required MetricValue SourceReconstruction { get; init; }

    /// <summary>R2 = mse(x, D₂E₂x): the target's own reconstruction, the ceiling of <see cref="Stitched"/>.</summary>
    public required MetricValue TargetReconstruction { get; init; }

    /// <summary>L = mse(E₂x, M E₁x), in squared target latent units.</summary>
    public required MetricValue Latent { get; init; }

    /// <summary>L over the variance of E₂x: 0 for a perfect map, 1 for one that gives the mean.</summary>
    public required MetricValue NormalisedLatent { get; init; }

    /// <summary>M = mse(x, D₂M E₁x): the stitched model's error.</summary>
    public required MetricValue Stitched { get; init; }

    /// <summary>mse(D₁E₁x, D₂M E₁x): how far the stitched image is from the source's own reconstruction.</summary>
    public required MetricValue SourceToStitched { get; init; }

    /// <summary>mse(D₂E₂x, D₂M E₁x): how far the stitched image is from the target's own reconstruction.</summary>
    public required MetricValue TargetToStitched { get; init; }

    /// <summary>How far the target's codebook moves the mapped latents when it decodes them: the mean over an image's vectors of the Euclidean distance, in target latent units. Null where the target has no codebook.</summary>
    public MetricValue? SnappingDistance { get; init; }

    /// <summary>mse(x, D₂z̄₂) with z̄₂ the mean of E₂x over these images: the floor of a map that knows nothing of the image.</summary>
    public required MetricValue MeanFloor { get; init; }

    /// <summary>mse(x, D₂M E₁x′) with x′ another of these images: the floor of a stitch that shows a well-made picture of somebody else.</summary>
    public required MetricValue ShuffledFloor { get; init; }

    /// <summary>
    /// (mean floor − M) / (mean floor − R2): the share of what the target's own encoder achieves that the stitch keeps. 1 at the ceiling, 0 at the mean image; it can leave that range.
    /// NaN where the target's own reconstruction is no better than the mean image.
    /// </summary>
    public required double Recovered { get; init; }

    /// <summary>Lower end of the 95 % interval of <see cref="Recovered"/>, by resampling images; NaN with it.</summary>
    public required double RecoveredLower { get; init; }

    /// <summary>Upper end of the 95 % interval of <see cref="Recovered"/>, by resampling images; NaN with it.</summary>
    public required double RecoveredUpper { get; init; }

    /// <summary>Measures a stitched model on images.</summary>
    /// <param name="model">The stitched model. Not disposed.</param>
    /// <param name="images">Test images, at least two. Those that the map was fitted on would flatter it.</param>
    /// <param name="seed">Seed of the intervals.</param>
    /// <param name="cancellationToken">Cancels between batches.</param>
    /// <returns>The errors.</returns>
    /// <exception cref="ArgumentException">There are fewer than two images, they have another format than the models, or the target encodes all of them alike.</exception>
    public static StitchErrors Measure(StitchedModel model, IImageSource images, ulong seed = 0, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(images);
        if (images.Ids.Count < 2) throw new ArgumentException($"images must hold at least two images, but it holds {images.Ids.Count}.", nameof(images));
        if (images.Image != model.Image)
        {
            throw new ArgumentException($"images must have the format {model.Image} of the models, but it is {images.Image}.", nameof(images));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using LatentPairs pairs = new InputPairing(images).Pair(model.Source, model.Target, progress: null, cancellationToken);
        if (pairs.Target.eq(pairs.Target.narrow(0, 0, 1)).all().ToBoolean())
        {
            throw new ArgumentException($"images must differ in the latent of {model.Target.Name}, but it encodes all {images.Ids.Count} of them alike.", nameof(images));
        }
        Tensor mapped = model.Map.Apply(pairs.Source);
        Tensor mean = model.Target.Decode(pairs.Target.mean([0], keepdim: true)).cpu();
        // The shuffled floor holds each image against the stitch of the one before it; before the first comes the last.
        Tensor before = model.Target.Decode(mapped.narrow(0, pairs.Count - 1, 1)).cpu();

        int count = images.Ids.Count;
        double[] r = new double[count], r2 = new double[count], m = new double[count], toSource = new double[count], toTarget = new double[count],
            floor = new double[count], shuffled = new double[count];
        for (int start = 0; start < count; start += Block)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var block = NewDisposeScope();
            int size = Math.Min(Block, count - start);
            Tensor x = images.Load(start, size);
            Tensor own = model.Source.Decode(pairs.Source.narrow(0, start, size)).cpu();
            Tensor ceiling = model.Target.Decode(pairs.Target.narrow(0, start, size)).cpu();
            Tensor stitched = model.Target.Decode(mapped.narrow(0, start, size)).cpu();
            PairedErrors.MeanSquares(own, x).CopyTo(r, start);
            PairedErrors.MeanSquares(ceiling, x).CopyTo(r2, start);
            PairedErrors.MeanSquares(stitched, x).CopyTo(m, start);
            PairedErrors.MeanSquares(stitched, own).CopyTo(toSource, start);
            PairedErrors.MeanSquares(stitched, ceiling).CopyTo(toTarget, start);
            PairedErrors.MeanSquares(mean.expand_as(x), x).CopyTo(floor, start);
            PairedErrors.MeanSquares(cat([before, stitched.narrow(0, 0, size - 1)], 0), x).CopyTo(shuffled, start);
            before = stitched.narrow(0, size - 1, 1).clone().MoveToOuterDisposeScope();
        }

        double[] kept = [.. floor.Zip(m, (f, s) => f - s)], possible = [.. floor.Zip(r2, (f, c) => f - c)];
        bool meaningful = possible.Average() > 0;
        (double lower, double upper) = meaningful ? Bootstrap.Ratio(kept, possible, seed) : (double.NaN, double.NaN);
        return new StitchErrors
        {
            SourceReconstruction = Pixels(r),
            TargetReconstruction = Pixels(r2),
            Latent = new LatentMse().Evaluate(mapped, pairs.Target, seed),
            NormalisedLatent = new NormalisedLatentMse().Evaluate(mapped, pairs.Target, seed),
            Stitched = Pixels(m),
            SourceToStitched = Pixels(toSource),
            TargetToStitched = Pixels(toTarget),
            SnappingDistance = Snapping(),
            MeanFloor = Pixels(floor),
            ShuffledFloor = Pixels(shuffled),
            Recovered = meaningful ? kept.Average() / possible.Average() : double.NaN,
            RecoveredLower = lower,
            RecoveredUpper = upper,
        };

        MetricValue Pixels(double[] perImage) => PairedErrors.Mean(_pixels.Info, perImage, seed);

        MetricValue? Snapping() => model.Target.GetService<IVectorQuantizer>() is { } codebook
            ? PairedErrors.Mean(_snapping, codebook.SnappingDistance(mapped).to(ScalarType.Float64, CPU).data<double>().ToArray(), seed)
            : null;
    }

    /// <summary>Says the errors in one line.</summary>
    /// <returns>For example "R 0.0223, L 0.41 (0.18 of the variance), M 0.0291, ceiling R2 0.0240, floor 0.0723, recovered 89 %".</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"R {SourceReconstruction.Value:g3}, L {Latent.Value:g3} ({NormalisedLatent.Value:g3} of the variance), M {Stitched.Value:g3}, ceiling R2 {TargetReconstruction.Value:g3}, floor {MeanFloor.Value:g3}, recovered {Recovered:p0}{(SnappingDistance is { } snapping ? string.Create(CultureInfo.InvariantCulture, $", snapped by {snapping.Value:g3}") : "")}");
}
