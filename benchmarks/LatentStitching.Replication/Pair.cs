using LatentStitching.Fitting;
using LatentStitching.Models;

namespace LatentStitching.Replication;

/// <summary>One stitch and what came of it.</summary>
internal sealed class Pair(ILatentModel source, ILatentModel target, StitchResult stitch, StitchErrors errors) : IDisposable
{
    public ILatentModel Source { get; } = source;

    public ILatentModel Target { get; } = target;

    public StitchedModel Model => stitch.Model;

    public FitReport Report => stitch.Report;

    public StitchErrors Errors { get; } = errors;

    public void Dispose() => stitch.Dispose();
}
