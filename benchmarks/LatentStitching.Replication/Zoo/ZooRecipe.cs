using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Training;

namespace LatentStitching.Replication.Zoo;

/// <summary>How one model of the zoo is made and trained on faces drawn in code.</summary>
/// <param name="Name">The model's name and folder.</param>
/// <param name="About">One line for readers.</param>
/// <param name="Make">Makes the untrained model.</param>
/// <param name="Options">The training.</param>
/// <param name="Train">Trains it in place.</param>
internal sealed record ZooRecipe(
    string Name,
    string About,
    Func<LatentModel> Make,
    TrainingOptions Options,
    Func<LatentModel, IImageSource, TrainingOptions, IProgress<TrainingProgress>, CancellationToken, TrainingReport> Train)
{
    /// <summary>Images seen at which snapshots of it are kept, for the study of training dynamics; empty for none. The finished model is the last of the series.</summary>
    public IReadOnlyList<long> Series { get; init; } = [];

    /// <summary>Images seen at the end of its training.</summary>
    public long ImagesSeen(int count) => (long)Options.Epochs * count;
}
