using LatentStitching.Metrics;

namespace LatentStitching.Studies;

/// <summary>One number of a study beside what it must be judged by.</summary>
public sealed record StudyNumber
{
    /// <summary>What it is about.</summary>
    public required StudyQuantity Quantity { get; init; }

    /// <summary>The attribute, for the numbers of probes; else null.</summary>
    public string? Attribute { get; init; }

    /// <summary>The number with its interval and signature.</summary>
    public required MetricValue Value { get; init; }

    /// <summary>The same number where nothing is lost: for images the target's own reconstruction, for probes its own latents, for latents the latents themselves, for spaces the target with itself; for the sharpness of a model's own reconstructions, that of the images. Null where there is none.</summary>
    public MetricValue? Ceiling { get; init; }

    /// <summary>The same number of a map that always gives the mean target latent of the images that fit the maps. Null where there is none.</summary>
    public MetricValue? MeanFloor { get; init; }

    /// <summary>The same number with each image's result held against another image: the next one, the last one's against the first. Null where there is none.</summary>
    public MetricValue? ShuffledFloor { get; init; }

    /// <summary>The same number from encoders that know nothing, one entry a control, to the same target on the same images. Empty for the controls themselves.</summary>
    public IReadOnlyList<StudyControl> Controls { get; init; } = [];
}
