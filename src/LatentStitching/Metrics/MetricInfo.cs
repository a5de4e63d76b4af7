namespace LatentStitching.Metrics;

/// <summary>What a metric is, told once for all its values.</summary>
public sealed record MetricInfo
{
    /// <summary>The name in tables, for example "latent MSE".</summary>
    public required string Name { get; init; }

    /// <summary>Which values are good.</summary>
    public required MetricDirection Direction { get; init; }

    /// <summary>The unit, for example "squared pixel intensity".</summary>
    public required string Unit { get; init; }

    /// <summary>Where the formula comes from.</summary>
    public required string Reference { get; init; }

    /// <summary>The choices that the number depends on, without those of the data, for example "mse|space:latent".</summary>
    public required string Signature { get; init; }
}
