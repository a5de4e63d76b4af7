using LatentStitching.Studies;

namespace LatentStitching.Replication;

/// <summary>A model of the study, and what must be freed with it.</summary>
internal sealed class Opened(StudyMember member, IReadOnlyList<IDisposable> owned) : IDisposable
{
    public StudyMember Member { get; } = member;

    public void Dispose()
    {
        foreach (IDisposable one in owned) one.Dispose();
    }
}
