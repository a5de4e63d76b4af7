namespace LatentStitching.Studies;

/// <summary>A model of a study and what it does alone: the diagonal of every table.</summary>
public sealed record StudyModel
{
    /// <summary>The model's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its family.</summary>
    public required ModelFamily Family { get; init; }

    /// <summary>Its architecture, where it was told.</summary>
    public string? Architecture { get; init; }

    /// <summary>Whether it encodes images.</summary>
    public required bool Encodes { get; init; }

    /// <summary>Whether it is a control: an encoder that knows nothing.</summary>
    public required bool IsControl { get; init; }

    /// <summary>What tells its weights from others.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Width of its latent.</summary>
    public required long Dimension { get; init; }

    /// <summary>The names of its latent's levels.</summary>
    public required IReadOnlyList<string> Levels { get; init; }

    /// <summary>Its own reconstructions of the images (a model without an encoder: of those it drew) and its probes on its own latents, each beside the floor of the mean latent. Empty for controls, and where it failed.</summary>
    public required IReadOnlyList<StudyNumber> Own { get; init; }

    /// <summary>Finds a number of the model alone.</summary>
    /// <param name="quantity">What it is about.</param>
    /// <param name="metric">The metric's name; null for the first.</param>
    /// <param name="attribute">The attribute; null for numbers without one.</param>
    /// <returns>The number, or null where it was not measured.</returns>
    public StudyNumber? Number(StudyQuantity quantity, string? metric = null, string? attribute = null) =>
        Own.FirstOrDefault(number => number.Quantity == quantity && number.Attribute == attribute && (metric is null || number.Value.Info.Name == metric));
}
