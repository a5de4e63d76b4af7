using LatentStitching.Metrics;

namespace LatentStitching.Studies;

/// <summary>Maps fitted on support sets of one size.</summary>
public sealed record SupportSetStudyPoint
{
    /// <summary>Images in the support set.</summary>
    public required int Size { get; init; }

    /// <summary>Normalised error of the mapped test latents, one a repeat, each with its interval over test images.</summary>
    public required IReadOnlyList<MetricValue> Errors { get; init; }

    /// <summary>Pixel MSE of the stitched test images, one a repeat.</summary>
    public required IReadOnlyList<MetricValue> ImageErrors { get; init; }

    /// <summary>Mean of <see cref="Errors"/> over the repeats.</summary>
    public double MeanError => Errors.Average(error => error.Value);

    /// <summary>Mean of <see cref="ImageErrors"/> over the repeats.</summary>
    public double MeanImageError => ImageErrors.Average(error => error.Value);
}
