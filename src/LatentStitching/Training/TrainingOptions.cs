using LatentStitching.Numerics;

namespace LatentStitching.Training;

/// <summary>Options of a training run.</summary>
public sealed record TrainingOptions
{
    /// <summary>Passes over the images.</summary>
    /// <value>At least 1; default 10.</value>
    public int Epochs
    {
        get;
        init => field = Guard.Positive(value, nameof(Epochs));
    } = 10;

    /// <summary>Images a step.</summary>
    /// <value>At least 1; default 64.</value>
    public int BatchSize
    {
        get;
        init => field = Guard.Positive(value, nameof(BatchSize));
    } = 64;

    /// <summary>Step size of Adam.</summary>
    /// <value>Positive; default 5·10⁻⁴.</value>
    public double LearningRate
    {
        get;
        init => field = Guard.Positive(value, nameof(LearningRate));
    } = 5e-4;

    /// <summary>Seed of the order of images and of all noise.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
