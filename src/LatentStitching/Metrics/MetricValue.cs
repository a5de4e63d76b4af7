using System.Globalization;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics;

/// <summary>One measured number with its uncertainty and everything that decides it.</summary>
public sealed record MetricValue
{
    /// <summary>What was measured.</summary>
    public required MetricInfo Info { get; init; }

    /// <summary>The number, in the metric's unit.</summary>
    public required double Value { get; init; }

    /// <summary>Lower end of the 95 % interval; NaN where none was made.</summary>
    public required double Lower { get; init; }

    /// <summary>Upper end of the 95 % interval; NaN where none was made.</summary>
    public required double Upper { get; init; }

    /// <summary>Standard deviation of the per-image values (not of their mean), with n − 1; NaN for one image, or where the number is not made of per-image values.</summary>
    public double StandardDeviation { get; init; } = double.NaN;

    /// <summary>The value of each image, in row order; their mean is <see cref="Value"/>.</summary>
    /// <value>Empty (the default) where the number belongs to all images together, as a Fréchet distance does.</value>
    public IReadOnlyList<double> PerImage { get; init; } = [];

    /// <summary>How many images the number rests on.</summary>
    /// <value>For example "9000", or "100/5000" for two sets of different images; by default the count of <see cref="PerImage"/>.</value>
    public string Count
    {
        get => field ?? PerImage.Count.ToString(CultureInfo.InvariantCulture);
        init => field = Guard.NotBlank(value, nameof(Count));
    }

    /// <summary>How the interval was made.</summary>
    /// <value>Default "bca-bootstrap-2000"; "none" where there is no interval.</value>
    public string IntervalMethod
    {
        get;
        init => field = Guard.NotBlank(value, nameof(IntervalMethod));
    } = Bootstrap.Signature;

    /// <summary>What a reader must know beyond the number, for example that there are too few images for it; null (the default) where there is nothing to say.</summary>
    public string? Warning
    {
        get;
        init => field = value is null ? null : Guard.NotBlank(value, nameof(Warning));
    }

    /// <summary>The metric's signature with the number of images and how the interval was made.</summary>
    public string Signature => $"{Info.Signature}|n:{Count}|ci:{IntervalMethod}";

    /// <summary>Whether two numbers measure the same on as many images; their intervals may have been made differently.</summary>
    internal bool ComparesWith(MetricValue other) => Info.Signature == other.Info.Signature && Count == other.Count;

    /// <summary>Says the value and its interval.</summary>
    /// <returns>For example "0.02233 [0.02201, 0.02266]".</returns>
    public override string ToString() => double.IsNaN(Lower)
        ? Value.ToString("g4", CultureInfo.InvariantCulture)
        : string.Create(CultureInfo.InvariantCulture, $"{Value:g4} [{Lower:g4}, {Upper:g4}]");
}
