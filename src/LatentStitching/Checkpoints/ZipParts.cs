using System.IO.Compression;

namespace LatentStitching.Checkpoints;

/// <summary>A zip file's parts by name. Whatever is wrong with the archive gives one kind of error, which names the file.</summary>
internal sealed class ZipParts : IDisposable
{
    // Deflate can shrink a thousandfold, which no measured numbers do, but a small hostile file would.
    private const long MaxGrowth = 64;
    private const long AlwaysAllowed = 64L << 20;

    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.Ordinal);

    /// <summary>Reads the directory. The stream stays the caller's.</summary>
    public ZipParts(FileStream stream)
    {
        Path = stream.Name;
        Length = stream.Length;
        try
        {
            _archive = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
            foreach (ZipArchiveEntry entry in _archive.Entries)
            {
                if (!_entries.TryAdd(entry.FullName, entry)) Twice ??= entry.FullName;
            }
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw Damaged(e);
        }
        if (Twice is not null) throw new InvalidDataException($"'{Path}' must name each part once, but its archive names '{PickleText.Safe(Twice)}' twice.");
    }

    /// <summary>The file.</summary>
    public string Path { get; }

    /// <summary>The file's length in bytes.</summary>
    public long Length { get; }

    /// <summary>The parts, in the archive's order.</summary>
    public IEnumerable<ZipArchiveEntry> Entries => _archive.Entries;

    /// <summary>The parts by name.</summary>
    public IReadOnlyDictionary<string, ZipArchiveEntry> ByName => _entries;

    private string? Twice { get; }

    /// <summary>Whether it is laid out as torch.save and torch.jit.save write: NAME/data.pkl.</summary>
    public bool HoldsPickle => _entries.Keys.Any(IsPickle);

    /// <summary>Whether it is laid out as numpy.savez writes: files NAME.npy alone.</summary>
    public bool HoldsArrays => _entries.Count > 0 && _entries.Keys.All(name => name.EndsWith(".npy", StringComparison.Ordinal));

    public static bool IsPickle(string name) => name.Split('/') is ["data.pkl"] or [_, "data.pkl"];

    /// <summary>Reads a part, whose content the callback takes as it is.</summary>
    public void Read(ZipArchiveEntry entry, Action<Stream> read)
    {
        bool differs;
        try
        {
            using CheckedStream stream = new(entry.Open(), entry);
            read(stream);
            differs = stream.Differs;
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw Damaged(e);
        }
        if (differs) throw Changed(entry);
    }

    /// <summary>Refuses an archive whose parts would be far larger than it.</summary>
    /// <param name="what">What the parts are, for the text.</param>
    /// <param name="cure">How to put it right, or empty.</param>
    public void CheckGrowth(string what, string cure = "")
    {
        Int128 bytes = 0;
        foreach (ZipArchiveEntry entry in Entries) bytes += entry.Length;
        Int128 limit = Int128.Max((Int128)Length * MaxGrowth, AlwaysAllowed);
        if (bytes <= limit) return;
        throw new InvalidDataException($"'{Path}' must not grow beyond {limit} bytes, {MaxGrowth} times its length, but its {what} would take {bytes}. {cure}".TrimEnd());
    }

    /// <summary>Opens a part, for a reader with errors of its own: it has to expect those of <see cref="IsDamage"/>.</summary>
    public CheckedStream Open(ZipArchiveEntry entry)
    {
        try
        {
            return new CheckedStream(entry.Open(), entry);
        }
        catch (Exception e) when (IsDamage(e))
        {
            throw Damaged(e);
        }
    }

    public void Dispose() => _archive.Dispose();

    /// <summary>Whether a zip reader may throw it on a damaged archive: that is not one kind.</summary>
    public static bool IsDamage(Exception e) => e is InvalidDataException or EndOfStreamException or ArgumentException or NotSupportedException or OverflowException;

    /// <summary>What is said of a part with another checksum.</summary>
    public InvalidDataException Changed(ZipArchiveEntry entry) =>
        new($"'{Path}' must hold its parts as they were written, but '{PickleText.Safe(entry.FullName)}' has another checksum. The file is damaged.");

    private InvalidDataException Damaged(Exception e) => new($"'{Path}' must be a whole zip archive, but it is damaged or cut short: {e.Message}", e);
}
