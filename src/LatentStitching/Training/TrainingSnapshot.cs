namespace LatentStitching.Training;

/// <summary>A model written while it was being trained.</summary>
/// <param name="ImagesSeen">Images seen before it, repeats counted.</param>
/// <param name="Step">Steps done before it.</param>
/// <param name="Folder">The model folder, for <see cref="Models.LatentModel.Load"/>.</param>
public sealed record TrainingSnapshot(long ImagesSeen, long Step, string Folder);
