using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;

namespace LatentStitching.Checkpoints;

/// <summary>Reads one array from a stream of a known length.</summary>
/// <param name="stream">Stands at the array's first byte.</param>
/// <param name="length">The bytes from there to the array's end.</param>
/// <param name="owner">Begins every message: the file, in quotes.</param>
internal sealed class NumPyReader(Stream stream, long length, string owner)
{
    private long _at;

    /// <summary>A fresh contiguous tensor on the CPU. The sizes are checked before memory for it is taken.</summary>
    public Tensor Read()
    {
        NumPyHeader header = ReadHeader();
        if (header.Type.BytesOf(header.Shape) is not var (bytes, _))
        {
            throw Invalid($"must have a shape of less than 2^63 bytes, but it is ({string.Join(", ", header.Shape)}).");
        }
        if (bytes > length - _at)
        {
            throw Invalid($"must hold its whole array, but {header.Type.Code} of shape ({string.Join(", ", header.Shape)}) takes {bytes} bytes and {length - _at} follow the header. The file is cut short.");
        }
        if (bytes < length - _at)
        {
            throw Invalid($"must end with its array, but {length - _at - bytes} bytes follow. Several arrays in one file have to be loaded in Python, and saved by numpy.savez.");
        }
        using var scope = NewDisposeScope();
        // Columns first is the same bytes as rows first of the turned shape.
        long[] shape = header.ColumnMajor ? [.. header.Shape.Reverse()] : header.Shape;
        Tensor result = empty(shape, header.Type.Dtype, CPU);
        TensorBytes.InBlocks(result, block => Fill(header, block));
        if (!TensorBytes.AreBooleans(result)) throw Invalid("must hold Booleans as bytes 0 and 1, but it holds others. The file is damaged.");
        if (header.ColumnMajor) result = result.permute([.. Enumerable.Range(0, shape.Length).Reverse().Select(i => (long)i)]).contiguous();
        return result.MoveToOuterDisposeScope();
    }

    private NumPyHeader ReadHeader()
    {
        Span<byte> begin = stackalloc byte[8];
        if (length < begin.Length + 2) throw Invalid($"must begin with NumPy's magic bytes and a version, but it holds {length} bytes.");
        ReadExactly(begin);
        if (!begin.StartsWith(NumPyHeader.Magic))
        {
            throw Invalid($"must begin with NumPy's magic bytes {Convert.ToHexStringLower(NumPyHeader.Magic)}, but it begins with {Convert.ToHexStringLower(begin[..6])}.");
        }
        if (begin[6] is not (1 or 2 or 3) || begin[7] != 0) throw Invalid($"must be of version 1.0, 2.0 or 3.0, but it is of version {begin[6]}.{begin[7]}.");
        Span<byte> size = stackalloc byte[begin[6] == 1 ? 2 : 4];
        if (length - _at < size.Length) throw Invalid($"must begin with NumPy's magic bytes, a version and its header's length, but it holds {length} bytes.");
        ReadExactly(size);
        long headerLength = size.Length == 2 ? BinaryPrimitives.ReadUInt16LittleEndian(size) : BinaryPrimitives.ReadUInt32LittleEndian(size);
        if (headerLength > NumPyHeader.MaxLength) throw Invalid($"must have a header of at most {NumPyHeader.MaxLength} bytes, but it declares {headerLength}.");
        if (headerLength > length - _at) throw Invalid($"must hold its whole header, but that is {headerLength} bytes long and {length - _at} follow. The file is cut short.");
        byte[] text = new byte[headerLength];
        ReadExactly(text);
        return NumPyHeader.Parse(begin[6] == 3 ? Encoding.UTF8.GetString(text) : Encoding.Latin1.GetString(text), owner);
    }

    private void Fill(NumPyHeader header, Span<byte> block)
    {
        if (header.Type.IsWidened)
        {
            Widen(header, block);
            return;
        }
        ReadExactly(block);
        if (header.BigEndian) Reverse(block, header.Type.NumberSize);
    }

    private void Widen(NumPyHeader header, Span<byte> block)
    {
        int size = header.Type.Size;
        bool fits = UnsignedNumbers.Widen(size, block, numbers =>
        {
            ReadExactly(numbers);
            if (header.BigEndian) Reverse(numbers, size);
        });
        if (!fits) throw Invalid("must hold numbers below 2^63, which TorchSharp's whole numbers end at, but it is of type u8 and holds larger ones.");
    }

    private static void Reverse(Span<byte> bytes, int size)
    {
        switch (size)
        {
            case 2:
                Span<ushort> shorts = MemoryMarshal.Cast<byte, ushort>(bytes);
                BinaryPrimitives.ReverseEndianness(shorts, shorts);
                break;
            case 4:
                Span<uint> words = MemoryMarshal.Cast<byte, uint>(bytes);
                BinaryPrimitives.ReverseEndianness(words, words);
                break;
            case 8:
                Span<ulong> longs = MemoryMarshal.Cast<byte, ulong>(bytes);
                BinaryPrimitives.ReverseEndianness(longs, longs);
                break;
        }
    }

    private void ReadExactly(Span<byte> bytes)
    {
        try
        {
            stream.ReadExactly(bytes);
        }
        catch (Exception e) when (ZipParts.IsDamage(e))
        {
            throw new InvalidDataException($"{owner} must be whole, but it is damaged or cut short: {e.Message}", e);
        }
        _at += bytes.Length;
    }

    private InvalidDataException Invalid(string text) => new($"{owner} {text}");
}
