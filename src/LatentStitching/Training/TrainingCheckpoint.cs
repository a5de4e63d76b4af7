using System.Globalization;
using System.Text.Json.Nodes;
using LatentStitching.Checkpoints;
using LatentStitching.Data;

namespace LatentStitching.Training;

/// <summary>The file from which a killed run goes on: all tensors and where the run was, in safetensors.</summary>
internal static class TrainingCheckpoint
{
    private const string StateKey = "state";
    private const string RunKey = "run";

    // Enough to tell drawn faces of two seeds apart, and read in no time.
    private const int SampledImages = 8;

    /// <summary>What must be the same for a run to go on.</summary>
    public static string Describe(TrainingOptions options, IImageSource images, TrainingTask task, IReadOnlyList<long> snapshotsAt) => new JsonObject
    {
        ["images"] = images.Name,
        ["count"] = images.Ids.Count,
        ["format"] = images.Image.ToString(),
        ["content"] = Content(images),
        ["epochs"] = options.Epochs,
        ["batch"] = options.BatchSize,
        ["rate"] = options.LearningRate,
        ["schedule"] = options.Schedule.ToString(),
        ["warmup"] = options.WarmupSteps,
        ["beta1"] = options.Beta1,
        ["beta2"] = options.Beta2,
        ["decay"] = options.WeightDecay,
        ["clip"] = options.GradientClip,
        ["ema"] = options.EmaDecay,
        ["mirror"] = options.MirrorImages,
        ["validation"] = options.Validation?.Ids.Count,
        ["validationContent"] = options.Validation is { } held ? Content(held) : null,
        ["patience"] = options.Patience,
        ["seed"] = options.Seed,
        ["snapshotsAt"] = string.Join(' ', snapshotsAt),
        ["settings"] = task.Settings,
        ["groups"] = string.Join(", ", task.Groups.Select(group => string.Create(CultureInfo.InvariantCulture, $"{group.Name} {group.Parameters.Sum(weight => weight.Parameter.numel())}"))),
    }.ToJsonString();

    public static void Save(string path, string run, TrainingState state, IEnumerable<(string Name, Tensor Tensor)> tensors) => SafeTensors.Save(
        path,
        [.. tensors],
        new Dictionary<string, string>(StringComparer.Ordinal) { [RunKey] = run, [StateKey] = ToJson(state).ToJsonString() });

    /// <summary>Puts the tensors of a file into those of the run.</summary>
    /// <returns>Where the run was.</returns>
    /// <exception cref="InvalidDataException">The file is of another run, or damaged.</exception>
    public static TrainingState Restore(string path, string run, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        using StateDictionary file = SafeTensors.Load(path);
        string found = file.Metadata.GetValueOrDefault(RunKey, "none");
        if (found != run)
        {
            throw new InvalidDataException($"{path} must be a checkpoint of this run, {run}, but it is of {found}. Delete it, or give another CheckpointPath.");
        }
        var report = WeightReport.Compare(file, [.. tensors.Select(tensor => (tensor.Name, (IReadOnlyList<long>)tensor.Tensor.shape))]);
        if (!report.IsExact) throw new InvalidDataException($"{path} must hold the tensors of this run, but {report}.");
        using var grad = no_grad();
        foreach ((string name, Tensor tensor) in tensors) tensor.copy_(file[name]);
        return FromJson(JsonNode.Parse(file.Metadata[StateKey])!.AsObject());
    }

    // SHA-256 of all ids and of the pixels of a few images, evenly over the source. Names alone are the same for faces of two seeds.
    private static string Content(IImageSource images)
    {
        int count = images.Ids.Count, sampled = Math.Min(SampledImages, count);
        using Tensor pixels = images.Load([.. Enumerable.Range(0, sampled).Select(i => (int)((long)i * count / sampled))]);
        return TensorChecksum.Of(string.Join('\n', images.Ids), pixels)[..16];
    }

    private static JsonObject ToJson(TrainingState state) => new()
    {
        ["step"] = state.Step,
        ["seen"] = state.Seen,
        ["epochLoss"] = state.EpochLoss,
        ["epochLosses"] = new JsonArray([.. state.EpochLosses.Select(loss => JsonValue.Create(loss))]),
        ["validationLosses"] = new JsonArray([.. state.ValidationLosses.Select(loss => JsonValue.Create(loss))]),
        ["snapshots"] = new JsonArray([.. state.Snapshots.Select(shot => new JsonObject { ["seen"] = shot.ImagesSeen, ["step"] = shot.Step, ["folder"] = shot.Folder })]),
        ["updates"] = new JsonArray([.. state.Updates.Select(count => JsonValue.Create(count))]),
        ["seconds"] = state.Seconds,
        ["finished"] = state.Finished,
    };

    private static TrainingState FromJson(JsonObject json) => new()
    {
        Step = (long)json["step"]!,
        Seen = (long)json["seen"]!,
        EpochLoss = (double)json["epochLoss"]!,
        EpochLosses = [.. json["epochLosses"]!.AsArray().Select(loss => (double)loss!)],
        ValidationLosses = [.. json["validationLosses"]!.AsArray().Select(loss => (double)loss!)],
        Snapshots = [.. json["snapshots"]!.AsArray().Select(shot => new TrainingSnapshot((long)shot!["seen"]!, (long)shot["step"]!, (string)shot["folder"]!))],
        Updates = [.. json["updates"]!.AsArray().Select(count => (long)count!)],
        Seconds = (double)json["seconds"]!,
        Finished = (bool)json["finished"]!,
    };
}
