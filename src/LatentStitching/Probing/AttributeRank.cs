namespace LatentStitching.Probing;

/// <summary>Where one attribute stands among those that several maps carry.</summary>
public sealed record AttributeRank
{
    /// <summary>The attribute.</summary>
    public required string Name { get; init; }

    /// <summary>Mean agreement over the maps, in the ranking's measure.</summary>
    public required double Agreement { get; init; }

    /// <summary>Lower end of the interval that holds for all attributes at once with 95 % confidence.</summary>
    public required double Lower { get; init; }

    /// <summary>Upper end of that interval.</summary>
    public required double Upper { get; init; }

    /// <summary>The best rank that the images do not rule out, from 1: one more than the attributes that are better beyond doubt.</summary>
    public required int BestRank { get; init; }

    /// <summary>The worst rank that the images do not rule out. All attributes' ranks lie within their two at once with 95 % confidence.</summary>
    public required int WorstRank { get; init; }

    /// <summary>Agreement of each map, in the order of the ranking's maps.</summary>
    public required IReadOnlyList<double> PerMap { get; init; }
}
