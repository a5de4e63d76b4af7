using LatentStitching.Data;
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

    /// <summary>Images a step; what is left over at the end of a pass is a smaller step.</summary>
    /// <value>At least 1; default 64. Models whose batch normalisation sees one number an image need 2, and one image left over joins the step before it.</value>
    public int BatchSize
    {
        get;
        init => field = Guard.Positive(value, nameof(BatchSize));
    } = 64;

    /// <summary>Highest step size of Adam.</summary>
    /// <value>Positive; default 5·10⁻⁴.</value>
    public double LearningRate
    {
        get;
        init => field = Guard.Positive(value, nameof(LearningRate));
    } = 5e-4;

    /// <summary>How the step size goes on after <see cref="WarmupSteps"/>.</summary>
    /// <value>Default <see cref="LearningRateSchedule.Constant"/>.</value>
    public LearningRateSchedule Schedule
    {
        get;
        init => field = Known(value, nameof(Schedule));
    }

    /// <summary>Steps over which the step size rises linearly from zero.</summary>
    /// <value>Zero or more; default 0.</value>
    public int WarmupSteps
    {
        get;
        init => field = (int)Guard.NotNegative((long)value, nameof(WarmupSteps));
    }

    /// <summary>Decay of Adam's mean of gradients, β₁; null for the family's own.</summary>
    /// <value>At least 0 and below 1; default null, which is 0.9 unless the trainer says otherwise.</value>
    public double? Beta1
    {
        get;
        init => field = value is null ? null : Guard.Share(value.Value, nameof(Beta1));
    }

    /// <summary>Decay of Adam's mean of squared gradients, β₂; null for the family's own.</summary>
    /// <value>At least 0 and below 1; default null, which is 0.999 unless the trainer says otherwise.</value>
    public double? Beta2
    {
        get;
        init => field = value is null ? null : Guard.Share(value.Value, nameof(Beta2));
    }

    /// <summary>Decoupled weight decay: Loshchilov and Hutter, "Decoupled Weight Decay Regularization" (arXiv:1711.05101).</summary>
    /// <value>Zero or more; default 0.</value>
    public double WeightDecay
    {
        get;
        init => field = Guard.NotNegative(value, nameof(WeightDecay));
    }

    /// <summary>Largest Euclidean norm of all gradients of one optimiser together; longer ones are shortened to it. Null for no limit.</summary>
    /// <value>Positive; default null.</value>
    public double? GradientClip
    {
        get;
        init => field = value is null ? null : Guard.Positive(value.Value, nameof(GradientClip));
    }

    /// <summary>Decay of an exponential moving average of the weights, which become the model's at the end and in snapshots. Null for none.</summary>
    /// <value>At least 0 and below 1; default null. In the first steps the decay is at most (1 + step) / (10 + step), so that the first weights are soon forgotten.</value>
    public double? EmaDecay
    {
        get;
        init => field = value is null ? null : Guard.Share(value.Value, nameof(EmaDecay));
    }

    /// <summary>Whether each image is mirrored left to right with probability one half.</summary>
    /// <value>Default false.</value>
    public bool MirrorImages { get; init; }

    /// <summary>Held-out images on which the loss is told after each pass; null for none.</summary>
    public IImageSource? Validation { get; init; }

    /// <summary>Passes without a better loss on <see cref="Validation"/> after which the run stops, with the weights of the best pass. Null to go on to the end.</summary>
    /// <value>At least 1; default null.</value>
    public int? Patience
    {
        get;
        init => field = value is null ? null : Guard.Positive(value.Value, nameof(Patience));
    }

    /// <summary>A safetensors file that holds the state of the run, so that one that was killed goes on exactly where it was. Null for none.</summary>
    /// <value>Default null. A file of a finished run gives its weights at once; one of other options, settings of the trainer, images or weights is refused: images are told apart by their ids and the pixels of a few.</value>
    public string? CheckpointPath
    {
        get;
        init => field = value is null ? null : Guard.NotBlank(value, nameof(CheckpointPath));
    }

    /// <summary>Steps between two writes of the checkpoint; it is also written when the run is cancelled and when it ends.</summary>
    /// <value>At least 1; default 500.</value>
    public int CheckpointEvery
    {
        get;
        init => field = Guard.Positive(value, nameof(CheckpointEvery));
    } = 500;

    /// <summary>A folder in which model folders named by the number of images seen are written as training goes on, for studies of training dynamics. Null for none.</summary>
    public string? SnapshotFolder
    {
        get;
        init => field = value is null ? null : Guard.NotBlank(value, nameof(SnapshotFolder));
    }

    /// <summary>Numbers of images seen (repeats counted) at which a snapshot is written: at the first step that reaches them. 0 is the untrained model.</summary>
    /// <value>Zero or more each, copied; null, the default, for powers of two times the batch, from 0 to the end. Only with a <see cref="SnapshotFolder"/>.</value>
    public IReadOnlyList<long>? SnapshotsAt
    {
        get;
        init
        {
            foreach (long images in value ?? []) Guard.NotNegative(images, nameof(SnapshotsAt));
            field = value is null ? null : [.. value];
        }
    }

    /// <summary>Seed of the order of images and of all noise.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    private static LearningRateSchedule Known(LearningRateSchedule value, string name) =>
        Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be Constant or Cosine, but it is {value}.");
}
