using System.IO.Compression;
using System.Text;

namespace LatentStitching.Checkpoints;

/// <summary>PyTorch's zip format (since 1.6): NAME/data.pkl, one NAME/data/KEY for each storage, stored without compression, little endian.</summary>
/// <remarks>Source: torch/serialization.py, _save and _load.</remarks>
internal sealed class TorchZipFile : ITorchFile
{
    private const long MaxPickleBytes = 1 << 28;

    private readonly ZipParts _parts;
    private readonly string _path;
    private readonly string _folder;

    /// <summary>Reads the archive's pickle and finds its storages. The archive stays the caller's.</summary>
    public TorchZipFile(ZipParts parts)
    {
        _parts = parts;
        _path = parts.Path;
        _folder = FindFolder();
        if (_parts.ByName.ContainsKey(_folder + "constants.pkl"))
        {
            throw Invalid(
                "must be a state dictionary, but it is a TorchScript program, which is code. "
                + "Open it as a model by TorchScriptModel.Load, or save model.state_dict() in Python.");
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

    private string StorageName(TorchStorage storage) => $"{_folder}data/{storage.Key}";

    private string FindFolder()
    {
        string[] pickles = [.. _parts.ByName.Keys.Where(ZipParts.IsPickle)];
        return pickles is [string pickle]
            ? pickle[..^"data.pkl".Length]
            : throw Invalid($"must hold one data.pkl, as torch.save writes it, but its archive has {pickles.Length}. It is another kind of zip file.");
    }

    private void CheckByteOrder()
    {
        if (!_parts.ByName.ContainsKey(_folder + "byteorder")) return;
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
        if (!_parts.ByName.TryGetValue(name, out ZipArchiveEntry? entry)) throw Invalid($"must hold '{PickleText.Safe(name)}', but its archive does not.");
        if (entry.Length != entry.CompressedLength || entry.IsEncrypted)
        {
            throw Invalid(
                $"must hold its parts as they are, but '{PickleText.Safe(name)}' is compressed or encrypted, which torch.save does not do. "
                + "Save it again.");
        }
        return entry.Length <= _parts.Length
            ? entry
            : throw Invalid($"must hold its parts, but '{PickleText.Safe(name)}' is said to have {entry.Length} bytes and the file has {_parts.Length}.");
    }

    private void Read(string name, Action<Stream> read) => _parts.Read(Entry(name), read);

    private InvalidDataException Invalid(string text) => new($"'{_path}' {text}");
}
