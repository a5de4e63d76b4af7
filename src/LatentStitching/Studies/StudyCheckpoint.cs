using LatentStitching.Models;
using LatentStitching.Numerics;
using LatentStitching.Training;

namespace LatentStitching.Studies;

/// <summary>A model at one moment of its training.</summary>
public sealed record StudyCheckpoint
{
    /// <summary>Makes a checkpoint.</summary>
    /// <param name="imagesSeen">Images seen before it, repeats counted; 0 for the untrained model.</param>
    /// <param name="open">Opens the model. The study disposes it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is negative.</exception>
    public StudyCheckpoint(long imagesSeen, Func<ILatentModel> open)
    {
        ImagesSeen = Guard.NotNegative(imagesSeen);
        Open = Guard.NotNull(open);
    }

    /// <summary>Images seen before it, repeats counted.</summary>
    public long ImagesSeen { get; }

    /// <summary>Opens the model.</summary>
    public Func<ILatentModel> Open { get; }

    /// <summary>The checkpoint that a training wrote.</summary>
    /// <param name="snapshot">One of <see cref="TrainingReport"/>'s snapshots.</param>
    /// <returns>A checkpoint that opens the snapshot's folder.</returns>
    public static StudyCheckpoint Of(TrainingSnapshot snapshot)
    {
        ArgumentNullException.ThrowIfNull(snapshot);
        return new StudyCheckpoint(snapshot.ImagesSeen, () => LatentModel.Load(snapshot.Folder));
    }
}
