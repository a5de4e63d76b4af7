namespace LatentStitching.Studies;

/// <summary>What a study found. Nothing in it depends on when, or in how many runs, it was computed.</summary>
public sealed record StudyResult
{
    /// <summary>What lets anyone run it again.</summary>
    public required StudyManifest Manifest { get; init; }

    /// <summary>The models in the order given, then the controls.</summary>
    public required IReadOnlyList<StudyModel> Models { get; init; }

    /// <summary>The pairs: by target, then by source, each in the order of <see cref="Models"/>; the study's images first, then those of each model without an encoder.</summary>
    public required IReadOnlyList<StudyPair> Pairs { get; init; }

    /// <summary>Cycles and paths between the models that encode, where asked for and where maps are affine.</summary>
    public required IReadOnlyList<StudyPath> Paths { get; init; }

    /// <summary>What failed.</summary>
    public required IReadOnlyList<StudyFailure> Failures { get; init; }

    /// <summary>Ordered pairs of models that cannot be paired: both lack an encoder, so no image has a latent in both.</summary>
    public required IReadOnlyList<string> Unpairable { get; init; }

    /// <summary>Finds a pair.</summary>
    /// <param name="source">The source's name.</param>
    /// <param name="target">The target's name.</param>
    /// <param name="images">The images' name; null for the first pair of these two.</param>
    /// <returns>The pair, or null where there is none.</returns>
    public StudyPair? Pair(string source, string target, string? images = null) =>
        Pairs.FirstOrDefault(pair => pair.Source == source && pair.Target == target && (images is null || pair.Images == images));

    /// <summary>Writes the result as JSON: numbers in shortest exact form, "NaN" where there is none, one property a record's property in camel case.</summary>
    /// <returns>Indented JSON; the same result gives the same text.</returns>
    public string ToJson() => StudyJson.Write(this);

    /// <summary>Reads what <see cref="ToJson"/> wrote.</summary>
    /// <param name="json">The text.</param>
    /// <returns>The result.</returns>
    /// <exception cref="InvalidDataException">The text is no result of a study.</exception>
    public static StudyResult FromJson(string json) => StudyJson.Read<StudyResult>(json, nameof(json));

    /// <summary>Writes all numbers as CSV, one a line, with interval, ceiling, floors, controls and signature.</summary>
    /// <returns>CSV with a header line; lines end with \n.</returns>
    public string ToCsv() => StudyCsv.Write(this);

    /// <summary>Says the sizes.</summary>
    /// <returns>For example "4 models, 12 pairs, 36 paths, 0 failures".</returns>
    public override string ToString() => $"{Models.Count(model => !model.IsControl)} models, {Pairs.Count(pair => !pair.IsControl)} pairs, {Paths.Count} paths, {Failures.Count} failures";
}
