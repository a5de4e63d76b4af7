using System.Globalization;
using LatentStitching.Metrics;

namespace LatentStitching.Editing;

/// <summary>What an edit did.</summary>
public sealed record EditReport
{
    /// <summary>The attribute that was to change.</summary>
    public required string Attribute { get; init; }

    /// <summary>The model whose images were edited.</summary>
    public required string Model { get; init; }

    /// <summary>Who scored the images.</summary>
    public required string Judge { get; init; }

    /// <summary>How far the latents were moved, in margins of the attribute's probe.</summary>
    public required double Strength { get; init; }

    /// <summary>How far that is in standard deviations of these latents along the direction (n − 1). A weak probe's margin is far: beyond some three, the decoder is shown latents like none it has seen. NaN for one image, infinite where they do not vary.</summary>
    public required double Deviations { get; init; }

    /// <summary>Cosine between the direction and the natively found one, the probe's normal.</summary>
    public required double Cosine { get; init; }

    /// <summary>Change of every attribute as the judge sees it in the images.</summary>
    public required IReadOnlyList<AttributeChange> Changes { get; init; }

    /// <summary>Change of every probe's score in the latents themselves, in its margins: the same for all images, and exact.</summary>
    public required IReadOnlyList<(string Name, double Change)> LatentChanges { get; init; }

    /// <summary>Mean squared difference between edited and unedited images, in squared pixel intensity.</summary>
    public required MetricValue PixelChange { get; init; }

    /// <summary>Images that the judge saw on the other side of the boundary before, where zero is the judge's boundary.</summary>
    public required int Against { get; init; }

    /// <summary>How many of them it saw on the wanted side afterwards.</summary>
    public required int Crossed { get; init; }

    /// <summary>Change of the attribute that was to change.</summary>
    public MetricValue TargetChange => Changes.First(change => change.Name == Attribute).Change;

    /// <summary>Root mean square of the other attributes' changes over the target's: 0 where nothing else changed. NaN where the judge scores one attribute alone, infinite where the target did not change.</summary>
    public double Leakage
    {
        get
        {
            double[] others = [.. Changes.Where(change => change.Name != Attribute).Select(change => change.Change.Value)];
            return others.Length == 0 ? double.NaN : Math.Sqrt(others.Average(change => change * change)) / Math.Abs(TargetChange.Value);
        }
    }

    /// <summary>Says it in one line.</summary>
    /// <returns>For example "Smiling +2 on vae, 2.3 deviations: change 1.62 [1.5, 1.74], leakage 0.21, pixels 0.0031 [0.0029, 0.0033], 71 of 80 crossed, cosine 0.83".</returns>
    public override string ToString() => string.Create(
        CultureInfo.InvariantCulture,
        $"{Attribute} {Strength:+0.##;−0.##} on {Model}, {Deviations:0.0} deviations: change {TargetChange}, leakage {Leakage:0.00}, pixels {PixelChange}, {Crossed} of {Against} crossed, cosine {Cosine:0.00}");
}
