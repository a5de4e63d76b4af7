using System.Collections.ObjectModel;
using System.IO.Compression;

namespace LatentStitching.Checkpoints;

/// <summary>NumPy's .npz: a zip file of .npy files, stored or deflated.</summary>
/// <remarks>Source: <see href="https://numpy.org/doc/stable/reference/generated/numpy.savez.html">numpy.savez</see>.</remarks>
internal static class NumPyArchive
{
    /// <summary>The name of the array of a .npy file.</summary>
    public const string BareName = "array";

    private const string Suffix = ".npy";

    // What zip files give as the time if they have none, so that the same arrays are the same bytes.
    private static readonly DateTimeOffset _epoch = new(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static StateDictionary LoadBare(FileStream stream)
    {
        using var scope = NewDisposeScope();
        return StateDictionary.Adopt([(BareName, ReadBare(stream))], ReadOnlyDictionary<string, string>.Empty);
    }

    public static Tensor ReadBare(FileStream stream) => new NumPyReader(stream, stream.Length, $"'{stream.Name}'").Read();

    public static StateDictionary Load(ZipParts parts)
    {
        parts.CheckGrowth("arrays", "If they are meant to, save them by numpy.savez, without compression.");
        using var scope = NewDisposeScope();
        List<(string Name, Tensor Tensor)> tensors = [];
        foreach (ZipArchiveEntry entry in parts.Entries)
        {
            string name = entry.FullName[..^Suffix.Length];
            if (entry.IsEncrypted) throw new InvalidDataException($"'{parts.Path}' must hold its arrays as they are, but '{PickleText.Safe(name)}' is encrypted.");
            using CheckedStream stream = parts.Open(entry);
            tensors.Add((name, new NumPyReader(stream, entry.Length, $"'{parts.Path}' (array '{PickleText.Safe(name)}')").Read()));
            if (stream.Differs) throw parts.Changed(entry);
        }
        return StateDictionary.Adopt(tensors, ReadOnlyDictionary<string, string>.Empty);
    }

    public static void Save(Stream stream, IReadOnlyList<(string Name, Tensor Tensor)> tensors, bool compress)
    {
        using ZipArchive archive = new(stream, ZipArchiveMode.Create, leaveOpen: true);
        foreach ((string name, Tensor tensor) in tensors)
        {
            ZipArchiveEntry entry = archive.CreateEntry(name + Suffix, compress ? CompressionLevel.Optimal : CompressionLevel.NoCompression);
            entry.LastWriteTime = _epoch;
            using Stream part = entry.Open();
            Write(part, tensor);
        }
    }

    public static void Write(Stream stream, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        stream.Write(NumPyHeader.ToBytes(NumPyType.Of(tensor.dtype)!, tensor.shape));
        // A conjugate is only marked as such until it is resolved.
        TensorBytes.Write(stream, tensor.detach().resolve_conj().resolve_neg().cpu().contiguous());
    }
}
