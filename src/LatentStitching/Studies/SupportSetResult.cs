using LatentStitching.Metrics;

namespace LatentStitching.Studies;

/// <summary>How many images a map needs.</summary>
public sealed record SupportSetResult
{
    /// <summary>The source.</summary>
    public required string Source { get; init; }

    /// <summary>The target.</summary>
    public required string Target { get; init; }

    /// <summary>How support sets were chosen: the signature of the first repeat's selector.</summary>
    public required string Selection { get; init; }

    /// <summary>One point a size, smallest first; the last is the whole set that support sets are chosen from, once.</summary>
    public required IReadOnlyList<SupportSetStudyPoint> Points { get; init; }

    /// <summary>The target's own pixel MSE: the ceiling.</summary>
    public required MetricValue Ceiling { get; init; }

    /// <summary>Writes the result as JSON.</summary>
    /// <returns>Indented JSON; the same result gives the same text.</returns>
    public string ToJson() => StudyJson.Write(this);
}
