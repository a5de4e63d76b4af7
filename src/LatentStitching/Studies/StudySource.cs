using LatentStitching.Models;

namespace LatentStitching.Studies;

/// <summary>Whatever gives latents in a study: a member, an untrained model, or Gaussian noise, which has no model.</summary>
internal sealed record StudySource(string Name, ILatentModel? Model, StudyMember? Member, string Fingerprint, long Dimension)
{
    public bool IsControl => Member is null;

    public bool Encodes => Member?.Encodes ?? true;

    /// <summary>Why the model has no fingerprint, or null.</summary>
    public Exception? Fault { get; init; }
}
