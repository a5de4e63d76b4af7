using System.Text.Json;

namespace LatentStitching.Checkpoints;

/// <summary>The index of sharded weights: which file of the folder holds which tensors.</summary>
internal sealed class ShardIndex
{
    private const int MaxBytes = 100_000_000;
    private const int MaxListed = 8;
    private const int MaxNameLength = 255;

    private readonly string _path;
    private readonly Dictionary<string, HashSet<string>> _namesOf = new(StringComparer.Ordinal);

    private ShardIndex(string path) => _path = path;

    /// <summary>The shards, in order of their names.</summary>
    public IReadOnlyList<string> Files => [.. _namesOf.Keys.Order(StringComparer.Ordinal)];

    public static ShardIndex Read(string path)
    {
        ShardIndex index = new(path);
        using JsonDocument document = JsonFile.Read(path, MaxBytes);
        try
        {
            index.Fill(document.RootElement);
        }
        // A text whose escapes make no Unicode.
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"'{path}' must hold texts, but one cannot be read: {e.Message}", e);
        }
        string folder = Path.GetDirectoryName(path)!;
        string[] missing = [.. index.Files.Where(file => !File.Exists(Path.Combine(folder, file)))];
        return missing.Length == 0
            ? index
            : throw index.Invalid($"must lie beside all its shards, but {missing.Length} of {index._namesOf.Count} are not there: {Listed(missing)}. Download them too.");
    }

    public StateDictionary Load()
    {
        using var scope = NewDisposeScope();
        List<(string Name, Tensor Tensor)> tensors = [];
        Dictionary<string, string> metadata = new(StringComparer.Ordinal);
        foreach (string file in Files)
        {
            using StateDictionary shard = StateDictionary.Load(Path.Combine(Path.GetDirectoryName(_path)!, file));
            HashSet<string> wanted = _namesOf[file];
            string[] missing = [.. wanted.Where(name => !shard.Contains(name))], extra = [.. shard.Names.Where(name => !wanted.Contains(name))];
            if (missing.Length > 0) throw Invalid($"must say what its shards hold, but '{file}' lacks {missing.Length} of the {wanted.Count} tensors that it should hold: {Listed(missing)}.");
            if (extra.Length > 0) throw Invalid($"must say what its shards hold, but '{file}' holds {extra.Length} tensors that it should not: {Listed(extra)}.");
            foreach (string name in shard.Names) tensors.Add((name, shard[name].alias()));
            foreach ((string key, string text) in shard.Metadata) metadata.TryAdd(key, text);
        }
        return StateDictionary.Adopt(tensors, metadata);
    }

    private void Fill(JsonElement root)
    {
        if (!root.TryGetProperty("weight_map", out JsonElement map) || map.ValueKind != JsonValueKind.Object)
        {
            throw Invalid("must map the names of tensors to files (weight_map), but it does not.");
        }
        HashSet<string> names = new(StringComparer.Ordinal);
        foreach (JsonProperty property in map.EnumerateObject())
        {
            string name = property.Name;
            if (property.Value.ValueKind != JsonValueKind.String) throw Invalid($"must map tensors to file names, but '{PickleText.Safe(name)}' is mapped to a JSON {property.Value.ValueKind}.");
            string file = property.Value.GetString()!;
            if (!IsPlain(file))
            {
                throw Invalid($"must name shards within its folder, by plain names that end in .safetensors or .bin, but '{PickleText.Safe(name)}' is mapped to '{PickleText.Safe(file)}'. Nothing else is opened.");
            }
            if (!names.Add(name)) throw Invalid($"must map each tensor once, but it maps '{PickleText.Safe(name)}' twice.");
            if (!_namesOf.TryGetValue(file, out HashSet<string>? held)) _namesOf.Add(file, held = new HashSet<string>(StringComparer.Ordinal));
            held.Add(name);
        }
        if (names.Count == 0) throw Invalid("must map the names of tensors to files (weight_map), but it maps none.");
    }

    // By what may be in it, not by what may not: separators differ by system.
    private static bool IsPlain(string file) =>
        file.Length <= MaxNameLength
        && (file.EndsWith(".safetensors", StringComparison.Ordinal) || file.EndsWith(".bin", StringComparison.Ordinal))
        && !file.StartsWith('.')
        && file.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or '+' or '=');

    private static string Listed(string[] names) =>
        string.Join(", ", names.Take(MaxListed).Select(name => $"'{PickleText.Safe(name)}'")) + (names.Length > MaxListed ? ", …" : "");

    private InvalidDataException Invalid(string text) => new($"'{_path}' {text}");
}
