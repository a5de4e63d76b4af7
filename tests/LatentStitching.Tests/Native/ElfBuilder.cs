#pragma warning disable CA1001 // a MemoryStream holds nothing to dispose
using System.Buffers.Binary;
using System.Text;

namespace LatentStitching.Tests.Native;

/// <summary>Writes a small 64-bit little-endian shared object: one loaded segment, a dynamic section, and the tables it names.</summary>
internal sealed class ElfBuilder
{
    public const string Cxx = "libstdc++.so.6", Version = "GLIBCXX_3.4.32", Symbol = "_ZSt21ios_base_library_initv";
    public const ulong Base = 0x10000; // addresses differ from offsets, as in a real file's later segments

    private readonly MemoryStream _bytes = new();
    private readonly List<(ulong Tag, ulong Value)> _dynamic = [];
    private readonly StringBuilder _strings = new("\0");

    /// <summary>File, version, version index, flags.</summary>
    public List<(string File, string Version, ushort Index, ushort Flags)> Needs { get; } =
    [
        ("libc.so.6", "GLIBC_2.2.5", 3, 0),
        (Cxx, "GLIBCXX_3.4", 2, 0),
        (Cxx, Version, 18, 0),
        (Cxx, "CXXABI_1.3", 4, 0),
    ];

    /// <summary>Name and version index of each symbol after the empty first; the last one counts as exported.</summary>
    public List<(string Name, ushort Index)> Symbols { get; } = [("memcpy", 3), (Symbol, 18), ("_Znwm", 2), ("THSTensor_add", 1)];

    /// <summary>The symbol that each relocation refers to.</summary>
    public List<uint> Relocations { get; } = [0, 1];

    public List<uint> PltRelocations { get; } = [3];

    /// <summary>Relocations without addends; the table is left out if there are none.</summary>
    public List<uint> ShortRelocations { get; } = [];

    public List<string> Definitions { get; } = [];

    public bool SystemVHash { get; init; }

    public bool PltWithoutAddends { get; init; }

    /// <summary>Tags to leave out of the dynamic section.</summary>
    public HashSet<ulong> Omitted { get; } = [];

    /// <summary>Where each dynamic entry's value, and each Vernaux's flags, stand in the built file.</summary>
    public Dictionary<ulong, int> TagOffsets { get; } = [];

    public Dictionary<string, int> FlagOffsets { get; } = [];

    public Dictionary<ulong, int> TableOffsets { get; } = [];

    public int DynamicOffset { get; private set; }

    public byte[] Build()
    {
        foreach (string name in Needs.SelectMany(n => new[] { n.File, n.Version }).Concat(Symbols.Select(s => s.Name)).Concat(Definitions)) String(name);
        _bytes.SetLength(64 + 2 * 56);
        _bytes.Position = _bytes.Length;

        Begin(5);
        _bytes.Write(Encoding.ASCII.GetBytes(_strings.ToString()));
        _dynamic.Add((10, (ulong)_strings.Length));
        Begin(6);
        Put(new byte[24]);
        foreach (var (name, _) in Symbols) Put(U32(String(name)), new byte[20]);
        Begin(0x6ffffff0);
        Put(U16(0));
        foreach (var (_, index) in Symbols) Put(U16(index));
        WriteHash();
        if (Needs.Count > 0) WriteNeeds();
        if (Definitions.Count > 0) WriteDefinitions();
        WriteRelocations(7, 8, Relocations, addends: true);
        WriteRelocations(23, 2, PltRelocations, !PltWithoutAddends);
        _dynamic.Add((20, PltWithoutAddends ? 17u : 7u));
        if (ShortRelocations.Count > 0) WriteRelocations(17, 18, ShortRelocations, addends: false);
        WriteDynamic();
        return WriteHeaders();
    }

    private void WriteHash()
    {
        if (SystemVHash)
        {
            Begin(4);
            Put(U32(1), U32(Symbols.Count + 1), new byte[4 * (Symbols.Count + 2)]);
            return;
        }
        Begin(0x6ffffef5);
        Put(U32(1), U32(Symbols.Count), U32(1), U32(0), new byte[8], U32(Symbols.Count), U32(1));
    }

    private void WriteNeeds()
    {
        Begin(0x6ffffffe);
        var files = Needs.GroupBy(n => n.File, StringComparer.Ordinal).ToList();
        _dynamic.Add((0x6fffffff, (ulong)files.Count));
        foreach (var file in files)
        {
            int count = file.Count();
            Put(U16(1), U16(count), U32(String(file.Key)), U32(16), U32(file == files[^1] ? 0 : 16 + 16 * count));
            foreach (var need in file)
            {
                FlagOffsets[need.Version] = (int)_bytes.Position + 4;
                Put(U32(0), U16(need.Flags), U16(need.Index), U32(String(need.Version)), U32(--count == 0 ? 0 : 16));
            }
        }
    }

    private void WriteDefinitions()
    {
        Begin(0x6ffffffc);
        _dynamic.Add((0x6ffffffd, (ulong)Definitions.Count));
        foreach (string name in Definitions)
        {
            Put(U16(1), U16(0), U16(2), U16(1), U32(0), U32(20), U32(name == Definitions[^1] ? 0 : 28), U32(String(name)), U32(0));
        }
    }

    private void WriteRelocations(ulong tag, ulong sizeTag, List<uint> symbols, bool addends)
    {
        Begin(tag);
        foreach (uint symbol in symbols) Put(new byte[8], U32(6), U32((int)symbol), new byte[addends ? 8 : 0]);
        _dynamic.Add((sizeTag, (ulong)(symbols.Count * (addends ? 24 : 16))));
    }

    private void WriteDynamic()
    {
        Align();
        DynamicOffset = (int)_bytes.Position;
        foreach (var (tag, value) in _dynamic.Where(d => !Omitted.Contains(d.Tag)).Append((0u, 0u)))
        {
            TagOffsets[tag] = (int)_bytes.Position + 8;
            Put(U64(tag), U64(value));
        }
    }

    private byte[] WriteHeaders()
    {
        byte[] image = _bytes.ToArray();
        ulong length = (ulong)image.Length;
        _bytes.Position = 0;
        Put([0x7f, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1, 0], new byte[8], U16(3), U16(62), U32(1));
        Put(U64(0), U64(64), U64(0), U32(0), U16(64), U16(56), U16(2));
        _bytes.Position = 64;
        Put(U32(1), U32(6), U64(0), U64(Base), U64(Base), U64(length), U64(length), U64(4096));
        ulong dynamic = (ulong)DynamicOffset;
        Put(U32(2), U32(6), U64(dynamic), U64(Base + dynamic), U64(Base + dynamic), U64(length - dynamic), U64(length - dynamic), U64(8));
        return _bytes.ToArray();
    }

    private void Begin(ulong tag)
    {
        Align();
        TableOffsets[tag] = (int)_bytes.Position;
        _dynamic.Add((tag, Base + (ulong)_bytes.Position));
    }

    private void Align() => Put(new byte[(8 - _bytes.Position % 8) % 8]);

    private int String(string text)
    {
        int at = _strings.ToString().IndexOf("\0" + text + "\0", StringComparison.Ordinal);
        if (at >= 0) return at + 1;
        _strings.Append(text).Append('\0');
        return _strings.Length - text.Length - 1;
    }

    private void Put(params byte[][] parts)
    {
        foreach (byte[] part in parts) _bytes.Write(part);
    }

    private static byte[] U16(int value) => BitConverter.GetBytes((ushort)value);

    private static byte[] U32(int value) => BitConverter.GetBytes(value);

    private static byte[] U64(ulong value) => BitConverter.GetBytes(value);

    public static byte[] With(byte[] image, int at, ulong value)
    {
        byte[] changed = [.. image];
        BinaryPrimitives.WriteUInt64LittleEndian(changed.AsSpan(at), value);
        return changed;
    }

    public static byte[] With(byte[] image, int at, uint value)
    {
        byte[] changed = [.. image];
        BinaryPrimitives.WriteUInt32LittleEndian(changed.AsSpan(at), value);
        return changed;
    }
}
