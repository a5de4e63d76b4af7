namespace LatentStitching.Studies;

/// <summary>A finished part of a study as it lies on disk.</summary>
internal sealed record StudyPart<T>(string Fingerprint, T Result)
    where T : class;
