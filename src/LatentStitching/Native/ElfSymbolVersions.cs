using System.Buffers.Binary;
using System.Text;

namespace LatentStitching.Native;

/// <summary>Edits the symbol-version requirements of a 64-bit little-endian ELF shared object held in memory.</summary>
internal static class ElfSymbolVersions
{
    private const int PtLoad = 1, PtDynamic = 2;
    private const long DtStrTab = 5, DtSymTab = 6, DtVerNeed = 0x6ffffffe, DtVerNeedNum = 0x6fffffff, DtVerSym = 0x6ffffff0;
    private const ushort VerFlgWeak = 2;

    /// <summary>
    /// Marks the requirement for <paramref name="version"/> as weak, so that the dynamic linker no longer refuses the
    /// file on a system whose library lacks that version. Does so only when <paramref name="harmlessSymbol"/> is the one
    /// symbol that asks for the version. Returns false, leaving <paramref name="image"/> as it was, when there is nothing to do.
    /// </summary>
    public static bool TryMakeWeak(Span<byte> image, string version, string harmlessSymbol)
    {
        if (image.Length < 64 || !image[..6].SequenceEqual("\u007fELF\u0002\u0001"u8)) return false;
        long phoff = I64(image, 0x20);
        int phsize = U16(image, 0x36), phcount = U16(image, 0x38);

        Dictionary<long, long> dynamic = [];
        List<(long Address, long Offset, long Size)> segments = [];
        for (int i = 0; i < phcount; i++)
        {
            var header = image.Slice(checked((int)(phoff + (long)i * phsize)), phsize);
            long offset = I64(header, 8), address = I64(header, 16), size = I64(header, 32);
            switch (I32(header, 0))
            {
                case PtLoad:
                    segments.Add((address, offset, size));
                    break;
                case PtDynamic:
                    for (int at = (int)offset; I64(image, at) != 0; at += 16) dynamic.TryAdd(I64(image, at), I64(image, at + 8));
                    break;
            }
        }

        if (!dynamic.TryGetValue(DtVerNeed, out long needAddress) || !dynamic.TryGetValue(DtVerNeedNum, out long needCount)
            || !dynamic.TryGetValue(DtStrTab, out long strAddress) || !dynamic.TryGetValue(DtSymTab, out long symAddress)
            || !dynamic.TryGetValue(DtVerSym, out long verAddress))
        {
            return false;
        }

        int Offset(long address)
        {
            foreach (var s in segments)
            {
                if (address >= s.Address && address < s.Address + s.Size) return checked((int)(address - s.Address + s.Offset));
            }
            throw new BadImageFormatException("An address in the dynamic section lies in no loaded segment.");
        }

        int strings = Offset(strAddress), symbols = Offset(symAddress), versions = Offset(verAddress);
        int need = Offset(needAddress);
        for (long n = 0; n < needCount; n++)
        {
            int aux = need + I32(image, need + 8);
            for (int k = U16(image, need + 2); k > 0; k--)
            {
                ushort flags = U16(image, aux + 4);
                if (Text(image, strings + I32(image, aux + 8)) == version && (flags & VerFlgWeak) == 0)
                {
                    // The symbol table has no length of its own here: the string table follows it in every linker's layout.
                    ushort index = U16(image, aux + 6);
                    int count = (strings - symbols) / 24;
                    if (count <= 0) return false;
                    for (int s = 0; s < count; s++)
                    {
                        if ((U16(image, versions + 2 * s) & 0x7fff) == index
                            && Text(image, strings + I32(image, symbols + 24 * s)) != harmlessSymbol)
                        {
                            return false;
                        }
                    }
                    BinaryPrimitives.WriteUInt16LittleEndian(image[(aux + 4)..], (ushort)(flags | VerFlgWeak));
                    return true;
                }
                aux += I32(image, aux + 12);
            }
            need += I32(image, need + 12);
        }
        return false;
    }

    private static ushort U16(ReadOnlySpan<byte> b, int at) => BinaryPrimitives.ReadUInt16LittleEndian(b[at..]);
    private static int I32(ReadOnlySpan<byte> b, int at) => BinaryPrimitives.ReadInt32LittleEndian(b[at..]);
    private static long I64(ReadOnlySpan<byte> b, int at) => BinaryPrimitives.ReadInt64LittleEndian(b[at..]);
    private static string Text(ReadOnlySpan<byte> b, int at) => Encoding.ASCII.GetString(b.Slice(at, b[at..].IndexOf((byte)0)));
}
