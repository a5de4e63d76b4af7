using System.Globalization;
using System.Text;
using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Studies;

/// <summary>A study's folder: one file a finished part, known by the fingerprint of all that it depends on. One run at a time holds it.</summary>
internal sealed class StudyFolder : IDisposable
{
    private readonly string _root;
    private readonly FileStream _lock;
    private readonly Lock _gate = new();

    public StudyFolder(string folder)
    {
        Guard.NotBlank(folder);
        if (File.Exists(folder)) throw new ArgumentException($"folder must name a folder, but '{folder}' is a file.", nameof(folder));
        _root = folder;
        foreach (string part in (string[])["latents", "parts", "maps", "examples"]) Directory.CreateDirectory(Path.Combine(folder, part));
        // Two runs at once would encode the same latents twice; the second is told by an IOException.
        _lock = new FileStream(Path.Combine(folder, "study.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
    }

    public static string Slug(string name) => string.Concat(name.Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '-' or '_' or '.' ? letter : '-'));

    public string Latents(string model, string fingerprint) => Path.Combine(_root, "latents", $"{Slug(model)}-{fingerprint[..16]}.safetensors");

    public string Map(string name, string fingerprint) => Path.Combine(_root, "maps", $"{name}-{fingerprint[..16]}.safetensors");

    public string Examples(string name, string fingerprint, int count) => Path.Combine(_root, "examples", string.Create(CultureInfo.InvariantCulture, $"{name}-{count}-{fingerprint[..16]}.safetensors"));

    /// <summary>The finished part, or null where it is not there.</summary>
    public T? Read<T>(string name, string fingerprint)
        where T : class
    {
        string path = Part(name, fingerprint);
        if (!File.Exists(path)) return null;
        StudyPart<T> part = StudyJson.Read<StudyPart<T>>(File.ReadAllText(path), $"'{path}'");
        return part.Fingerprint == fingerprint
            ? part.Result
            : throw new InvalidDataException($"'{path}' must hold the part {fingerprint}, but it holds {part.Fingerprint}. Delete it.");
    }

    public void Write<T>(string name, string fingerprint, T result)
        where T : class => WriteText(Part(name, fingerprint), StudyJson.Write(new StudyPart<T>(fingerprint, result)));

    public void WriteResult(string name, string text) => WriteTo(_root, name, text);

    public void WriteTensors(string name, IReadOnlyList<(string Name, Tensor Tensor)> tensors) => SafeTensors.Save(Path.Combine(_root, name), tensors);

    public static void WriteTo(string folder, string name, string text) => WriteText(Path.Combine(folder, name), text);

    /// <summary>Times go here and nowhere else, so that results are the same however often the work was interrupted.</summary>
    public void Log(string item, TimeSpan elapsed)
    {
        lock (_gate)
        {
            File.AppendAllText(Path.Combine(_root, "times.csv"), string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ssZ},{elapsed.TotalSeconds:0.000},\"{item.Replace("\"", "\"\"", StringComparison.Ordinal)}\"\n"));
        }
    }

    public void Dispose() => _lock.Dispose();

    private static void WriteText(string path, string text) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(text)));

    private string Part(string name, string fingerprint) => Path.Combine(_root, "parts", $"{name}-{fingerprint[..16]}.json");
}
