using System.Text.Json;
using LatentStitching.Numerics;

namespace LatentStitching.Checkpoints;

/// <summary>A model's folder as Hugging Face's libraries write it: config.json, and weights in one file or in shards with an index.</summary>
/// <remarks>
/// <para>Weights are looked for as diffusers and transformers name them: model.safetensors or diffusion_pytorch_model.safetensors, then their shards (…safetensors.index.json), then
/// pytorch_model.bin or diffusion_pytorch_model.bin and their shards. With a variant such as "fp16" the names hold it: model.fp16.safetensors, model.safetensors.index.fp16.json.</para>
/// <para>Nothing in the folder is run, and no file outside it is named by an index: a shard is a plain file name. Nothing is downloaded.</para>
/// <para>Thread safety: immutable.</para>
/// </remarks>
public sealed class HuggingFaceFolder
{
    private const string ConfigName = "config.json";
    private const string PipelineName = "model_index.json";
    private const int MaxConfigBytes = 16 << 20;
    private static readonly string[] _safe = ["model", "diffusion_pytorch_model"], _pickled = ["pytorch_model", "diffusion_pytorch_model"];

    private readonly ShardIndex? _index;

    private HuggingFaceFolder(string path, JsonElement config, IReadOnlyList<string> files, ShardIndex? index) =>
        (FolderPath, Config, WeightFiles, _index) = (path, config, files, index);

    /// <summary>The folder.</summary>
    public string FolderPath { get; }

    /// <summary>What config.json holds: an object. Its "_class_name" (diffusers) or "model_type" (transformers) says which model it is.</summary>
    public JsonElement Config { get; }

    /// <summary>The names of the files that hold the weights, in order: one, or the shards that the index names.</summary>
    public IReadOnlyList<string> WeightFiles { get; }

    /// <summary>Opens a folder: reads its configuration and finds its weights, which <see cref="LoadWeights"/> reads.</summary>
    /// <param name="folder">The folder. Of a pipeline (model_index.json), name one of the models within, such as "vae".</param>
    /// <param name="variant">Which weights, if the folder has several: "fp16", "bf16", "ema". Null for those without a variant in their name.</param>
    /// <returns>What was found.</returns>
    /// <exception cref="ArgumentException">The folder's name or the variant is blank, or the variant is no plain word.</exception>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    /// <exception cref="InvalidDataException">There is no config.json or no weights, a file is damaged, or an index names a file that is missing or lies elsewhere; the text says which.</exception>
    public static HuggingFaceFolder Open(string folder, string? variant = null)
    {
        Guard.NotBlank(folder);
        if (variant is not null && (variant.Length == 0 || !variant.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-')))
        {
            throw new ArgumentException($"variant must be a word of letters, digits, '_' and '-', but it is '{variant}'.", nameof(variant));
        }
        string full = Path.GetFullPath(folder);
        if (!Directory.Exists(full)) throw new DirectoryNotFoundException($"folder must exist, but '{full}' does not.");
        JsonElement config = ReadConfig(full);
        (string file, bool isIndex) = FindWeights(full, variant);
        if (!isIndex) return new HuggingFaceFolder(full, config, [file], index: null);
        ShardIndex index = ShardIndex.Read(Path.Combine(full, file));
        return new HuggingFaceFolder(full, config, index.Files, index);
    }

    /// <summary>Reads the weights. Of shards, each is read once, and must hold the tensors that the index says, no more and no fewer.</summary>
    /// <returns>The tensors, on the CPU, in the order of the files. Owned by the caller.</returns>
    /// <exception cref="InvalidDataException">A file is damaged, or a shard does not hold what the index says; the text names every tensor that is amiss, up to a number.</exception>
    /// <exception cref="ArgumentException">A PyTorch file holds its tensors in containers: load it by <see cref="StateDictionary.Load"/>, which says them.</exception>
    /// <exception cref="IOException">A file is not there any more or cannot be read.</exception>
    public StateDictionary LoadWeights() =>
        _index is null ? StateDictionary.Load(Path.Combine(FolderPath, WeightFiles[0])) : _index.Load();

    private static JsonElement ReadConfig(string folder)
    {
        string path = Path.Combine(folder, ConfigName);
        if (!File.Exists(path))
        {
            string cure = File.Exists(Path.Combine(folder, PipelineName))
                ? $"It is a pipeline of several models: open one of {Listed(Directory.EnumerateDirectories(folder).Where(inner => File.Exists(Path.Combine(inner, ConfigName))))}."
                : "To read a file of weights alone, call StateDictionary.Load.";
            throw new InvalidDataException($"'{folder}' must hold {ConfigName}, but it does not. {cure}");
        }
        using JsonDocument document = JsonFile.Read(path, MaxConfigBytes);
        return document.RootElement.Clone();
    }

    private static (string File, bool IsIndex) FindWeights(string folder, string? variant)
    {
        string dotted = variant is null ? "" : $".{variant}";
        foreach ((string[] stems, string suffix) in ((string[], string)[])[(_safe, "safetensors"), (_pickled, "bin")])
        {
            foreach (bool isIndex in (bool[])[false, true])
            {
                string[] found = [.. stems.Select(stem => isIndex ? $"{stem}.{suffix}.index{dotted}.json" : $"{stem}{dotted}.{suffix}").Where(name => File.Exists(Path.Combine(folder, name)))];
                if (found.Length > 1) throw new InvalidDataException($"'{folder}' must hold the weights of one model, but it holds {Listed(found)}. Load the one wanted by StateDictionary.Load.");
                if (found.Length == 1) return (found[0], isIndex);
            }
        }
        string[] others =
        [
            .. Directory.EnumerateFiles(folder).Select(file => Path.GetFileName(file)).Where(name =>
                Path.GetExtension(name) is ".safetensors" or ".bin" || name.Contains(".index.", StringComparison.Ordinal)).Order(StringComparer.Ordinal),
        ];
        string wanted = variant is null ? "" : $" of variant '{variant}'";
        throw new InvalidDataException(
            $"'{folder}' must hold weights{wanted}, such as {_safe[0]}{dotted}.safetensors or {_safe[1]}{dotted}.safetensors, but {(others.Length == 0 ? "it holds none" : $"it holds {Listed(others)}")}. "
            + "Another variant is chosen by variant; a file of another name is loaded by StateDictionary.Load.");
    }

    private static string Listed(IEnumerable<string> paths)
    {
        string[] names = [.. paths.Select(path => $"'{PickleText.Safe(Path.GetFileName(path))}'").Order(StringComparer.Ordinal)];
        return names.Length == 0 ? "its folders" : string.Join(", ", names.Take(8)) + (names.Length > 8 ? ", …" : "");
    }
}
