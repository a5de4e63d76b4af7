using LatentStitching.Metrics;

namespace LatentStitching.Editing;

/// <summary>How much an edit changed one attribute of the images.</summary>
public sealed record AttributeChange
{
    /// <summary>The attribute.</summary>
    public required string Name { get; init; }

    /// <summary>Mean over images of the judge's score after less before, in the judge's unit: margins of the probe where a probe judges.</summary>
    public required MetricValue Change { get; init; }

    internal static MetricInfo Info(string judge) => new()
    {
        Name = "attribute change",
        Direction = MetricDirection.HigherIsBetter,
        Unit = "the judge's score; margins of the probe where a probe judges",
        Reference = "Shen, Gu, Tang and Zhou, Interpreting the Latent Space of GANs for Semantic Face Editing (arXiv:1907.10786): re-scoring",
        Signature = $"attribute-change|judge:{judge.Replace('|', '-').Replace(':', '-')}",
    };
}
