using LatentStitching.Metrics;

namespace LatentStitching.Studies;

/// <summary>Whether maps agree with each other: there and back, or to a target through a third space. On the study's images.</summary>
public sealed record StudyPath
{
    /// <summary>The models passed, source first: three names, the last that of the source for a cycle.</summary>
    public required IReadOnlyList<string> Models { get; init; }

    /// <summary><see cref="StudyQuantity.Cycle"/> or <see cref="StudyQuantity.Path"/>.</summary>
    public required StudyQuantity Quantity { get; init; }

    /// <summary>Normalised error of the mapped latents against the last model's own: ‖M₃₂M₂₁z₁ − z₃‖² over the variance of z₃.</summary>
    public required MetricValue Error { get; init; }

    /// <summary>The same of the direct map, for a path; null for a cycle, whose direct way loses nothing.</summary>
    public MetricValue? Direct { get; init; }

    /// <summary>Normalised difference between what path and direct map give, for a path; null for a cycle.</summary>
    public MetricValue? Difference { get; init; }
}
