using System.Buffers.Binary;
using System.IO.Compression;

namespace LatentStitching.Data;

/// <summary>The content of an IDX file of bytes.</summary>
internal sealed record IdxFile(IReadOnlyList<int> Dimensions, byte[] Bytes)
{
    // Deflate cannot pack more bytes than this into one.
    private const long LargestDeflateRatio = 1032;

    /// <summary>Reads a file of unsigned bytes with so many dimensions, plain or gzipped. No memory is taken for more than the file can hold.</summary>
    public static IdxFile Read(string path, int dimensions)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"There is no IDX file '{path}'.", path);
        using FileStream file = File.OpenRead(path);
        bool gzipped = file.ReadByte() == 0x1F && file.ReadByte() == 0x8B;
        file.Position = 0;
        using Stream content = gzipped ? new GZipStream(file, CompressionMode.Decompress) : file;
        return Parse(content, path, dimensions, gzipped ? file.Length * LargestDeflateRatio : file.Length);
    }

    private static IdxFile Parse(Stream content, string path, int dimensions, long mostBytes)
    {
        byte[] header = new byte[4 + (4 * dimensions)];
        int begun = Fill(content, header, path);
        if (begun < header.Length) throw Damaged($"'{path}' must begin with an IDX header of {header.Length} bytes, but it ends after {begun}.");
        uint magic = BinaryPrimitives.ReadUInt32BigEndian(header);
        uint expected = 0x0800u + (uint)dimensions;
        if (magic != expected)
        {
            throw Damaged($"'{path}' must begin with 0x{expected:X8} (IDX, unsigned bytes, {dimensions} dimension{(dimensions == 1 ? "" : "s")}), but it begins with 0x{magic:X8}.");
        }
        int[] sizes = new int[dimensions];
        UInt128 declared = 1;
        for (int i = 0; i < dimensions; i++)
        {
            uint size = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4 + (4 * i)));
            if (size is 0 or > int.MaxValue) throw Damaged($"'{path}' must have dimensions from 1 to {int.MaxValue}, but dimension {i} is {size}.");
            sizes[i] = (int)size;
            declared *= size;
        }
        string shape = string.Join(" × ", sizes);
        if (declared > (ulong)Math.Min(mostBytes, Array.MaxLength))
        {
            throw Damaged($"'{path}' must hold the {shape} bytes that its header declares, but it is too short for them.");
        }
        byte[] bytes = new byte[(int)declared];
        int read = Fill(content, bytes, path);
        if (read < bytes.Length) throw Damaged($"'{path}' must hold the {shape} bytes that its header declares, but it ends after {read}.");
        if (Fill(content, new byte[1], path) > 0) throw Damaged($"'{path}' must end after the {shape} bytes that its header declares, but it goes on.");
        return new IdxFile(sizes, bytes);
    }

    private static int Fill(Stream content, byte[] bytes, string path)
    {
        try
        {
            return content.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"'{path}' must be plain or gzipped IDX, but its gzip data is damaged: {e.Message}", e);
        }
    }

    private static InvalidDataException Damaged(string message) => new(message);
}
