using LatentStitching.Metrics;
using LatentStitching.Metrics.Reconstruction;

namespace LatentStitching.Studies;

/// <summary>How a study makes numbers of per-image values, and leaves the values out of what it shows.</summary>
internal static class StudyValues
{
    /// <summary>The mean with its interval.</summary>
    public static MetricValue Mean(MetricInfo info, double[] perImage, ulong seed) => PairedErrors.Mean(info, perImage, seed);

    /// <summary>The mean alone: floors are many, and nobody judges by their interval.</summary>
    public static MetricValue Plain(MetricInfo info, IReadOnlyList<double> perImage) => new()
    {
        Info = info,
        Value = perImage.Average(),
        Lower = double.NaN,
        Upper = double.NaN,
        StandardDeviation = PairedErrors.StandardDeviation([.. perImage]),
        PerImage = perImage,
        IntervalMethod = "none",
    };

    public static MetricValue Single(MetricInfo info, double value, string count) => new() { Info = info, Value = value, Lower = double.NaN, Upper = double.NaN, Count = count, IntervalMethod = "none" };

    public static StudyNumber Shown(StudyNumber number) => number with
    {
        Value = Shown(number.Value),
        Ceiling = Shown(number.Ceiling),
        MeanFloor = Shown(number.MeanFloor),
        ShuffledFloor = Shown(number.ShuffledFloor),
    };

    [return: System.Diagnostics.CodeAnalysis.NotNullIfNotNull(nameof(value))]
    public static MetricValue? Shown(MetricValue? value) => value is null ? null : value with { Count = value.Count, PerImage = [] };

    /// <summary>Rows of which each stands where the next one stood, the last where the first stood.</summary>
    public static Tensor Rolled(Tensor rows) => rows.roll([1L], [0L]);
}
