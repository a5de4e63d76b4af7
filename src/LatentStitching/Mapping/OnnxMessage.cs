using System.Text;

namespace LatentStitching.Mapping;

/// <summary>A Protocol Buffers message under construction. Tensors are written from where they are: only lengths are summed beforehand.</summary>
/// <remarks>Source: <see href="https://protobuf.dev/programming-guides/encoding/">the wire format</see>: a field is (number &lt;&lt; 3 | type), type 0 a varint, type 2 a length and that many bytes.</remarks>
internal sealed class OnnxMessage
{
    private readonly List<(byte[]? Bytes, Tensor? Numbers)> _chunks = [];

    public long Length { get; private set; }

    public OnnxMessage Number(int field, long value)
    {
        Varint((ulong)(field << 3));
        Varint(unchecked((ulong)value));
        return this;
    }

    public OnnxMessage Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    public OnnxMessage Bytes(int field, byte[] value)
    {
        Head(field, value.Length);
        Add(value);
        return this;
    }

    /// <summary>A contiguous tensor on the CPU, not scalar; it must live until <see cref="WriteTo"/>.</summary>
    public OnnxMessage Raw(int field, Tensor numbers)
    {
        long length = numbers.numel() * numbers.element_size();
        Head(field, length);
        _chunks.Add((null, numbers));
        Length += length;
        return this;
    }

    public OnnxMessage Part(int field, OnnxMessage part)
    {
        Head(field, part.Length);
        _chunks.AddRange(part._chunks);
        Length += part.Length;
        return this;
    }

    public void WriteTo(Stream stream)
    {
        foreach ((byte[]? bytes, Tensor? numbers) in _chunks)
        {
            if (bytes is not null) stream.Write(bytes);
            for (long row = 0; numbers is not null && row < numbers.size(0); row++)
            {
                using Tensor one = numbers[row];
                using Tensor flat = one.flatten();
                stream.Write(flat.bytes);
            }
        }
    }

    private void Head(int field, long length)
    {
        Varint((ulong)((field << 3) | 2));
        Varint((ulong)length);
    }

    private void Varint(ulong value)
    {
        List<byte> bytes = [];
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        Add([.. bytes]);
    }

    private void Add(byte[] bytes)
    {
        _chunks.Add((bytes, null));
        Length += bytes.Length;
    }
}
