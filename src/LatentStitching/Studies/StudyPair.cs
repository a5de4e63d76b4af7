namespace LatentStitching.Studies;

/// <summary>One source, one target, and everything measured between them.</summary>
public sealed record StudyPair
{
    /// <summary>The source: a model, or a control.</summary>
    public required string Source { get; init; }

    /// <summary>The target.</summary>
    public required string Target { get; init; }

    /// <summary>Whether the source is a control that knows nothing of the images.</summary>
    public required bool IsControl { get; init; }

    /// <summary>Which images.</summary>
    public required StudyProtocol Protocol { get; init; }

    /// <summary>The images' name: that of their source, or "prior of " and the model that drew them.</summary>
    public required string Images { get; init; }

    /// <summary>How the map was fitted.</summary>
    public required StudyFit Fit { get; init; }

    /// <summary>The numbers: latents, similarities, images, probes, in this order.</summary>
    public required IReadOnlyList<StudyNumber> Numbers { get; init; }

    /// <summary>Finds a number.</summary>
    /// <param name="quantity">What it is about.</param>
    /// <param name="metric">The metric's name, for example "pixel MSE"; null for the first.</param>
    /// <param name="attribute">The attribute; null for numbers without one.</param>
    /// <returns>The number, or null where it was not measured.</returns>
    public StudyNumber? Number(StudyQuantity quantity, string? metric = null, string? attribute = null) =>
        Numbers.FirstOrDefault(number => number.Quantity == quantity && number.Attribute == attribute && (metric is null || number.Value.Info.Name == metric));

    /// <summary>Says source and target.</summary>
    /// <returns>For example "vae → glow (CelebA)".</returns>
    public override string ToString() => $"{Source} → {Target} ({Images})";
}
