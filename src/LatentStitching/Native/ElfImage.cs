using System.Buffers.Binary;
using System.Text;

namespace LatentStitching.Native;

/// <summary>
/// A view of a 64-bit little-endian ELF shared object held in memory, through what the dynamic linker itself goes by: program
/// headers and dynamic section, not section headers.
/// </summary>
/// <remarks>
/// No input makes it throw or loop: each read is checked against the segment it lies in. Layouts:
/// <see href="https://refspecs.linuxfoundation.org/elf/gabi4+/contents.html">System V gABI, chapters 4 and 5</see>.
/// </remarks>
internal readonly ref struct ElfImage
{
    private const int HeaderSize = 64, ProgramHeaderSize = 56, DynamicEntrySize = 16, LongestName = 256;
    private const uint PtLoad = 1, PtDynamic = 2;

    private readonly ReadOnlySpan<byte> _image, _programHeaders, _dynamic;

    private ElfImage(ReadOnlySpan<byte> image, ReadOnlySpan<byte> programHeaders, ReadOnlySpan<byte> dynamic)
    {
        _image = image;
        _programHeaders = programHeaders;
        _dynamic = dynamic;
    }

    /// <summary>Checks the headers, and that every loaded segment lies within the file.</summary>
    public static ElfFault Open(ReadOnlySpan<byte> image, out ElfImage elf)
    {
        elf = default;
        if (!image.StartsWith("\u007fELF"u8)) return ElfFault.NotElf;
        if (image.Length < 6) return ElfFault.Truncated;
        if (image[4] != 2) return ElfFault.Not64Bit;
        if (image[5] != 1) return ElfFault.BigEndian;
        if (image.Length < HeaderSize) return ElfFault.Truncated;

        ulong table = U64(image, 0x20);
        int size = U16(image, 0x36), count = U16(image, 0x38);
        if (size != ProgramHeaderSize || count == 0) return ElfFault.NoDynamicTable;
        if (!Lies(image, table, (ulong)(size * count))) return ElfFault.Truncated;

        var headers = image.Slice((int)table, size * count);
        ReadOnlySpan<byte> dynamic = default;
        for (int at = 0; at < headers.Length; at += ProgramHeaderSize)
        {
            uint type = U32(headers, at);
            if (type is not (PtLoad or PtDynamic)) continue;
            ulong offset = U64(headers, at + 8), length = U64(headers, at + 32);
            if (!Lies(image, offset, length)) return ElfFault.Truncated;
            if (type == PtDynamic) dynamic = image.Slice((int)offset, (int)length);
        }
        if (dynamic.Length < DynamicEntrySize) return ElfFault.NoDynamicTable;

        elf = new(image, headers, dynamic);
        return ElfFault.None;
    }

    /// <summary>The value of a dynamic tag; of several with one tag the last, as the dynamic linker takes it.</summary>
    public bool TryGetTag(ulong tag, out ulong value)
    {
        bool found = false;
        value = 0;
        for (int at = 0; at + DynamicEntrySize <= _dynamic.Length && U64(_dynamic, at) != 0; at += DynamicEntrySize)
        {
            if (U64(_dynamic, at) != tag) continue;
            value = U64(_dynamic, at + 8);
            found = true;
        }
        return found;
    }

    /// <summary>The bytes from the address in a tag to the end of the segment that holds it, and where they begin in the file.</summary>
    public ElfFault TryGetTable(ulong tag, out ReadOnlySpan<byte> table, out int offset)
    {
        table = default;
        offset = 0;
        if (!TryGetTag(tag, out ulong address)) return ElfFault.NoDynamicTable;
        for (int at = 0; at < _programHeaders.Length; at += ProgramHeaderSize)
        {
            ulong start = U64(_programHeaders, at + 16), length = U64(_programHeaders, at + 32);
            if (U32(_programHeaders, at) != PtLoad || address < start || address - start >= length) continue;
            offset = (int)(U64(_programHeaders, at + 8) + (address - start));
            table = _image.Slice(offset, (int)(length - (address - start)));
            return ElfFault.None;
        }
        return ElfFault.OutsideSegments;
    }

    /// <summary>The table in a tag, cut to the size, in bytes, that another tag gives.</summary>
    public ElfFault TryGetTable(ulong tag, ulong sizeTag, out ReadOnlySpan<byte> table)
    {
        table = default;
        if (!TryGetTag(sizeTag, out ulong size)) return ElfFault.NoDynamicTable;
        if (TryGetTable(tag, out var rest, out _) is var fault and not ElfFault.None) return fault;
        if (size > (ulong)rest.Length) return ElfFault.OutsideSegments;
        table = rest[..(int)size];
        return ElfFault.None;
    }

    /// <summary>The ended, printable name at a place in a string table, or null.</summary>
    public static string? Name(ReadOnlySpan<byte> strings, uint at)
    {
        if (at >= (uint)strings.Length) return null;
        var rest = strings[(int)at..];
        int length = rest[..Math.Min(rest.Length, LongestName)].IndexOf((byte)0);
        return length < 0 ? null : Encoding.ASCII.GetString(rest[..length]);
    }

    public static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    public static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);

    public static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);

    private static bool Lies(ReadOnlySpan<byte> image, ulong offset, ulong length) =>
        offset <= (ulong)image.Length && length <= (ulong)image.Length - offset;
}
