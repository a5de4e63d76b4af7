using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace LatentStitching.Checkpoints;

/// <summary>Where one tensor lies in a safetensors file; offsets count from the first byte after the header.</summary>
internal sealed record SafeTensorsEntry(string Name, ElementType Type, long[] Shape, long Begin, long End);

/// <summary>The header of a safetensors file: what its tensors are and where they lie.</summary>
internal sealed record SafeTensorsHeader(IReadOnlyList<SafeTensorsEntry> Entries, IReadOnlyDictionary<string, string> Metadata)
{
    public const string MetadataName = "__metadata__";

    /// <summary>The longest header, in bytes; the limit of the reference implementation.</summary>
    public const long MaxLength = 100_000_000;

    /// <summary>The first tensor begins at a multiple of this many bytes, so that a mapped file can be used in place.</summary>
    public const int Alignment = 64;

    private static readonly JsonWriterOptions _writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The length field and the header itself, padded with spaces to the alignment.</summary>
    public byte[] ToBytes()
    {
        ArrayBufferWriter<byte> buffer = new();
        using (Utf8JsonWriter json = new(buffer, _writing))
        {
            json.WriteStartObject();
            if (Metadata.Count > 0)
            {
                json.WriteStartObject(MetadataName);
                foreach ((string key, string value) in Metadata.OrderBy(pair => pair.Key, StringComparer.Ordinal)) json.WriteString(key, value);
                json.WriteEndObject();
            }
            foreach (SafeTensorsEntry entry in Entries)
            {
                json.WriteStartObject(entry.Name);
                json.WriteString("dtype", entry.Type.SafeTensorsName);
                json.WriteStartArray("shape");
                foreach (long length in entry.Shape) json.WriteNumberValue(length);
                json.WriteEndArray();
                json.WriteStartArray("data_offsets");
                json.WriteNumberValue(entry.Begin);
                json.WriteNumberValue(entry.End);
                json.WriteEndArray();
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        int length8 = (8 + buffer.WrittenCount + Alignment - 1) / Alignment * Alignment;
        byte[] bytes = new byte[length8];
        BitConverter.TryWriteBytes(bytes, length8 - 8L);
        buffer.WrittenSpan.CopyTo(bytes.AsSpan(8));
        bytes.AsSpan(8 + buffer.WrittenCount).Fill((byte)' ');
        return bytes;
    }

    /// <summary>Lays tensors out: the header keeps their order, the data lies by falling element size, so that each is aligned to its own.</summary>
    public static SafeTensorsHeader Of(IReadOnlyList<(string Name, Tensor Tensor)> tensors, IReadOnlyDictionary<string, string> metadata)
    {
        SafeTensorsEntry[] entries = new SafeTensorsEntry[tensors.Count];
        long begin = 0;
        foreach ((int i, ElementType type) in tensors
            .Select((pair, i) => (Index: i, Type: ElementType.Of(pair.Tensor.dtype)!))
            .OrderByDescending(pair => pair.Type.Size))
        {
            (string name, Tensor tensor) = tensors[i];
            long end = begin + tensor.numel() * type.Size;
            entries[i] = new SafeTensorsEntry(name, type, tensor.shape, begin, end);
            begin = end;
        }
        return new SafeTensorsHeader(entries, metadata);
    }
}
