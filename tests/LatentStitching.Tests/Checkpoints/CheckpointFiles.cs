using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace LatentStitching.Tests.Checkpoints;

/// <summary>Checkpoint files for the tests: those of the fixtures, and ones made by hand.</summary>
internal static class CheckpointFiles
{
    private const string MagicPickle = "80028a0a6cfc9c46f9206aa850192e";
    private const string VersionPickle = "80024de9032e";

    public static string Fixture(string name) => Path.Combine(AppContext.BaseDirectory, "fixtures", "loaders", name);

    /// <summary>A safetensors file of a header as text, or as bytes, and data.</summary>
    public static byte[] SafeTensors(string header, int dataLength = 0) => SafeTensors(Encoding.UTF8.GetBytes(header), new byte[dataLength]);

    public static byte[] SafeTensors(byte[] header, byte[] data)
    {
        byte[] length = new byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(length, header.Length);
        return [.. length, .. header, .. data];
    }

    /// <summary>A legacy file around the pickle of its value.</summary>
    public static byte[] Legacy(byte[] pickle, params (string Key, byte[] Data, long Count)[] storages)
    {
        byte[] machine = Pickle("}U\u000dlittle_endian\u0088s.");
        byte[] keys = Pickle("](" + string.Concat(storages.Select(storage => $"U{(char)storage.Key.Length}{storage.Key}")) + "e.");
        byte[] data = [.. storages.SelectMany(storage => BitConverter.GetBytes(storage.Count).Concat(storage.Data))];
        return [.. Convert.FromHexString(MagicPickle), .. Convert.FromHexString(VersionPickle), .. machine, .. pickle, .. keys, .. data];
    }

    /// <summary>A zip file around the pickle of its value.</summary>
    public static byte[] Zip(byte[] pickle, params (string Name, byte[] Data)[] parts) => Zip(CompressionLevel.NoCompression, [("archive/data.pkl", pickle), .. parts]);

    public static byte[] Zip(CompressionLevel level, params (string Name, byte[] Data)[] parts)
    {
        using MemoryStream memory = new();
        using (ZipArchive archive = new(memory, ZipArchiveMode.Create))
        {
            foreach ((string name, byte[] data) in parts)
            {
                using Stream entry = archive.CreateEntry(name, level).Open();
                entry.Write(data);
            }
        }
        return memory.ToArray();
    }

    /// <summary>A pickle of protocol 2 whose instructions are given as the letters of their bytes.</summary>
    public static byte[] Pickle(string latin1) => [0x80, 2, .. Encoding.Latin1.GetBytes(latin1)];

    /// <summary>The instructions for a tensor over a storage of float32.</summary>
    public static string Tensor(string key, int count, int offset, byte[] shape, byte[] strides, string storage = "FloatStorage")
    {
        string Numbers(byte[] values) => "(" + string.Concat(values.Select(value => $"K{(char)value}")) + "t";
        string id = $"(U\u0007storagectorch\n{storage}\nU{(char)key.Length}{key}U\u0003cpu{Int(count)}tQ";
        return $"ctorch._utils\n_rebuild_tensor_v2\n({id}{Int(offset)}{Numbers(shape)}{Numbers(strides)}\u0089NtR";
    }

    public static string Int(int value) => "J" + Encoding.Latin1.GetString(BitConverter.GetBytes(value));

    /// <summary>Writes the bytes to a file, uses it, and removes it.</summary>
    public static void With(byte[] content, Action<string> use)
    {
        string path = Path.Combine(Path.GetTempPath(), $"checkpoint-{Guid.NewGuid():N}");
        try
        {
            File.WriteAllBytes(path, content);
            use(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>Says whether two tensors agree in dtype, shape and every bit.</summary>
    public static bool Same(Tensor left, Tensor right) =>
        left.dtype == right.dtype && left.shape.SequenceEqual(right.shape) && Bytes(left).SequenceEqual(Bytes(right));

    public static byte[] Bytes(Tensor tensor)
    {
        using var scope = NewDisposeScope();
        return tensor.numel() == 0 ? [] : tensor.detach().contiguous().bytes.ToArray();
    }
}
