using LatentStitching.Metrics;
using LatentStitching.Numerics;

namespace LatentStitching.Reporting;

/// <summary>A number with its name and, where there is one, its 95 % interval: what a finding rests on, or what a bar shows.</summary>
public sealed record ReportNumber
{
    /// <summary>Names a number.</summary>
    /// <param name="label">What it is, for example "VQ-VAE → VAE, latent MSE".</param>
    /// <param name="value">The number.</param>
    /// <param name="lower">Lower end of its interval; NaN (the default) where there is none.</param>
    /// <param name="upper">Upper end of its interval; NaN (the default) where there is none.</param>
    /// <exception cref="ArgumentException">The label is blank, one end is missing, or the ends are in the wrong order.</exception>
    public ReportNumber(string label, double value, double lower = double.NaN, double upper = double.NaN)
    {
        Label = Guard.NotBlank(label);
        if (double.IsNaN(lower) != double.IsNaN(upper) || lower > upper)
        {
            throw new ArgumentException(
                $"lower must be the lower end of an interval, but the ends are {NumberText.Of(lower)} and {NumberText.Of(upper)}. Pass both ends in order, or neither.", nameof(lower));
        }
        (Value, Lower, Upper) = (value, lower, upper);
    }

    /// <summary>What the number is.</summary>
    public string Label { get; }

    /// <summary>The number.</summary>
    public double Value { get; }

    /// <summary>Lower end of the 95 % interval; NaN where there is none.</summary>
    public double Lower { get; }

    /// <summary>Upper end of the 95 % interval; NaN where there is none.</summary>
    public double Upper { get; }

    /// <summary>How the number was measured; null where it does not come from a metric.</summary>
    public string? Signature { get; private init; }

    /// <summary>A measured value under a name of its own.</summary>
    /// <param name="label">What it is.</param>
    /// <param name="value">The value; its signature is kept.</param>
    /// <returns>The number.</returns>
    /// <exception cref="ArgumentException">The label is blank.</exception>
    public static ReportNumber Of(string label, MetricValue value)
    {
        Guard.NotNull(value);
        return new(label, value.Value, value.Lower, value.Upper) { Signature = value.Signature };
    }

    /// <summary>The number as a report shows it.</summary>
    /// <returns>For example "0.02233 [0.02201, 0.02266]": the decimals give the interval two significant digits.</returns>
    public override string ToString() => NumberText.Of(Value, Lower, Upper);
}
