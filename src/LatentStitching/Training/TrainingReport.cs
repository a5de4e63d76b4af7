using System.Text.Json.Nodes;

namespace LatentStitching.Training;

/// <summary>How a training run went.</summary>
public sealed record TrainingReport
{
    /// <summary>Mean loss of each pass over the images.</summary>
    public required IReadOnlyList<double> EpochLosses { get; init; }

    /// <summary>Loss on the held-out images after each pass; empty if there are none.</summary>
    public IReadOnlyList<double> ValidationLosses { get; init; } = [];

    /// <summary>The pass, from 1, whose weights the model has: the best one on held-out images where the options have a <see cref="TrainingOptions.Patience"/>, whether or not the run stopped early; else the last.</summary>
    public int BestEpoch { get; init; }

    /// <summary>Whether the run ended before its last pass because held-out images gained nothing.</summary>
    public bool StoppedEarly { get; init; }

    /// <summary>Steps done.</summary>
    public required long Steps { get; init; }

    /// <summary>Images seen, repeats counted.</summary>
    public long ImagesSeen { get; init; }

    /// <summary>Images a second, over all processes of the run: <see cref="ImagesSeen"/> by <see cref="Elapsed"/>.</summary>
    public required double ImagesPerSecond { get; init; }

    /// <summary>Time the run took, of all its processes.</summary>
    public required TimeSpan Elapsed { get; init; }

    /// <summary>Snapshots written.</summary>
    public IReadOnlyList<TrainingSnapshot> Snapshots { get; init; } = [];

    internal JsonObject ToJson() => new()
    {
        ["epochLosses"] = new JsonArray([.. EpochLosses.Select(loss => JsonValue.Create(loss))]),
        ["validationLosses"] = new JsonArray([.. ValidationLosses.Select(loss => JsonValue.Create(loss))]),
        ["bestEpoch"] = BestEpoch,
        ["stoppedEarly"] = StoppedEarly,
        ["steps"] = Steps,
        ["imagesSeen"] = ImagesSeen,
        ["imagesPerSecond"] = Math.Round(ImagesPerSecond, 1),
        ["seconds"] = Math.Round(Elapsed.TotalSeconds, 1),
    };
}
