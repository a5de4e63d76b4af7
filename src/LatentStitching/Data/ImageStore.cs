namespace LatentStitching.Data;

/// <summary>Encoded picture files under stable ids. Read from several threads at once.</summary>
internal abstract class ImageStore : IDisposable
{
    private static readonly string[] _extensions = [".jpg", ".jpeg", ".png", ".bmp", ".webp"];

    protected ImageStore(string path) => Path = path;

    /// <summary>The folder or archive.</summary>
    public string Path { get; }

    /// <summary>The ids, in ordinal order.</summary>
    public abstract IReadOnlyList<string> Ids { get; }

    /// <summary>The bytes of one file.</summary>
    public abstract byte[] Read(int index);

    /// <summary>What an error text calls one file.</summary>
    public string Describe(int index) => $"'{Ids[index]}' in '{Path}'";

    public abstract void Dispose();

    protected static bool IsImage(string name) =>
        !name.StartsWith('.') && _extensions.Contains(System.IO.Path.GetExtension(name), StringComparer.OrdinalIgnoreCase);

    /// <summary>Requires at least one file, and different ids.</summary>
    protected static void Check(IReadOnlyList<string> sortedIds, string path)
    {
        if (sortedIds.Count == 0)
        {
            throw new ArgumentException($"path must hold at least one image, but '{path}' holds none. Images are files that end in {string.Join(", ", _extensions)}.", nameof(path));
        }
        for (int i = 1; i < sortedIds.Count; i++)
        {
            if (string.Equals(sortedIds[i], sortedIds[i - 1], StringComparison.Ordinal))
            {
                throw new ArgumentException($"path must hold images of different names, but '{path}' holds '{sortedIds[i]}' twice. The file name is the image's id.", nameof(path));
            }
        }
    }
}
