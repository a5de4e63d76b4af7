namespace LatentStitching.Studies;

/// <summary>The pairs of one kind, and their numbers.</summary>
/// <param name="Kind">The kind.</param>
/// <param name="Pairs">The pairs, for example "vae-1 → vae-2 (faces)".</param>
/// <param name="Numbers">One a quantity and metric that does not speak of an attribute.</param>
public sealed record MapKindSummary(MapKind Kind, IReadOnlyList<string> Pairs, IReadOnlyList<MapKindNumber> Numbers);
