using System.IO.Compression;
using System.Text;

namespace LatentStitching.Checkpoints;

/// <summary>PyTorch's zip format (since 1.6): NAME/data.pkl, one NAME/data/KEY for each storage, stored without compression, little endian.</summary>
/// <remarks>Source: torch/serialization.py, _save and _load.</remarks>
internal sealed class TorchZipFile : ITorchFile
{
    private const long MaxPickleBytes = 1 << 28;

    private readonly string _path;
    private readonly long _length;
    private readonly ZipArchive _archive;
    private readonly Dictionary<string, ZipArchiveEntry> _entries = new(StringComparer.Ordinal);
    private readonly string _folder;

    /// <summary>Opens the file, reads its pickle and finds its storages. The stream stays the caller's.</summary>
    public TorchZipFile(FileStream stream)
    {
        _path = stream.Name;
        _length = stream.Length;
        _archive = Guarded(() => new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true));
        foreach (ZipArchiveEntry entry in Guarded(() => _archive.Entries))
        {
            if (!_entries.TryAdd(entry.FullName, entry))
            {
                throw Invalid($"must name each part once, but its archive names '{PickleText.Safe(entry.FullName)}' twice.");
            }
        }
        _folder = FindFolder();
        if (_entries.ContainsKey(_folder + "constants.pkl"))
        {
            throw Invalid(
                "must be a state dictionary, but it is a TorchScript program, which is code. "
                + "Load it by torch.jit.load, or save model.state_dict() in Python.");
        }
        CheckByteOrder();
        TorchObjects torch = new();
        Root = new PickleReader(ReadPickle(), _path, "data.pkl", torch).Read();
        foreach (TorchStorage storage in torch.Storages.Values)
        {
            long bytes = Entry(StorageName(storage)).Length;
            if (bytes != storage.Bytes)
            {
                throw Invalid(
                    $"must hold {storage.Bytes} bytes as storage '{PickleText.Safe(storage.Key)}' ({storage.Count} × {storage.Type.SafeTensorsName}), "
                    + $"but it holds {bytes}.");
            }
        }
    }

    /// <inheritdoc/>
    public object? Root { get; }

    /// <inheritdoc/>
    public void ReadStorage(TorchStorage storage, Tensor destination) => Read(StorageName(storage), stream => TensorBytes.Read(stream, destination));

    /// <inheritdoc/>
    public void Dispose() => _archive.Dispose();

    private string StorageName(TorchStorage storage) => $"{_folder}data/{storage.Key}";

    private string FindFolder()
    {
        string[] pickles = [.. _entries.Keys.Where(name => name.Split('/') is ["data.pkl"] or [_, "data.pkl"])];
        return pickles is [string pickle]
            ? pickle[..^"data.pkl".Length]
            : throw Invalid($"must hold one data.pkl, as torch.save writes it, but its archive has {pickles.Length}. It is another kind of zip file.");
    }

    private void CheckByteOrder()
    {
        if (!_entries.ContainsKey(_folder + "byteorder")) return;
        if (Entry(_folder + "byteorder").Length > 16) throw Invalid("must say its byte order in a word, but it says more.");
        string order = Encoding.Latin1.GetString(ReadAll(_folder + "byteorder"));
        if (order != "little")
        {
            throw Invalid($"must be little endian, but its byte order is '{PickleText.Safe(order)}'. Save it again on a little-endian machine.");
        }
    }

    private MemoryStream ReadPickle()
    {
        long length = Entry(_folder + "data.pkl").Length;
        if (length > MaxPickleBytes) throw Invalid($"must describe its tensors in at most {MaxPickleBytes} bytes, but its data.pkl holds {length}.");
        return new MemoryStream(ReadAll(_folder + "data.pkl"));
    }

    private byte[] ReadAll(string name)
    {
        byte[] bytes = new byte[Entry(name).Length];
        Read(name, stream => stream.ReadExactly(bytes));
        return bytes;
    }

    private ZipArchiveEntry Entry(string name)
    {
        if (!_entries.TryGetValue(name, out ZipArchiveEntry? entry)) throw Invalid($"must hold '{PickleText.Safe(name)}', but its archive does not.");
        if (entry.Length != entry.CompressedLength || entry.IsEncrypted)
        {
            throw Invalid(
                $"must hold its parts as they are, but '{PickleText.Safe(name)}' is compressed or encrypted, which torch.save does not do. "
                + "Save it again.");
        }
        return entry.Length <= _length
            ? entry
            : throw Invalid($"must hold its parts, but '{PickleText.Safe(name)}' is said to have {entry.Length} bytes and the file has {_length}.");
    }

    private void Read(string name, Action<Stream> read)
    {
        ZipArchiveEntry entry = Entry(name);
        Guarded(() =>
        {
            using Stream stream = entry.Open();
            read(stream);
            return true;
        });
    }

    // What the zip reader throws on damaged archives is not one kind.
    private T Guarded<T>(Func<T> use)
    {
        try
        {
            return use();
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException or ArgumentException or NotSupportedException or OverflowException)
        {
            throw new InvalidDataException($"'{_path}' must be a whole zip archive, but it is damaged or cut short: {e.Message}", e);
        }
    }

    private InvalidDataException Invalid(string text) => new($"'{_path}' {text}");
}
