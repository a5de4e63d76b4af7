namespace LatentStitching.Studies;

/// <summary>A part of a study that failed. The rest went on; the next run tries it again.</summary>
/// <param name="Step">What failed: "encode", "own", "concepts", "pair" or "path".</param>
/// <param name="Item">Which: the model, or source → target, and the images.</param>
/// <param name="Error">The exception's type.</param>
/// <param name="Message">What it said.</param>
public sealed record StudyFailure(string Step, string Item, string Error, string Message);
