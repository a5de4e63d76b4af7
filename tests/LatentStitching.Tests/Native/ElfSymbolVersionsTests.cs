using LatentStitching.Native;

namespace LatentStitching.Tests.Native;

public sealed class ElfSymbolVersionsTests
{
    private const ulong Strings = 5, StringsSize = 10, SymbolTable = 6, VersionSymbols = 0x6ffffff0, Needs = 0x6ffffffe, GnuHash = 0x6ffffef5;
    private const ulong Rela = 7, RelaSize = 8, Definitions = 0x6ffffffc;

    [Fact]
    public void MakeWeak_OnlyTheHarmlessSymbolAsks_SetsOneFlagAndNothingElse()
    {
        ElfBuilder builder = new();
        byte[] image = builder.Build(), before = [.. image];

        MakeWeak(image).Should().Be(ElfFault.None);

        int at = builder.FlagOffsets[ElfBuilder.Version];
        image[at].Should().Be(2);
        image[at] = 0;
        image.Should().Equal(before);
    }

    [Fact]
    public void MakeWeak_OtherFlagsSet_KeepsThem()
    {
        ElfBuilder builder = new();
        builder.Needs[2] = builder.Needs[2] with { Flags = 4 };
        byte[] image = builder.Build();

        MakeWeak(image).Should().Be(ElfFault.None);

        image[builder.FlagOffsets[ElfBuilder.Version]].Should().Be(6);
    }

    [Fact]
    public void MakeWeak_SystemVHashTable_Works() => MakeWeak(new ElfBuilder { SystemVHash = true }.Build()).Should().Be(ElfFault.None);

    [Fact]
    public void MakeWeak_NoSymbolIsExported_Works()
    {
        ElfBuilder builder = new();
        byte[] image = builder.Build();
        MakeWeak(ElfBuilder.With(image, builder.TableOffsets[GnuHash] + 24, 0u)).Should().Be(ElfFault.None);
    }

    [Fact]
    public void MakeWeak_HiddenBitInTheVersionTable_IsNotPartOfTheIndex()
    {
        ElfBuilder builder = new();
        builder.Symbols[1] = (ElfBuilder.Symbol, 18 | 0x8000);
        MakeWeak(builder.Build()).Should().Be(ElfFault.None);
        builder.Symbols[2] = ("_Znwm", 18 | 0x8000);
        Unchanged(builder).Should().Be(ElfFault.OtherSymbolAsks);
    }

    [Fact]
    public void MakeWeak_Twice_SaysAlreadyWeak()
    {
        byte[] image = new ElfBuilder().Build();
        MakeWeak(image);
        MakeWeak(image).Should().Be(ElfFault.AlreadyWeak);
    }

    [Fact]
    public void MakeWeak_VersionNotAskedFor_LeavesTheImage()
    {
        ElfBuilder builder = new();
        builder.Needs.RemoveAt(2);
        Unchanged(builder).Should().Be(ElfFault.VersionAbsent);
    }

    [Fact]
    public void MakeWeak_SameVersionNameOfAnotherFile_LeavesTheImage()
    {
        ElfBuilder builder = new();
        builder.Needs[2] = builder.Needs[2] with { File = "libother.so.1" };
        Unchanged(builder).Should().Be(ElfFault.VersionAbsent);
    }

    [Fact]
    public void MakeWeak_FileWithoutVersions_LeavesTheImage()
    {
        ElfBuilder builder = new();
        builder.Needs.Clear();
        Unchanged(builder).Should().Be(ElfFault.VersionAbsent);
    }

    [Fact]
    public void MakeWeak_AnotherSymbolAsks_LeavesTheImage()
    {
        ElfBuilder builder = new();
        builder.Symbols.Insert(3, ("_ZSt4cout", 18));
        Unchanged(builder).Should().Be(ElfFault.OtherSymbolAsks);
    }

    [Fact]
    public void MakeWeak_ARelocationRefersToTheSymbol_LeavesTheImage()
    {
        ElfBuilder data = new(), plt = new(), shortened = new(), shortPlt = new() { PltWithoutAddends = true };
        data.Relocations.Add(2);
        plt.PltRelocations.Add(2);
        shortened.ShortRelocations.Add(2);
        shortPlt.PltRelocations.Add(2);
        foreach (var builder in new[] { data, plt, shortened, shortPlt }) Unchanged(builder).Should().Be(ElfFault.SymbolIsUsed);
    }

    [Fact]
    public void MakeWeak_WrongKindOfFile_SaysWhich()
    {
        byte[] image = new ElfBuilder().Build();
        MakeWeak([]).Should().Be(ElfFault.NotElf);
        MakeWeak("#!/bin/sh\n"u8.ToArray()).Should().Be(ElfFault.NotElf);
        MakeWeak(Changed(image, 4, 1)).Should().Be(ElfFault.Not64Bit);
        MakeWeak(Changed(image, 5, 2)).Should().Be(ElfFault.BigEndian);
        MakeWeak(Changed(image, 0x38, 0)).Should().Be(ElfFault.NoDynamicTable, "there is no program header");
        MakeWeak(Changed(image, 0x36, 32)).Should().Be(ElfFault.NoDynamicTable, "program headers have another size");
        MakeWeak(Changed(image, 64 + 56, 9)).Should().Be(ElfFault.NoDynamicTable, "there is no dynamic section");
    }

    [Fact]
    public void MakeWeak_CutShortAnywhere_LeavesTheImage()
    {
        byte[] image = new ElfBuilder().Build();
        for (int length = 4; length < image.Length; length++) MakeWeak(image[..length]).Should().Be(ElfFault.Truncated, "{0} bytes are left", length);
    }

    [Theory]
    [InlineData(Strings)]
    [InlineData(SymbolTable)]
    [InlineData(VersionSymbols)]
    [InlineData(Needs)]
    [InlineData(Rela)]
    [InlineData(GnuHash)]
    public void MakeWeak_AddressOutsideTheSegments_LeavesTheImage(ulong tag)
    {
        ElfBuilder builder = new();
        byte[] image = builder.Build();
        foreach (ulong address in new ulong[] { 0, ElfBuilder.Base - 1, ElfBuilder.Base + (ulong)image.Length, long.MaxValue, ulong.MaxValue - 1 })
        {
            MakeWeak(ElfBuilder.With(image, builder.TagOffsets[tag], address)).Should().Be(ElfFault.OutsideSegments, "the address is {0:x}", address);
        }
    }

    [Theory]
    [InlineData(Strings)]
    [InlineData(StringsSize)]
    [InlineData(SymbolTable)]
    [InlineData(VersionSymbols)]
    [InlineData(RelaSize)]
    [InlineData(GnuHash)]
    public void MakeWeak_TableNotNamed_LeavesTheImage(ulong tag)
    {
        ElfBuilder builder = new();
        builder.Omitted.Add(tag);
        Unchanged(builder).Should().Be(ElfFault.NoDynamicTable);
    }

    [Theory]
    [InlineData(StringsSize, ulong.MaxValue)]
    [InlineData(StringsSize, 1ul)]
    [InlineData(RelaSize, ulong.MaxValue)]
    public void MakeWeak_ImpossibleSize_LeavesTheImage(ulong tag, ulong size)
    {
        ElfBuilder builder = new();
        byte[] image = builder.Build();
        MakeWeak(ElfBuilder.With(image, builder.TagOffsets[tag], size)).Should().Be(ElfFault.OutsideSegments);
    }

    [Theory]
    [InlineData(64 + 8)] // offset of the loaded segment
    [InlineData(64 + 32)] // and its length
    [InlineData(64 + 56 + 8)] // the same of the dynamic section
    [InlineData(64 + 56 + 32)]
    [InlineData(0x20)] // offset of the program headers
    public void MakeWeak_OffsetsThatOverflow_AreTruncation(int at)
    {
        byte[] image = new ElfBuilder().Build();
        foreach (ulong value in new ulong[] { ulong.MaxValue, ulong.MaxValue - 100, long.MaxValue, uint.MaxValue, (ulong)image.Length + 1 })
        {
            MakeWeak(ElfBuilder.With(image, at, value)).Should().Be(ElfFault.Truncated);
        }
    }

    [Fact]
    public void MakeWeak_RecordsLeadOutOfTheFile_LeavesTheImage()
    {
        ElfBuilder builder = new();
        byte[] image = builder.Build();
        int needs = builder.TableOffsets[Needs];
        foreach (int field in new[] { 4 /* name */, 8 /* first record */, 12 /* next file */, 16 + 8 /* name */ })
        {
            foreach (uint value in new[] { uint.MaxValue, 0x7fffffffu, (uint)image.Length })
            {
                MakeWeak(ElfBuilder.With(image, needs + field, value)).Should().Be(ElfFault.OutsideSegments, "field {0} is {1:x}", field, value);
            }
        }
        MakeWeak(ElfBuilder.With(image, builder.TableOffsets[GnuHash], uint.MaxValue)).Should().Be(ElfFault.OutsideSegments, "there are no such buckets");
        MakeWeak(ElfBuilder.With(image, builder.TableOffsets[GnuHash] + 24, uint.MaxValue)).Should().Be(ElfFault.OutsideSegments, "the chain starts beyond");
        MakeWeak(ElfBuilder.With(image, builder.TableOffsets[Rela] + 12, uint.MaxValue)).Should().Be(ElfFault.OutsideSegments, "there is no such symbol");
    }

    [Fact]
    public void ReadNeeded_ChainOfVeryManyRecords_Ends()
    {
        // Each file record claims 65535 versions and points one byte on, into itself: billions of steps for a reader that only follows.
        ElfBuilder builder = new();
        for (ushort i = 0; i < 4000; i++) builder.Needs.Add((ElfBuilder.Cxx, "V", i, 0));
        byte[] image = builder.Build();
        int needs = builder.TableOffsets[Needs], last = builder.FlagOffsets["V"];
        for (int at = needs; at < last; at += 2)
        {
            image[at] = 1;
            image[at + 1] = 0;
        }
        ElfSymbolVersions.ReadNeeded(image, out var found);
        found.Count.Should().BeLessThan(1 << 15);

        ElfSymbolVersions.ReadNeeded(LongChain(1 << 16), out found).Should().Be(ElfFault.EndlessChain);
        found.Count.Should().BeLessThan(1 << 15);
    }

    [Fact]
    public void ReadNeeded_ListsFileVersionIndexAndFlags()
    {
        ElfBuilder builder = new();
        builder.Needs[3] = builder.Needs[3] with { Flags = 2 };

        ElfSymbolVersions.ReadNeeded(builder.Build(), out var needed).Should().Be(ElfFault.None);

        needed.Select(n => (n.File, n.Version, n.Index, n.Flags)).Should().Equal(builder.Needs);
        needed.Select(n => n.IsWeak).Should().Equal(false, false, false, true);
    }

    [Fact]
    public void ReadProvided_ListsTheDefinitions()
    {
        ElfBuilder builder = new();
        builder.Definitions.AddRange(["libstdc++.so.6", "GLIBCXX_3.4", "GLIBCXX_3.4.30"]);

        byte[] image = builder.Build();
        ElfSymbolVersions.ReadProvided(image, out var provided).Should().Be(ElfFault.None);
        provided.Should().Equal(builder.Definitions);

        ElfSymbolVersions.ReadProvided(new ElfBuilder().Build(), out provided).Should().Be(ElfFault.None);
        provided.Should().BeEmpty();
        foreach (int field in new[] { 12 /* name record */, 16 /* next */ })
        {
            byte[] damaged = ElfBuilder.With(image, builder.TableOffsets[Definitions] + field, uint.MaxValue);
            ElfSymbolVersions.ReadProvided(damaged, out _).Should().Be(ElfFault.OutsideSegments);
        }
    }

    [Fact]
    public void Describe_EveryFault_HasItsOwnText() =>
        Enum.GetValues<ElfFault>().Select(f => f.Describe()).Should().OnlyHaveUniqueItems();

    private static byte[] LongChain(int records)
    {
        // Every record is a file with no version of its own, the next 16 bytes on.
        ElfBuilder builder = new();
        for (int i = 0; i < records; i++) builder.Needs.Add((ElfBuilder.Cxx, "V", 7, 0));
        byte[] image = builder.Build();
        int needs = builder.TableOffsets[Needs];
        for (int i = 0; i < records; i++)
        {
            int at = needs + 16 * i;
            image.AsSpan(at, 16).Clear();
            image[at + 12] = 16;
        }
        return image;
    }

    private static ElfFault MakeWeak(byte[] image) => ElfSymbolVersions.MakeWeak(image, ElfBuilder.Cxx, ElfBuilder.Version, ElfBuilder.Symbol);

    private static ElfFault Unchanged(ElfBuilder builder)
    {
        byte[] image = builder.Build(), before = [.. image];
        var fault = MakeWeak(image);
        image.Should().Equal(before);
        return fault;
    }

    private static byte[] Changed(byte[] image, int at, byte value)
    {
        byte[] changed = [.. image];
        changed[at] = value;
        return changed;
    }
}
