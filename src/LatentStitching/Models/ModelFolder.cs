using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using LatentStitching.Checkpoints;
using LatentStitching.Numerics;
using LatentStitching.Training;

namespace LatentStitching.Models;

/// <summary>A model on disk that says what it is: <c>config.json</c> beside <c>model.safetensors</c>. Immutable but for disposal; owns its tensors.</summary>
/// <remarks>
/// <para><c>config.json</c> holds the format and its version, the kind, the name, the image and latent shapes, the kind's own configuration, the SHA-256 of the weight file, the library's version and, if there was one, the
/// record of the training. Nothing in either file is executed.</para>
/// </remarks>
public sealed class ModelFolder : IDisposable
{
    internal const string ConfigurationFile = "config.json";
    internal const string WeightFile = "model.safetensors";
    private const string WeightSuffix = ".safetensors";
    private const string Format = "latentstitching.model";
    private const int Version = 1;
    private const int LongestConfiguration = 16 << 20;

    // Written for people to read: a name keeps its letters.
    private static readonly JsonSerializerOptions _readable = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly ImageFormat _image;
    private readonly JsonArray _latent;

    private ModelFolder(string path, Device device, JsonObject root, StateDictionary weights)
    {
        FolderPath = path;
        Device = device;
        Weights = weights;
        Kind = Required<string>(root, "kind");
        Name = Required<string>(root, "name");
        if (string.IsNullOrWhiteSpace(Name)) throw Damaged(path, "'name' must not be blank");
        Configuration = root["configuration"] as JsonObject ?? throw Damaged(path, "'configuration' must be an object");
        Training = root["training"] as JsonObject;
        _image = ImageOf(root["image"], "image");
        _latent = root["latent"] as JsonArray ?? throw Damaged(path, "'latent' must be a list");
    }

    /// <summary>The folder.</summary>
    public string FolderPath { get; }

    /// <summary>The kind of model.</summary>
    public string Kind { get; }

    /// <summary>The name in reports.</summary>
    public string Name { get; }

    /// <summary>Where the model is to compute.</summary>
    public Device Device { get; }

    /// <summary>Options of the kind.</summary>
    public JsonObject Configuration { get; }

    /// <summary>How the model was trained; null if that is not known.</summary>
    public JsonObject? Training { get; }

    /// <summary>The weights, on the CPU. They belong to the folder.</summary>
    public StateDictionary Weights { get; }

    /// <summary>Reads one option of the kind.</summary>
    /// <typeparam name="T">A plain type: string, bool, int, long, double.</typeparam>
    /// <param name="key">Its key in <see cref="Configuration"/>.</param>
    /// <returns>The value.</returns>
    /// <exception cref="InvalidDataException">The option is missing or of another type.</exception>
    public T Option<T>(string key) => Required<T>(Configuration, key);

    /// <summary>Reads a list of numbers or texts.</summary>
    /// <typeparam name="T">A plain type: string, bool, int, long, double.</typeparam>
    /// <param name="key">Its key in <see cref="Configuration"/>.</param>
    /// <returns>The values in order.</returns>
    /// <exception cref="InvalidDataException">The option is missing, no list, or holds another type.</exception>
    public IReadOnlyList<T> List<T>(string key) => Values<T>(Configuration[key], key);

    /// <summary>Reads an image format, three numbers.</summary>
    /// <param name="key">Its key in <see cref="Configuration"/>.</param>
    /// <returns>Channels, height and width.</returns>
    /// <exception cref="InvalidDataException">The option is missing or not three positive numbers.</exception>
    public ImageFormat Image(string key) => ImageOf(Configuration[key], key);

    private ImageFormat ImageOf(JsonNode? node, string key)
    {
        IReadOnlyList<long> sides = Values<long>(node, key);
        return sides.Count == 3 && sides.All(side => side > 0) ? new ImageFormat(sides[0], sides[1], sides[2]) : throw Damaged(FolderPath, $"'{key}' must be three positive numbers");
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose() => Weights.Dispose();

    /// <summary>Writes an image format as <see cref="Image"/> reads it.</summary>
    /// <param name="image">The format.</param>
    /// <returns>[channels, height, width].</returns>
    public static JsonArray ToJson(ImageFormat image)
    {
        ArgumentNullException.ThrowIfNull(image);
        return [image.Channels, image.Height, image.Width];
    }

    internal static ModelFolder Open(string folder, Device device)
    {
        Guard.NotBlank(folder);
        string path = Path.Combine(folder, ConfigurationFile), weights = Path.Combine(folder, WeightFile);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{folder} must be a folder that LatentModel.Save wrote, with {ConfigurationFile} and {WeightFile}, but it has no {ConfigurationFile}.", path);
        }
        JsonObject root = JsonFile.ReadObject(path, LongestConfiguration);
        string format = Value<string>(root["format"], "format", folder);
        int version = Value<int>(root["version"], "version", folder);
        if (format != Format || version != Version) throw Damaged(folder, $"it must be {Format} of version {Version}, but it is {format} of version {version}");
        string expected = Value<string>(root["sha256"], "sha256", folder);
        // What an interrupted Save left between the new description and the name of the new weights.
        if (NameOf(expected) is { } begun && File.Exists(Path.Combine(folder, begun))) weights = Path.Combine(folder, begun);
        string actual = Hash(weights);
        if (!string.Equals(expected, actual, StringComparison.OrdinalIgnoreCase))
        {
            throw new InvalidDataException($"{Path.GetFileName(weights)} in '{folder}' must be the file that {ConfigurationFile} describes, but its SHA-256 is {actual} instead of {expected}.");
        }
        var state = SafeTensors.Load(weights);
        try
        {
            return new ModelFolder(folder, device, root, state);
        }
        catch
        {
            state.Dispose();
            throw;
        }
    }

    internal static void Write(string folder, LatentModel model, ModelDescription description, TrainingReport? training, bool half)
    {
        Guard.NotBlank(folder);
        Directory.CreateDirectory(folder);
        string written = Path.Combine(folder, $"{WeightFile}.new");
        SafeTensors.Save(written, [.. description.Weights.Select(weight => (weight.Name, half ? Half(weight.Name, weight.Tensor) : weight.Tensor))]);
        string hash = Hash(written), weights = Path.Combine(folder, NameOf(hash)!);
        File.Move(written, weights, overwrite: true);
        JsonObject root = new()
        {
            ["format"] = Format,
            ["version"] = Version,
            ["kind"] = description.Kind,
            ["name"] = model.Name,
            ["image"] = ToJson(model.Image),
            ["latent"] = LatentOf(model.Latent),
            ["configuration"] = description.Configuration.DeepClone(),
            ["sha256"] = hash,
            ["library"] = typeof(ModelFolder).Assembly.GetName().Version!.ToString(3),
        };
        if (training is not null) root["training"] = training.ToJson();
        // Under a name of their own the new weights wait beside the old ones for this: whenever a save is cut off, the description there is has its weights.
        AtomicFile.Write(Path.Combine(folder, ConfigurationFile), stream => stream.Write(Encoding.UTF8.GetBytes(root.ToJsonString(_readable) + "\n")));
        File.Move(weights, Path.Combine(folder, WeightFile), overwrite: true);
        foreach (string left in Directory.EnumerateFiles(folder, $"model-*{WeightSuffix}"))
        {
            if (Path.GetFileName(left) is { Length: 6 + 64 + 12 } name && NameOf(name[6..^WeightSuffix.Length]) == name) File.Delete(left);
        }
    }

    /// <summary>Requires that the model that was opened is the one that was described.</summary>
    internal void Check(LatentModel model)
    {
        if (model.Image != _image) throw Damaged(FolderPath, $"'image' must be that of its weights and configuration, {model.Image}, but it is {_image}");
        JsonArray latent = LatentOf(model.Latent);
        if (!JsonNode.DeepEquals(latent, _latent)) throw Damaged(FolderPath, $"'latent' must be that of its weights and configuration, {latent.ToJsonString()}, but it is {Short(_latent)}");
    }

    // The name under which weights wait for their description; null for what is no hash.
    private static string? NameOf(string hash) => hash.Length == 64 && hash.All(char.IsAsciiHexDigitLower) ? $"model-{hash}{WeightSuffix}" : null;

    private static JsonArray LatentOf(LatentSpace latent) =>
        [.. latent.Levels.Select(level => new JsonObject { ["name"] = level.Name, ["shape"] = new JsonArray([.. level.Shape.Select(side => JsonValue.Create(side))]) })];

    private static string Short(JsonNode node)
    {
        string text = node.ToJsonString();
        return text.Length <= 200 ? text : text[..200] + "…";
    }

    private static Tensor Half(string name, Tensor weight)
    {
        if (weight.dtype != ScalarType.Float32) return weight;
        Tensor halved = weight.detach().to_type(ScalarType.Float16);
        return halved.isfinite().all().ToBoolean() ? halved : throw new InvalidOperationException($"A weight written in half the space must be at most 65504 in magnitude, but {name} holds larger ones. Save it whole.");
    }

    private static string Hash(string path)
    {
        using FileStream stream = File.OpenRead(path);
        return Convert.ToHexStringLower(SHA256.HashData(stream));
    }

    private IReadOnlyList<T> Values<T>(JsonNode? node, string key) => node is JsonArray list ? [.. list.Select(item => Value<T>(item, key))] : throw Damaged(FolderPath, $"'{key}' must be a list");

    private T Required<T>(JsonObject values, string key) => Value<T>(values[key], key);

    private T Value<T>(JsonNode? node, string key) => Value<T>(node, key, FolderPath);

    private static T Value<T>(JsonNode? node, string key, string folder) => node is JsonValue value && value.TryGetValue(out T? typed)
        ? typed
        : throw Damaged(folder, $"'{key}' must be a {typeof(T).Name}, but it is {(node is null ? "missing" : Short(node))}");

    private static InvalidDataException Damaged(string folder, string what) => new($"{ConfigurationFile} in '{folder}' is not that of a model: {what}.");
}
