namespace LatentStitching.Native;

/// <summary>Why a shared object could not be read, or why its version requirement was left alone.</summary>
internal enum ElfFault
{
    None,
    NotElf,
    Not64Bit,
    BigEndian,
    Truncated,
    NoDynamicTable,
    OutsideSegments,
    EndlessChain,
    VersionAbsent,
    AlreadyWeak,
    OtherSymbolAsks,
    SymbolIsUsed,
}

internal static class ElfFaultText
{
    /// <summary>Says the fault as the end of a sentence that begins with the file's name.</summary>
    public static string Describe(this ElfFault fault) => fault switch
    {
        ElfFault.NotElf => "is not an ELF file",
        ElfFault.Not64Bit => "is not a 64-bit ELF file",
        ElfFault.BigEndian => "is not a little-endian ELF file",
        ElfFault.Truncated => "is cut short",
        ElfFault.NoDynamicTable => "lacks a dynamic section or one of the tables it must name",
        ElfFault.OutsideSegments => "names an address that lies in none of its segments",
        ElfFault.EndlessChain => "holds a chain of version records that does not end",
        ElfFault.VersionAbsent => "does not ask for the version",
        ElfFault.AlreadyWeak => "asks for the version weakly already",
        ElfFault.OtherSymbolAsks => "has another symbol that asks for the version",
        ElfFault.SymbolIsUsed => "has a relocation that refers to a symbol of the version",
        _ => "can be read",
    };
}
