using LatentStitching.Data;

namespace LatentStitching.Training;

/// <summary>The training loop that all families share.</summary>
internal static class TrainingLoop
{
    /// <summary>Trains the task's weights in place.</summary>
    /// <param name="task">What is trained.</param>
    /// <param name="images">The images.</param>
    /// <param name="options">Options.</param>
    /// <param name="progress">Told at most a hundred times, or null.</param>
    /// <param name="cancellationToken">Cancels between steps; the weights keep what they have learnt.</param>
    public static TrainingReport Run(TrainingTask task, IImageSource images, TrainingOptions options, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        using var scope = NewDisposeScope();
        using var grad = enable_grad();
        using TrainingRun run = new(task, images, options);
        return run.ToEnd(progress, cancellationToken);
    }
}
