using System.Buffers.Binary;
using System.Numerics;

namespace LatentStitching.Checkpoints;

/// <summary>
/// PyTorch's legacy format (before 1.6): pickles of a magic number, a version, the machine, the value and the storages' keys; then each storage as
/// count and bytes.
/// </summary>
/// <remarks>Source: torch/serialization.py, _legacy_save and _legacy_load.</remarks>
internal sealed class TorchLegacyFile : ITorchFile
{
    private const long ProtocolVersion = 1001;
    private static readonly BigInteger _magic = BigInteger.Parse("1950a86a20f9469cfc6c", System.Globalization.NumberStyles.HexNumber, null);

    private readonly FileStream _stream;
    private readonly Dictionary<string, long> _positions = new(StringComparer.Ordinal);

    /// <summary>Reads the pickles and finds the storages. The stream stays the caller's.</summary>
    public TorchLegacyFile(FileStream stream)
    {
        _stream = stream;
        object? magic = Read("magic number", new());
        if (magic is not BigInteger number || number != _magic)
        {
            throw Invalid("must begin with torch.save's magic number, but it does not: it is a pickle of another program.");
        }
        object? version = Read("version", new());
        if (version is not ProtocolVersion)
        {
            throw Invalid($"must be of version {ProtocolVersion}, but it is of version {PickleText.OfPlain(version) ?? PickleText.KindOf(version)}.");
        }
        CheckMachine(Read("machine", new()));
        TorchObjects torch = new();
        Root = Read("value", torch);
        if (Read("storage keys", new()) is not PickleSequence keys) throw Invalid("must list the keys of its storages, but it does not.");
        FindStorages(keys.Items, torch.Storages);
    }

    /// <inheritdoc/>
    public object? Root { get; }

    /// <inheritdoc/>
    public void ReadStorage(TorchStorage storage, Tensor destination)
    {
        _stream.Position = _positions[storage.Key];
        TensorBytes.Read(_stream, destination);
    }

    private object? Read(string part, TorchObjects torch) => new PickleReader(_stream, _stream.Name, part, torch).Read();

    private void CheckMachine(object? machine)
    {
        object? little = (machine as PickleDictionary)?.Items.Find(item => item.Key is "little_endian").Value;
        if (little is not true) throw Invalid("must be little endian, but it does not say so. Save it again on a little-endian machine.");
    }

    private void FindStorages(List<object?> keys, IReadOnlyDictionary<string, TorchStorage> storages)
    {
        Span<byte> count = stackalloc byte[8];
        foreach (object? item in keys)
        {
            if (item is not string key || !storages.TryGetValue(key, out TorchStorage? storage))
            {
                string listed = item is string text ? $"'{PickleText.Safe(text)}'" : PickleText.KindOf(item);
                throw Invalid($"must list the storages of its tensors, but it lists {listed}.");
            }
            long position = _stream.Position;
            if (_stream.Length - position - 8 < storage.Bytes)
            {
                throw Invalid(
                    $"must hold all storages, but '{PickleText.Safe(key)}', of 8 + {storage.Bytes} bytes, begins at byte {position} of {_stream.Length}. "
                    + "The file is cut short.");
            }
            _stream.ReadExactly(count);
            long stored = BinaryPrimitives.ReadInt64LittleEndian(count);
            if (stored != storage.Count)
            {
                throw Invalid($"must hold {storage.Count} elements as storage '{PickleText.Safe(key)}', but it says {stored} at byte {position}.");
            }
            if (!_positions.TryAdd(key, position + 8)) throw Invalid($"must list each storage once, but '{PickleText.Safe(key)}' comes twice.");
            _stream.Position = position + 8 + storage.Bytes;
        }
        if (storages.Keys.FirstOrDefault(key => !_positions.ContainsKey(key)) is { } missing)
        {
            throw Invalid($"must list all storages, but '{PickleText.Safe(missing)}' is not there.");
        }
        if (_stream.Position != _stream.Length)
        {
            throw Invalid(
                $"must end with its last storage, but {_stream.Length - _stream.Position} bytes follow. "
                + "Several values saved to one file have to be loaded in Python.");
        }
    }

    private InvalidDataException Invalid(string text) => new($"'{_stream.Name}' {text}");
}
