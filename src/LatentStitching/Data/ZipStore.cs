using System.IO.Compression;

namespace LatentStitching.Data;

/// <summary>Picture files in a zip archive; their ids are the bare file names.</summary>
internal sealed class ZipStore : ImageStore
{
    private const long LargestFile = 256L << 20;
    private readonly ZipArchive _archive;
    private readonly ZipArchiveEntry[] _entries;
    private readonly Lock _reading = new();
    private bool _disposed;

    public ZipStore(string path)
        : base(path)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"path must be a folder or a zip archive, but there is no '{path}'.", path);
        try
        {
            _archive = ZipFile.OpenRead(path);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"path must be a folder or a zip archive, but '{path}' is neither.", e);
        }
        try
        {
            _entries = [.. _archive.Entries.Where(entry => IsImage(entry.Name)).OrderBy(entry => entry.Name, StringComparer.Ordinal)];
            string[] ids = Array.ConvertAll(_entries, entry => entry.Name);
            Check(ids, path);
            Ids = Array.AsReadOnly(ids);
        }
        catch
        {
            _archive.Dispose();
            throw;
        }
    }

    public override IReadOnlyList<string> Ids { get; }

    public override byte[] Read(int index)
    {
        ZipArchiveEntry entry = _entries[index];
        // An archive has one position in its file.
        lock (_reading)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (entry.Length > LargestFile)
            {
                throw new InvalidDataException($"{Describe(index)} must be a picture of at most {LargestFile >> 20} MiB, but it declares {entry.Length} bytes.");
            }
            try
            {
                using Stream stream = entry.Open();
                byte[] bytes = new byte[entry.Length];
                stream.ReadExactly(bytes);
                return stream.ReadByte() < 0 ? bytes : throw new InvalidDataException("The file is longer than the archive says.");
            }
            catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
            {
                throw new InvalidDataException($"{Describe(index)} must be readable, but the archive is damaged there: {e.Message}", e);
            }
        }
    }

    public override void Dispose()
    {
        lock (_reading)
        {
            if (_disposed) return;
            _disposed = true;
            _archive.Dispose();
        }
    }
}
