using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>The files of features and of their statistics; their tensors are told at the types that save them.</summary>
/// <remarks>Metadata: "latentstitching.kind", "latentstitching.format" = "1", "latentstitching.features" (the extractor's signature) and "latentstitching.sha256" (of that signature and the tensors' bytes in the file's order).</remarks>
internal static class FeatureFile
{
    public const string Statistics = "feature-statistics";
    public const string Set = "feature-set";
    private const string Prefix = "latentstitching.";

    public static void Save(string path, string kind, string features, IReadOnlyList<(string Name, Tensor Tensor)> tensors)
    {
        (string Name, Tensor Tensor)[] written = [.. tensors.Select(pair => (pair.Name, pair.Tensor.cpu().contiguous()))];
        SafeTensors.Save(path, written, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            [Prefix + "kind"] = kind,
            [Prefix + "format"] = "1",
            [Prefix + "features"] = features,
            [Prefix + "sha256"] = TensorChecksum.Of(features, Array.ConvertAll(written, pair => pair.Tensor)),
        });
    }

    /// <summary>The features' signature and the tensors by name, in the open dispose scope, checked against each other and the checksum.</summary>
    public static (string Features, Dictionary<string, Tensor> Tensors) Load(string path, string kind)
    {
        using StateDictionary file = SafeTensors.Load(path);
        string? Fact(string key) => file.Metadata.GetValueOrDefault(Prefix + key);
        if (Fact("kind") != kind) throw new InvalidDataException($"{path} must be of the kind '{kind}', but its metadata names '{Fact("kind") ?? "none"}'.");
        if (Fact("format") != "1") throw new InvalidDataException($"{path} must be of format 1, but it is of format '{Fact("format") ?? "none"}'. A newer version of the library wrote it.");
        string features = Fact("features") ?? "";
        string actual = TensorChecksum.Of(features, [.. file.Names.Select(name => file[name])]);
        if (!string.Equals(Fact("sha256"), actual, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidDataException($"{path} must match its checksum {Fact("sha256") ?? "none"}, but its content has {actual}. The file was changed or damaged.");
        }
        RequireShapes(path, kind, file);
        return (features, file.Names.ToDictionary(name => name, name => file[name].alias(), StringComparer.Ordinal));
    }

    private static void RequireShapes(string path, string kind, StateDictionary file)
    {
        using var scope = NewDisposeScope();
        string[] names = [.. file.Names.Order(StringComparer.Ordinal)];
        bool whole = kind == Set
            ? names is ["features"] && file["features"] is { dtype: ScalarType.Float32 } set && set.dim() == 2 && set.numel() > 0
            : names is ["count", "rows"]
                ? IsCount(file["count"], out long rows) && file["rows"].dim() == 2 && file["rows"].size(0) == rows && file["rows"].size(0) <= file["rows"].size(1)
                : names is ["count", "origin", "scatter", "shift"] && IsCount(file["count"], out _) && file["origin"].dim() == 1 && file["shift"].shape.AsSpan().SequenceEqual(file["origin"].shape)
                    && file["scatter"].shape.AsSpan().SequenceEqual([file["origin"].size(0), file["origin"].size(0)]);
        whole = whole && file.Names.All(name => name == "count" || (file[name].dtype is ScalarType.Float32 or ScalarType.Float64 && file[name].isfinite().all().ToBoolean()));
        if (whole) return;
        throw new InvalidDataException($"{path} must hold a whole {kind}, but it holds {string.Join(", ", file.Names.Select(name => $"{name} {file[name].dtype} {TensorGuard.Shape(file[name])}"))}.");
    }

    private static bool IsCount(Tensor count, out long value)
    {
        value = count.dtype == ScalarType.Int64 && count.numel() == 1 ? count.ToInt64() : 0;
        return value > 0;
    }
}
