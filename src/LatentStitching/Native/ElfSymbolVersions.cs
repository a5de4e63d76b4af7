using System.Buffers.Binary;
using static LatentStitching.Native.ElfImage;

namespace LatentStitching.Native;

/// <summary>One symbol version that a shared object asks for, and where its flags stand in the file.</summary>
internal readonly record struct NeededVersion(string File, string Version, ushort Index, ushort Flags, int FlagsOffset)
{
    /// <summary>Whether the dynamic linker lets the file load although the version is missing.</summary>
    public bool IsWeak => (Flags & ElfSymbolVersions.Weak) != 0;
}

/// <summary>Reads which symbol versions a shared object asks for and provides, and makes one of the former weak.</summary>
/// <remarks>
/// Layouts: <see href="https://refspecs.linuxfoundation.org/LSB_5.0.0/LSB-Core-generic/LSB-Core-generic/symversion.html">Linux
/// Standard Base 5.0, Symbol Versioning</see>.
/// </remarks>
internal static class ElfSymbolVersions
{
    /// <summary>VER_FLG_WEAK of elf.h.</summary>
    public const ushort Weak = 2;

    private const ulong StringTable = 5, StringTableSize = 10, SymbolTable = 6, Hash = 4, GnuHash = 0x6ffffef5;
    private const ulong VersionSymbols = 0x6ffffff0, VersionNeeds = 0x6ffffffe, VersionDefinitions = 0x6ffffffc;
    private const ulong Rela = 7, RelaSize = 8, Rel = 17, RelSize = 18, PltRel = 23, PltRelSize = 2, PltRelKind = 20;
    private const int RelaEntry = 24, RelEntry = 16, SymbolEntry = 24;

    // A version index has 15 bits, so no honest file holds more records than that.
    private const int MostRecords = 1 << 15;
    private const ushort IndexBits = 0x7fff;

    /// <summary>Lists the versions that the file asks for; none if it is not versioned.</summary>
    public static ElfFault ReadNeeded(ReadOnlySpan<byte> image, out List<NeededVersion> needed)
    {
        needed = [];
        var fault = Open(image, out var elf);
        return fault != ElfFault.None ? fault : ReadNeeded(elf, needed);
    }

    /// <summary>Lists the versions that the file provides; none if it is not versioned.</summary>
    public static ElfFault ReadProvided(ReadOnlySpan<byte> image, out List<string> provided)
    {
        provided = [];
        var fault = Open(image, out var elf);
        if (fault != ElfFault.None || !elf.TryGetTag(VersionDefinitions, out _)) return fault;
        if ((fault = elf.TryGetTable(StringTable, StringTableSize, out var strings)) != ElfFault.None) return fault;
        if ((fault = elf.TryGetTable(VersionDefinitions, out var table, out _)) != ElfFault.None) return fault;

        long at = 0;
        while (true)
        {
            if (provided.Count == MostRecords) return ElfFault.EndlessChain;
            if (at + 20 > table.Length) return ElfFault.OutsideSegments;
            long first = at + U32(table, (int)at + 12);
            if (first + 8 > table.Length || Name(strings, U32(table, (int)first)) is not { } name) return ElfFault.OutsideSegments;
            provided.Add(name);
            uint next = U32(table, (int)at + 16);
            if (next == 0) return ElfFault.None;
            at += next;
        }
    }

    /// <summary>
    /// Marks the requirement for a version as weak, so that the dynamic linker no longer refuses the file where that version is
    /// missing; does so only if no other symbol asks for the version and no relocation refers to any symbol of it.
    /// </summary>
    /// <returns><see cref="ElfFault.None"/> if the requirement was made weak; otherwise why the image is as it was.</returns>
    public static ElfFault MakeWeak(Span<byte> image, string file, string version, string harmlessSymbol)
    {
        var fault = Open(image, out var elf);
        if (fault != ElfFault.None) return fault;
        List<NeededVersion> all = [];
        if ((fault = ReadNeeded(elf, all)) != ElfFault.None) return fault;
        var found = all.FindAll(n => n.File == file && n.Version == version);
        if (found.Count == 0) return ElfFault.VersionAbsent;
        if (found.TrueForAll(n => n.IsWeak)) return ElfFault.AlreadyWeak;

        if ((fault = elf.TryGetTable(VersionSymbols, out var versions, out _)) != ElfFault.None) return fault;
        foreach (var one in found)
        {
            if ((fault = CheckSymbols(elf, versions, one.Index, harmlessSymbol)) != ElfFault.None) return fault;
            if ((fault = CheckRelocations(elf, versions, one.Index)) != ElfFault.None) return fault;
        }
        foreach (var one in found) BinaryPrimitives.WriteUInt16LittleEndian(image[one.FlagsOffset..], (ushort)(one.Flags | Weak));
        return ElfFault.None;
    }

    private static ElfFault ReadNeeded(in ElfImage elf, List<NeededVersion> needed)
    {
        if (!elf.TryGetTag(VersionNeeds, out _)) return ElfFault.None;
        if (elf.TryGetTable(StringTable, StringTableSize, out var strings) is var fault and not ElfFault.None) return fault;
        if ((fault = elf.TryGetTable(VersionNeeds, out var table, out int offset)) != ElfFault.None) return fault;

        int records = 0;
        long at = 0;
        while (true)
        {
            if (++records > MostRecords) return ElfFault.EndlessChain;
            if (at + 16 > table.Length || Name(strings, U32(table, (int)at + 4)) is not { } file) return ElfFault.OutsideSegments;
            long aux = at + U32(table, (int)at + 8);
            for (int left = U16(table, (int)at + 2); left > 0; left--)
            {
                if (++records > MostRecords) return ElfFault.EndlessChain;
                if (aux + 16 > table.Length || Name(strings, U32(table, (int)aux + 8)) is not { } version) return ElfFault.OutsideSegments;
                int flags = (int)aux + 4;
                needed.Add(new(file, version, (ushort)(U16(table, (int)aux + 6) & IndexBits), U16(table, flags), offset + flags));
                uint nextAux = U32(table, (int)aux + 12);
                if (nextAux == 0) break;
                aux += nextAux;
            }
            uint next = U32(table, (int)at + 12);
            if (next == 0) return ElfFault.None;
            at += next;
        }
    }

    private static ElfFault CheckSymbols(in ElfImage elf, ReadOnlySpan<byte> versions, ushort index, string harmlessSymbol)
    {
        if (elf.TryGetTable(StringTable, StringTableSize, out var strings) is var fault and not ElfFault.None) return fault;
        if ((fault = elf.TryGetTable(SymbolTable, out var symbols, out _)) != ElfFault.None) return fault;
        if ((fault = CountSymbols(elf, out long count)) != ElfFault.None) return fault;
        if (count * SymbolEntry > symbols.Length || count * 2 > versions.Length) return ElfFault.OutsideSegments;
        for (int symbol = 0; symbol < count; symbol++)
        {
            if ((U16(versions, 2 * symbol) & IndexBits) == index && Name(strings, U32(symbols, SymbolEntry * symbol)) != harmlessSymbol)
            {
                return ElfFault.OtherSymbolAsks;
            }
        }
        return ElfFault.None;
    }

    // The dynamic section gives the symbol table no length: it follows from the hash table, whose last chain ends at the last symbol.
    private static ElfFault CountSymbols(in ElfImage elf, out long count)
    {
        count = 0;
        if (elf.TryGetTable(Hash, out var table, out _) == ElfFault.None)
        {
            if (table.Length < 8) return ElfFault.OutsideSegments;
            count = U32(table, 4);
            return ElfFault.None;
        }
        if (elf.TryGetTable(GnuHash, out table, out _) is var fault and not ElfFault.None) return fault;
        if (table.Length < 16) return ElfFault.OutsideSegments;
        long buckets = U32(table, 0), chained = U32(table, 4), bucketsAt = 16 + 8L * U32(table, 8), chainsAt = bucketsAt + 4 * buckets;
        if (chainsAt > table.Length) return ElfFault.OutsideSegments;
        uint last = 0;
        for (long at = bucketsAt; at < chainsAt; at += 4) last = Math.Max(last, U32(table, (int)at));
        count = chained;
        if (last < chained) return ElfFault.None; // no symbol is exported
        for (count = last; ; count++)
        {
            long at = chainsAt + 4 * (count - chained);
            if (at + 4 > table.Length) return ElfFault.OutsideSegments;
            if ((U32(table, (int)at) & 1) == 0) continue;
            count++;
            return ElfFault.None;
        }
    }

    private static ElfFault CheckRelocations(in ElfImage elf, ReadOnlySpan<byte> versions, ushort index)
    {
        bool pltHasAddends = !elf.TryGetTag(PltRelKind, out ulong kind) || kind != Rel;
        var fault = CheckRelocations(elf, Rela, RelaSize, RelaEntry, versions, index);
        if (fault == ElfFault.None) fault = CheckRelocations(elf, Rel, RelSize, RelEntry, versions, index);
        if (fault == ElfFault.None) fault = CheckRelocations(elf, PltRel, PltRelSize, pltHasAddends ? RelaEntry : RelEntry, versions, index);
        return fault;
    }

    private static ElfFault CheckRelocations(in ElfImage elf, ulong tag, ulong sizeTag, int entry, ReadOnlySpan<byte> versions, ushort index)
    {
        if (!elf.TryGetTag(tag, out _)) return ElfFault.None;
        if (elf.TryGetTable(tag, sizeTag, out var table) is var fault and not ElfFault.None) return fault;
        for (int at = 0; at + entry <= table.Length; at += entry)
        {
            long symbol = U32(table, at + 12); // the upper half of r_info
            if (2 * symbol + 2 > versions.Length) return ElfFault.OutsideSegments;
            if (symbol != 0 && (U16(versions, (int)(2 * symbol)) & IndexBits) == index) return ElfFault.SymbolIsUsed;
        }
        return ElfFault.None;
    }
}
