using System.Collections.ObjectModel;
using LatentStitching.Checkpoints;

namespace LatentStitching.Pairing;

/// <summary>The file of pair statistics; its layout is told at <see cref="PairStatistics.Save"/>.</summary>
/// <remarks>
/// Metadata: "latentstitching.kind" = "pair-statistics", "latentstitching.format" = "1", "latentstitching.version" (of the library that wrote it), "latentstitching.sha256" (of the
/// tensors' bytes in the order of the names) and whatever provenance the caller gave. Older files also name the dtype of the source latents, "latentstitching.source-type", which their checksum begins with.
/// </remarks>
internal static class PairStatisticsFile
{
    private const string Prefix = "latentstitching.";
    private const string Kind = Prefix + "kind";
    private const string Format = Prefix + "format";
    private const string SourceType = Prefix + "source-type";
    private const string Checksum = Prefix + "sha256";

    private static readonly string[] _names = ["count", "source.origin", "source.shift", "target.origin", "target.shift", "gram", "cross", "target.squares"];

    public static void Save(string path, (string Name, Tensor Tensor)[] tensors, IReadOnlyDictionary<string, string>? provenance)
    {
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        foreach ((string key, string value) in provenance ?? ReadOnlyDictionary<string, string>.Empty)
        {
            if (key.StartsWith(Prefix, StringComparison.Ordinal))
            {
                throw new ArgumentException($"provenance must not use keys that start with '{Prefix}', but it has '{key}'.", nameof(provenance));
            }
            metadata[key] = value;
        }
        tensors = Array.ConvertAll(tensors, pair => (pair.Name, pair.Tensor.cpu().contiguous()));
        metadata[Kind] = "pair-statistics";
        metadata[Format] = "1";
        metadata[Prefix + "version"] = typeof(PairStatistics).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";
        metadata[Checksum] = TensorChecksum.Of("", Array.ConvertAll(tensors, pair => pair.Tensor));
        SafeTensors.Save(path, tensors, metadata);
    }

    /// <summary>The tensors by name, in the open dispose scope, checked against each other and the checksum.</summary>
    public static Dictionary<string, Tensor> Load(string path)
    {
        using StateDictionary file = SafeTensors.Load(path);
        string? Fact(string key) => file.Metadata.GetValueOrDefault(key);
        if (Fact(Kind) != "pair-statistics")
        {
            throw new InvalidDataException($"{path} must be pair statistics, but its metadata names the kind '{Fact(Kind) ?? "none"}'. Write them with PairStatistics.Save.");
        }
        if (Fact(Format) != "1")
        {
            throw new InvalidDataException($"{path} must be of format 1, but it is of format '{Fact(Format) ?? "none"}'. A newer version of the library wrote it.");
        }
        foreach (string name in _names)
        {
            if (!file.Contains(name)) throw new InvalidDataException($"{path} must hold the tensor '{name}', but it holds {string.Join(", ", file.Names)}.");
        }
        RequireShapes(path, file);
        string actual = TensorChecksum.Of(Fact(SourceType) ?? "", Array.ConvertAll(_names, name => file[name]));
        if (!string.Equals(Fact(Checksum), actual, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidDataException($"{path} must match its checksum {Fact(Checksum) ?? "none"}, but its content has {actual}. The file was changed or damaged.");
        }
        using (Tensor count = file["count"][0])
        {
            if (count.ToInt64() < 0) throw new InvalidDataException($"{path} must hold statistics of a number of rows, but it says {count.ToInt64()}.");
        }
        foreach (string name in _names[1..])
        {
            using Tensor finite = file[name].isfinite(), all = finite.all();
            if (!all.ToBoolean()) throw new InvalidDataException($"{path} must hold finite sums, but '{name}' does not.");
        }
        return _names.ToDictionary(name => name, name => file[name].alias(), StringComparer.Ordinal);
    }

    private static void RequireShapes(string path, StateDictionary file)
    {
        long Width(string name) => file[name].dim() == 1 ? file[name].size(0) : 0;
        long d = Width("source.origin"), t = Width("target.origin");
        foreach (string name in _names)
        {
            long[] wanted = name switch
            {
                "count" => [1],
                "gram" => [d, d],
                "cross" => [d, t],
                "target.squares" => [t],
                _ => [name.StartsWith("source", StringComparison.Ordinal) ? d : t],
            };
            ScalarType type = name == "count" ? ScalarType.Int64 : ScalarType.Float64;
            Tensor tensor = file[name];
            if (d > 0 && t > 0 && tensor.shape.AsSpan().SequenceEqual(wanted) && tensor.dtype == type) continue;
            throw new InvalidDataException(
                $"{path} must hold '{name}' as {type} [{string.Join(", ", wanted)}], but it is {tensor.dtype} [{string.Join(", ", tensor.shape)}].");
        }
    }
}
