namespace LatentStitching.Metrics.Reconstruction;

/// <summary>Peak signal-to-noise ratio 10·log₁₀(1/MSE) of images with pixels in [0, 1], in decibels.</summary>
/// <remarks>
/// <para>Computed in float64 from the mean squared error over channels and places, without rounding to bytes. Infinite for images that are the same; such input is refused, since no mean holds it.</para>
/// <para>Source: Huynh-Thu and Ghanbari, "Scope of validity of PSNR in image/video quality assessment", Electronics Letters 44(13) (2008), 800–801.</para>
/// </remarks>
public sealed class Psnr : IPerImageMetric
{
    private readonly PsnrAverage _average;

    /// <summary>Makes the metric as the mean of the images' values.</summary>
    public Psnr()
        : this(PsnrAverage.PerImage)
    {
    }

    /// <summary>Makes the metric.</summary>
    /// <param name="average">What the number of several images is.</param>
    /// <exception cref="ArgumentOutOfRangeException">The average is not of the enumeration.</exception>
    public Psnr(PsnrAverage average)
    {
        if (!Enum.IsDefined(average)) throw new ArgumentOutOfRangeException(nameof(average), $"average must be PerImage or Pooled, but it is {average}.");
        _average = average;
        Info = new()
        {
            Name = average == PsnrAverage.PerImage ? "PSNR" : "PSNR of the mean MSE",
            Direction = MetricDirection.HigherIsBetter,
            Unit = "decibels",
            Reference = "Huynh-Thu and Ghanbari, Scope of validity of PSNR in image/video quality assessment, Electronics Letters 44 (2008), 800-801",
            Signature = $"psnr|range:0-1|average:{(average == PsnrAverage.PerImage ? "per-image" : "pooled-mse")}",
        };
    }

    /// <inheritdoc/>
    public MetricInfo Info { get; }

    /// <inheritdoc/>
    /// <remarks>With <see cref="PsnrAverage.Pooled"/> the value belongs to all images together and has no per-image values.</remarks>
    /// <exception cref="ArgumentException">A batch is not an image batch in [0, 1], the shapes or devices differ, or images are the same.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0)
    {
        double[] errors = Errors(actual, reference);
        if (_average == PsnrAverage.PerImage) return PairedErrors.Mean(Info, Array.ConvertAll(errors, Decibels), seed);
        (double lower, double upper) = Bootstrap.Mean(errors, seed);
        return new MetricValue
        {
            Info = Info,
            Value = Decibels(errors.Average()),
            Lower = Decibels(upper),
            Upper = Decibels(lower),
            Count = errors.Length.ToString(System.Globalization.CultureInfo.InvariantCulture),
        };
    }

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">The metric was made with <see cref="PsnrAverage.Pooled"/>, whose value is no mean of per-image values.</exception>
    public IReadOnlyList<double> Measure(Tensor actual, Tensor reference) => _average == PsnrAverage.PerImage
        ? Array.ConvertAll(Errors(actual, reference), Decibels)
        : throw new NotSupportedException("The PSNR of the mean MSE has no per-image values. Accumulate PixelMse and take -10 * log10 of its value.");

    private double[] Errors(Tensor actual, Tensor reference)
    {
        PairedErrors.RequireImages(actual, reference);
        double[] errors = PairedErrors.MeanSquares(actual, reference);
        int same = _average == PsnrAverage.PerImage ? Array.IndexOf(errors, 0) : errors.Any(error => error > 0) ? -1 : 0;
        return same < 0
            ? errors
            : throw new ArgumentException($"actual must differ from reference, but image {same} is the same in both and its PSNR is infinite. Leave it out, or use PixelMse.", nameof(actual));
    }

    private static double Decibels(double error) => -10 * Math.Log10(error);
}
