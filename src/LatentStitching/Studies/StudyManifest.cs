namespace LatentStitching.Studies;

/// <summary>What lets anyone run a study again: versions, seeds, fingerprints of data and weights, options.</summary>
public sealed record StudyManifest
{
    /// <summary>Version of the layout of the study's files: 1.</summary>
    public required int Schema { get; init; }

    /// <summary>Version of this library.</summary>
    public required string Library { get; init; }

    /// <summary>Version of libtorch's binding.</summary>
    public required string TorchSharp { get; init; }

    /// <summary>The seed of everything random.</summary>
    public required ulong Seed { get; init; }

    /// <summary>The images' name, format and preparation.</summary>
    public required string Images { get; init; }

    /// <summary>SHA-256 of the images' name, format, preparation and ids.</summary>
    public required string ImagesFingerprint { get; init; }

    /// <summary>SHA-256 of the pixels of up to 64 images, evenly spread over those of the split, and of all their labels.</summary>
    public required string PixelsFingerprint { get; init; }

    /// <summary>The sizes of the split.</summary>
    public required string Split { get; init; }

    /// <summary>SHA-256 of the ids of the three sets.</summary>
    public required string SplitFingerprint { get; init; }

    /// <summary>The fitter and its options.</summary>
    public required string Fitter { get; init; }

    /// <summary>The signatures of the metrics of latents, similarities and images.</summary>
    public required IReadOnlyList<string> Metrics { get; init; }

    /// <summary>The signature of the probes' trainer.</summary>
    public required string Probes { get; init; }

    /// <summary>The attributes probed.</summary>
    public required IReadOnlyList<string> Attributes { get; init; }

    /// <summary>Attributes left out because a class has too few images; empty where the attributes were chosen.</summary>
    public required IReadOnlyList<string> AttributesLeftOut { get; init; }

    /// <summary>Whether cycles and paths were asked for.</summary>
    public required bool Paths { get; init; }

    /// <summary>Everything above in one SHA-256, with the fingerprints of all models: equal in two runs that must give equal results.</summary>
    public required string Fingerprint { get; init; }
}
