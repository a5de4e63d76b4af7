using LatentStitching.Training;

namespace LatentStitching.Tests.Support;

/// <summary>What a kill leaves behind: keeps a copy of the checkpoint as it lies on the disk after a step, while the run goes on.</summary>
internal sealed class KilledAt(long step, string checkpoint, string copy) : IProgress<TrainingProgress>
{
    public void Report(TrainingProgress value)
    {
        if (value.Step == step) File.Copy(checkpoint, copy, overwrite: true);
    }
}
