namespace LatentStitching.Studies;

/// <summary>What a model's own probes say of each test image.</summary>
/// <param name="Attributes">The attributes.</param>
/// <param name="Predicted">One text an attribute, one character an image: 1, 0, or − for neither.</param>
/// <param name="Labelled">The labels in the same form.</param>
internal sealed record StudyConcepts(IReadOnlyList<string> Attributes, IReadOnlyList<string> Predicted, IReadOnlyList<string> Labelled)
{
    public static StudyConcepts Of(IReadOnlyList<string> attributes, sbyte[][] predicted, Func<int, int, bool> label) => new(
        attributes,
        [.. predicted.Select(rows => string.Concat(rows.Select(row => row switch { 1 => '1', 0 => '0', _ => '-' })))],
        [.. predicted.Select((rows, attribute) => string.Concat(rows.Select((_, row) => label(row, attribute) ? '1' : '0')))]);
}
