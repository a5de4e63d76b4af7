using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Reconstruction;

/// <summary>The RMSE of published stitching studies, made with image-similarity-measures: byte images divided by 4095 whatever their range. For comparison with their tables only.</summary>
/// <remarks>
/// <para>Pixels in [0, 1] become bytes ⌊255·x⌋. With the differences δ over <see cref="Maximum"/>: √mean δ² over images and channels at each place, then the mean over places (0.3.6), or √mean δ² over
/// everything (0.3.5). The package expects one image H×W×C; the studies gave it a batch N×C×H×W, and so does this. About 16.06 = 4095/255 times smaller than an RMSE on [0, 1].</para>
/// <para>The number belongs to all images together: it has no per-image values. Its interval is that of the jackknife over images; one image has none.</para>
/// </remarks>
public sealed class LegacyPixelRmse : IPairedMetric
{
    private readonly LegacyRmseVersion _version;

    /// <summary>Makes the metric as release 0.3.6 computes it, with its default maximum of 4095.</summary>
    public LegacyPixelRmse()
        : this(LegacyRmseVersion.V036)
    {
    }

    /// <summary>Makes the metric.</summary>
    /// <param name="version">The release to repeat.</param>
    /// <param name="maximum">What byte differences are divided by, the package's max_p; positive.</param>
    /// <exception cref="ArgumentOutOfRangeException">The version is not of the enumeration, or the maximum is not positive.</exception>
    public LegacyPixelRmse(LegacyRmseVersion version, double maximum = 4095)
    {
        if (!Enum.IsDefined(version)) throw new ArgumentOutOfRangeException(nameof(version), $"version must be V036 or V035, but it is {version}.");
        _version = version;
        Maximum = Guard.Positive(maximum);
        string release = version == LegacyRmseVersion.V036 ? "0.3.6" : "0.3.5";
        Info = new()
        {
            Name = $"RMSE of image-similarity-measures {release}",
            Direction = MetricDirection.LowerIsBetter,
            Unit = string.Create(CultureInfo.InvariantCulture, $"grey levels over {maximum}"),
            Reference = $"image-similarity-measures {release}, rmse; used by Badrinath et al., All Roads Lead to Rome? (arXiv:2407.13449)",
            Signature = string.Create(CultureInfo.InvariantCulture, $"rmse-legacy|package:image-similarity-measures-{release}|layout:nchw|bytes:truncated|max-p:{maximum}"),
        };
    }

    /// <inheritdoc/>
    public MetricInfo Info { get; }

    /// <summary>What byte differences are divided by.</summary>
    /// <value>Default 4095.</value>
    public double Maximum { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not an image batch in [0, 1], or the shapes or devices differ.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0)
    {
        PairedErrors.RequireImages(actual, reference);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        long count = actual.size(0), places = _version == LegacyRmseVersion.V036 ? actual.size(2) * actual.size(3) : 1;
        Tensor total = zeros(places, ScalarType.Float64, actual.device);
        foreach ((long start, long size) in Blocks(count)) Add(total, start, size);

        double[] without = new double[count];
        if (count > 1)
        {
            foreach ((long start, long size) in Blocks(count))
            {
                using var block = NewDisposeScope();
                // A rounded sum may leave less than nothing where one image holds all of the error.
                (total - Squares(actual, reference, start, size)).clamp_(min: 0).div_(count - 1).sqrt_().mean([1]).cpu().data<double>().CopyTo(without, (int)start);
            }
        }
        double value = (total / count).sqrt_().mean().ToDouble();
        (double lower, double upper) = count > 1 ? Jackknife.Interval(value, Jackknife.Variance(without)) : (double.NaN, double.NaN);
        return new MetricValue
        {
            Info = Info,
            Value = value,
            Lower = Math.Max(0, lower),
            Upper = upper,
            Count = count.ToString(CultureInfo.InvariantCulture),
            IntervalMethod = count > 1 ? Jackknife.Signature : "none",
        };

        void Add(Tensor sum, long start, long size)
        {
            using var block = NewDisposeScope();
            sum.add_(Squares(actual, reference, start, size).sum([0]));
        }
    }

    private static IEnumerable<(long Start, long Size)> Blocks(long count) => CentredMatrix.Blocks(count, 128);

    /// <summary>Mean squared difference of each image over channels, at each place or over all of them. [size, places].</summary>
    private Tensor Squares(Tensor actual, Tensor reference, long start, long size)
    {
        Tensor squares = (Bytes(actual.narrow(0, start, size)) - Bytes(reference.narrow(0, start, size))).div_(Maximum).Squared();
        return _version == LegacyRmseVersion.V036 ? squares.mean([1]).flatten(1) : squares.flatten(1).mean([1], keepdim: true);
    }

    // In float32 as the studies' pipeline: byte / 255 · 255 is the byte again there.
    private static Tensor Bytes(Tensor images) => images.to_type(ScalarType.Float32).mul(255).floor_().to_type(ScalarType.Float64);
}
