using System.IO.Compression;
using System.Text;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;
using static LatentStitching.Tests.Checkpoints.CheckpointFiles;

namespace LatentStitching.Tests.Checkpoints;

[NoTensorLeaks]
public sealed class NumPyTests
{
    public static byte[] Npy(string header, byte[] data, byte version = 1)
    {
        byte[] text = [.. Encoding.UTF8.GetBytes(header), (byte)'\n'];
        byte[] length = version == 1 ? BitConverter.GetBytes((ushort)text.Length) : BitConverter.GetBytes(text.Length);
        return [0x93, .. "NUMPY"u8, version, 0, .. length, .. text, .. data];
    }

    private static string Header(string descr, string shape, bool columnMajor = false) => $"{{'descr': '{descr}', 'fortran_order': {(columnMajor ? "True" : "False")}, 'shape': {shape}, }}";

    /// <summary>The bytes are those of the .npy format's specification; the numbers are 1, 2, 3, … or their likes.</summary>
    public static TheoryData<string, string, ScalarType, double[]> Types => new()
    {
        { "|b1", "010001", ScalarType.Bool, [1, 0, 1] },
        { "|i1", "01ff7f", ScalarType.Int8, [1, -1, 127] },
        { "<i2", "0100ffff0080", ScalarType.Int16, [1, -1, -32768] },
        { ">i2", "0001ffff8000", ScalarType.Int16, [1, -1, -32768] },
        { "<i4", "01000000ffffffff00000080", ScalarType.Int32, [1, -1, int.MinValue] },
        { ">i4", "00000001ffffffff80000000", ScalarType.Int32, [1, -1, int.MinValue] },
        { "<i8", "0100000000000000ffffffffffffffff0000000000002000", ScalarType.Int64, [1, -1, 1L << 53] },
        { ">i8", "0000000000000001ffffffffffffffff0020000000000000", ScalarType.Int64, [1, -1, 1L << 53] },
        { "|u1", "0180ff", ScalarType.Byte, [1, 128, 255] },
        { "<u2", "01000080ffff", ScalarType.Int32, [1, 32768, 65535] },
        { ">u2", "00018000ffff", ScalarType.Int32, [1, 32768, 65535] },
        { "<u4", "0100000000000080ffffffff", ScalarType.Int64, [1, 2147483648, 4294967295] },
        { ">u4", "0000000180000000ffffffff", ScalarType.Int64, [1, 2147483648, 4294967295] },
        { "<u8", "010000000000000000000080000000000000000000002000", ScalarType.Int64, [1, 2147483648, 1L << 53] },
        { ">u8", "000000000000000100000000800000000020000000000000", ScalarType.Int64, [1, 2147483648, 1L << 53] },
        { "<f2", "003c00c00080", ScalarType.Float16, [1, -2, 0] },
        { ">f2", "3c00c0008000", ScalarType.Float16, [1, -2, 0] },
        { "<f4", "0000803f000000c00000003f", ScalarType.Float32, [1, -2, 0.5] },
        { ">f4", "3f800000c00000003f000000", ScalarType.Float32, [1, -2, 0.5] },
        { "=f4", "0000803f000000c00000003f", ScalarType.Float32, [1, -2, 0.5] },
        { "<f8", "000000000000f03f00000000000000c0000000000000e03f", ScalarType.Float64, [1, -2, 0.5] },
        { ">f8", "3ff0000000000000c0000000000000003fe0000000000000", ScalarType.Float64, [1, -2, 0.5] },
    };

    [Theory]
    [MemberData(nameof(Types))]
    public void Load_EachTypeAndByteOrder_GivesTheNumbers(string descr, string hex, ScalarType dtype, double[] expected)
    {
        foreach (byte version in (byte[])[1, 2, 3])
        {
            With(Npy(Header(descr, "(3,)"), Convert.FromHexString(hex), version), path =>
            {
                using var scope = NewDisposeScope();
                Tensor array = NumPy.Load(path);
                array.dtype.Should().Be(dtype);
                array.to_type(ScalarType.Float64).data<double>().ToArray().Should().Equal(expected);
                using StateDictionary state = StateDictionary.Load(path);
                state.Names.Should().Equal("array");
                Same(state["array"], array).Should().BeTrue();
            });
        }
    }

    [Theory]
    [InlineData("<c8", "0000803f00000040000040400000c0c0")]
    [InlineData(">c8", "3f8000004000000040400000c0c00000")]
    [InlineData("<c16", "000000000000f03f00000000000000400000000000000840000000000000" + "18c0")]
    [InlineData(">c16", "3ff000000000000040000000000000004008000000000000c018000000000000")]
    public void Load_Complex_GivesBothParts(string descr, string hex) => With(Npy(Header(descr, "(2,)"), Convert.FromHexString(hex)), path =>
    {
        using var scope = NewDisposeScope();
        Tensor array = NumPy.Load(path);
        array.dtype.Should().Be(descr.EndsWith('8') ? ScalarType.ComplexFloat32 : ScalarType.ComplexFloat64);
        array.real.to_type(ScalarType.Float64).data<double>().ToArray().Should().Equal(1, 3);
        array.imag.to_type(ScalarType.Float64).data<double>().ToArray().Should().Equal(2, -6);
    });

    [Fact]
    public void Load_Shapes_OfEitherOrder()
    {
        byte[] six = [0, 1, 2, 3, 4, 5];
        Gives("(2, 3)", false, six, [2, 3], [0, 1, 2, 3, 4, 5]);
        Gives("(2, 3)", true, six, [2, 3], [0, 2, 4, 1, 3, 5]);
        Gives("(3,2)", true, six, [3, 2], [0, 3, 1, 4, 2, 5]);
        Gives("(1, 2, 3)", true, six, [1, 2, 3], [0, 2, 4, 1, 3, 5]);
        Gives("(6L,)", false, six, [6], [0, 1, 2, 3, 4, 5]);
        Gives("()", false, [7], [], [7]);
        Gives("()", true, [7], [], [7]);
        Gives("(0, 4)", false, [], [0, 4], []);
        Gives("(0, 4)", true, [], [0, 4], []);

        static void Gives(string shape, bool columnMajor, byte[] data, long[] expectedShape, byte[] expected) => With(Npy(Header("|u1", shape, columnMajor), data), path =>
        {
            using Tensor array = NumPy.Load(path);
            array.shape.Should().Equal(expectedShape);
            array.is_contiguous().Should().BeTrue();
            Bytes(array).Should().Equal(expected);
        });
    }

    [Fact]
    public void Load_MoreNumbersThanABuffer_WidensAll() => With(
        Npy(Header(">u2", "(100000,)"), [.. Enumerable.Range(0, 100000).SelectMany(i => new[] { (byte)(i >> 8), (byte)i })]), path =>
        {
            using Tensor array = NumPy.Load(path);
            array.data<int>().ToArray().Should().Equal(Enumerable.Range(0, 100000).Select(i => i & 0xffff));
        });

    public static TheoryData<string, int, string> Bad => new()
    {
        { "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", 8, "must hold plain numbers, but it holds Python objects (dtype object): those are a pickle, which could run code. Nothing of it was run. Save it as numbers." },
        { "{'descr': [('x', '<f4'), ('y', '<f4')], 'fortran_order': False, 'shape': (1,), }", 8, "must hold plain numbers, but its elements are records (a structured dtype). Save each field as an array of its own." },
        { "{'descr': '<U3', 'fortran_order': False, 'shape': (1,), }", 12, "must hold numbers of b1, i1 to i8, u1 to u8, f2 to f8, c8 or c16, but its elements are '<U3'. Convert it in Python first: array.astype('f4')." },
        { "{'descr': '<M8[ns]', 'fortran_order': False, 'shape': (1,), }", 8, "*its elements are '<M8[ns]'*" },
        { "{'descr': '<f16', 'fortran_order': False, 'shape': (1,), }", 16, "*its elements are '<f16'*" },
        { "{'descr': 'f4', 'fortran_order': False, 'shape': (1,), }", 4, "must say its byte order by < or >, but its elements are 'f4'." },
        { "{'descr': '|f4', 'fortran_order': False, 'shape': (1,), }", 4, "must say its byte order by < or >, but its elements are '|f4'." },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 11, "must hold its whole array, but f4 of shape (3) takes 12 bytes and 11 follow the header. The file is cut short." },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 13, "must end with its array, but 1 bytes follow. Several arrays in one file have to be loaded in Python, and saved by numpy.savez." },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775807, 2), }", 4, "must have a shape of less than 2^63 bytes, but it is (9223372036854775807, 2)." },
        { "{'descr': '<u2', 'fortran_order': False, 'shape': (0, 4611686018427387904), }", 0, "must have a shape of less than 2^63 bytes, but it is (0, 4611686018427387904)." },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", 4, "*takes 4000000000000 bytes and 4 follow the header*" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4, "must have a header as NumPy writes it, but at character 51 a whole number from 0 to 2^63 - 1 is wanted and '-1,), }?' is there." },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1), }", 4, "*',' (of a tuple) is wanted*" },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': 3, }", 4, "*'(' is wanted and '3, }?' is there." },
        { "{'descr': '<f4', 'fortran_order': Falsch, 'shape': (1,), }", 4, "*True or False is wanted*" },
        { "{'descr': '<f4', 'fortran_order': False, }", 4, "must describe descr, fortran_order and shape, but its header lacks shape." },
        { "{'shape': (1,), 'fortran_order': False, }", 4, "*lacks descr." },
        { "{'shape': (1,), 'descr': '<f4' }", 4, "*lacks fortran_order." },
        { "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", 4, "must give each field once, but its header has 'descr' twice." },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}", 4, "must describe descr, fortran_order and shape, but its header has 'more'." },
        { "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } or 1", 4, "*its end is wanted and 'or 1?' is there." },
        { "{'descr': '<\\x66', 'fortran_order': False, 'shape': (1,), }", 4, "*a text without escapes is wanted*" },
        { "{'descr': '<f4", 4, "*a whole text is wanted*" },
        { "__import__('os').system('ls')", 4, "*'{' is wanted and '__import__('' is there." },
        { "", 4, "*'{' is wanted and the end is there." },
    };

    [Theory]
    [MemberData(nameof(Bad))]
    public void Load_BadHeader_ThrowsNamingWhatIsWrong(string header, int data, string text) =>
        With(Npy(header, new byte[data]), path => Refused(() => NumPy.Load(path), text.StartsWith('*') ? text : $"'{path}' {text}"));

    [Fact]
    public void Load_BadFile_ThrowsNamingWhatIsWrong()
    {
        string header = Header("<f4", "(1,)");
        With([.. "hello, world"u8], path => Refused(() => NumPy.Load(path), $"'{path}' must begin with NumPy's magic bytes 934e554d5059, but it begins with 68656c6c6f2c."));
        With([0x93], path => Refused(() => NumPy.Load(path), $"'{path}' must begin with NumPy's magic bytes and a version, but it holds 1 bytes."));
        With(Npy(header, new byte[4], version: 4), path => Refused(() => StateDictionary.Load(path), $"'{path}' must be of version 1.0, 2.0 or 3.0, but it is of version 4.0."));
        With([0x93, .. "NUMPY"u8, 1, 0, 200, 0, 1], path => Refused(() => NumPy.Load(path), $"'{path}' must hold its whole header, but that is 200 bytes long and 1 follow. The file is cut short."));
        With([0x93, .. "NUMPY"u8, 2, 0, 0, 0, 0, 1], path => Refused(() => NumPy.Load(path), $"'{path}' must have a header of at most 65535 bytes, but it declares 16777216."));
        With([0x93, .. "NUMPY"u8, 2, 0, 0, 0], path => Refused(() => NumPy.Load(path), $"'{path}' must begin with NumPy's magic bytes, a version and its header's length, but it holds 10 bytes."));
        With(Npy(Header("|b1", "(2,)"), [1, 2]), path => Refused(() => NumPy.Load(path), $"'{path}' must hold Booleans as bytes 0 and 1, but it holds others. The file is damaged."));
        With(Npy(Header("<u8", "(1,)"), [0, 0, 0, 0, 0, 0, 0, 128]), path =>
            Refused(() => NumPy.Load(path), $"'{path}' must hold numbers below 2^63, which TorchSharp's whole numbers end at, but it is of type u8 and holds larger ones."));
        With(Npy(Header("|u1", $"({string.Concat(Enumerable.Repeat("1, ", 65))})"), [1]), path => Refused(() => NumPy.Load(path), $"'{path}' must have at most 64 dimensions, but it has more."));
        With(Npy(header, new byte[4]), path =>
            ((Action)(() => StateDictionary.Load(path, "a"))).ShouldRefuse("container", $"container must be left out for '{path}', but it is 'a'. A file of NumPy is flat: see StateDictionary.Under."));
    }

    [Fact]
    public void Save_WritesTheBytesThatNumPyWrites()
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.npy");
        try
        {
            NumPy.Save(path, tensor(new float[] { 1, 2, 3, 4, 5, 6 }).reshape(3, 2).t());
            string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }".PadRight(117) + "\n";
            byte[] data = [.. new float[] { 1, 3, 5, 2, 4, 6 }.SelectMany(BitConverter.GetBytes)];
            File.ReadAllBytes(path).Should().Equal((byte[])[0x93, .. "NUMPY"u8, 1, 0, 118, 0, .. Encoding.ASCII.GetBytes(header), .. data]);
            NumPy.Save(path, ones(3, dtype: ScalarType.Bool));
            Encoding.ASCII.GetString(File.ReadAllBytes(path), 10, 60).Should().StartWith("{'descr': '|b1', 'fortran_order': False, 'shape': (3,), }");
            NumPy.Save(path, tensor(7L));
            Encoding.ASCII.GetString(File.ReadAllBytes(path), 10, 60).Should().StartWith("{'descr': '<i8', 'fortran_order': False, 'shape': (), }");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void SaveThenLoad_EachTypeAndShape_ComesBackBitByBit()
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        ScalarType[] types =
        [
            ScalarType.Float16, ScalarType.Float32, ScalarType.Float64, ScalarType.Int8, ScalarType.Int16, ScalarType.Int32, ScalarType.Int64, ScalarType.Byte, ScalarType.Bool,
            ScalarType.ComplexFloat32, ScalarType.ComplexFloat64,
        ];
        long[][] shapes = [[], [0], [5], [2, 3], [3, 0, 2], [2, 1, 3, 2]];
        List<(string Name, Tensor Tensor)> all =
            [.. types.SelectMany(type => shapes.Select(shape => ($"{type}/{string.Join('x', shape)}", (randn(shape, ScalarType.Float64, generator: generator) * 9).abs().to_type(type))))];
        all.Add(("conjugate", complex(tensor([1f, 2f]), tensor([3f, 4f])).conj()));
        string path = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.npz");
        try
        {
            foreach (bool compress in (bool[])[false, true])
            {
                NumPy.SaveArchive(path, all, compress);
                byte[] written = File.ReadAllBytes(path);
                NumPy.SaveArchive(path, all, compress);
                File.ReadAllBytes(path).Should().Equal(written);
                using StateDictionary direct = NumPy.LoadArchive(path), state = StateDictionary.Load(path);
                state.Names.Should().Equal(all.Select(pair => pair.Name)).And.Equal(direct.Names);
                foreach ((string name, Tensor tensor) in all)
                {
                    Same(state[name], tensor.resolve_conj()).Should().BeTrue(name);
                    Same(direct[name], state[name]).Should().BeTrue(name);
                }
            }
            foreach ((string name, Tensor tensor) in all)
            {
                NumPy.Save(path, tensor);
                Same(NumPy.Load(path), tensor.resolve_conj()).Should().BeTrue(name);
            }
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void LoadArchive_MadeByHand_StoredOrDeflated_GivesTheArrays()
    {
        byte[] a = Npy(Header("<f4", "(2,)"), [.. BitConverter.GetBytes(1.5f), .. BitConverter.GetBytes(-2f)]), b = Npy(Header(">i2", "(1, 2)"), [0, 1, 255, 255], version: 2);
        foreach (CompressionLevel level in (CompressionLevel[])[CompressionLevel.NoCompression, CompressionLevel.Optimal])
        {
            With(Zip(level, ("arr_0.npy", a), ("inner/b.npy", b)), path =>
            {
                using StateDictionary state = StateDictionary.Load(path);
                state.Names.Should().Equal("arr_0", "inner/b");
                state["arr_0"].data<float>().ToArray().Should().Equal(1.5f, -2f);
                state["inner/b"].data<short>().ToArray().Should().Equal(1, -1);
            });
        }
    }

    [Fact]
    public void LoadArchive_Bad_ThrowsNamingWhatIsWrong()
    {
        byte[] good = Npy(Header("<f4", "(2,)"), new byte[8]);
        byte[] pickle = Npy(Header("|O", "(1,)"), [0x80, 4, .. "cos\nsystem\n"u8]);
        With(Zip(CompressionLevel.Optimal, ("ok.npy", good), ("bad.npy", pickle)), path => Refused(() => StateDictionary.Load(path), $"'{path}' (array 'bad') must hold plain numbers, but it holds Python objects*Nothing of it was run.*"));
        With(Zip(CompressionLevel.Optimal, ("a.npy", good[..^1])), path => Refused(() => StateDictionary.Load(path), $"'{path}' (array 'a') must hold its whole array, but f4 of shape (2) takes 8 bytes and 7 follow the header. *"));
        With(Zip(CompressionLevel.Optimal, ("a.npy", good), ("a.npy", good)), path => Refused(() => NumPy.LoadArchive(path), $"'{path}' must name each part once, but its archive names 'a.npy' twice."));
        With(Zip(CompressionLevel.Optimal, ("a.npy", good), ("a.txt", good)), path =>
            Refused(() => NumPy.LoadArchive(path), $"'{path}' must hold files named .npy alone, as numpy.savez writes them, but its 2 parts are others. It is another kind of zip file."));
        With(good, path => Refused(() => NumPy.LoadArchive(path), $"'{path}' must be a whole zip archive, but it is damaged or cut short: *"));
        With(Zip(CompressionLevel.Optimal, ("a.npy", good)), path =>
            ((Action)(() => StateDictionary.Load(path, "a"))).ShouldRefuse("container", $"container must be left out for '{path}', but it is 'a'. An archive of NumPy is flat: see StateDictionary.Under."));
    }

    [Fact]
    public void LoadArchive_Bomb_IsRefusedBeforeMemoryIsTaken()
    {
        byte[] bomb = Zip(CompressionLevel.Optimal, ("a.npy", Npy(Header("|u1", "(70000000,)"), new byte[70_000_000])));
        With(bomb, path =>
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Refused(() => StateDictionary.Load(path), $"'{path}' must not grow beyond 67108864 bytes, 64 times its length, but its arrays would take 700000*. If they are meant to, save them by numpy.savez, without compression.");
            (GC.GetAllocatedBytesForCurrentThread() - before).Should().BeLessThan(1 << 20);
        });
        // A directory that says less than what is there.
        byte[] array = Npy(Header("|u1", "(1000,)"), new byte[1000]);
        byte[] lying = Zip(CompressionLevel.Optimal, ("a.npy", array));
        byte[] length = BitConverter.GetBytes(array.Length), less = BitConverter.GetBytes(array.Length - 1);
        for (int at = lying.AsSpan().IndexOf(length); at >= 0; at = lying.AsSpan().IndexOf(length)) less.CopyTo(lying, at);
        With(lying, path => Refused(() => StateDictionary.Load(path), $"'{path}' (array 'a') must hold its whole array, but u1 of shape (1000) takes 1000 bytes and 999 follow the header. The file is cut short."));
    }

    [Fact]
    public void Save_WhatNumPyLacks_IsRefused()
    {
        using var scope = NewDisposeScope();
        Tensor half = ones([2], ScalarType.BFloat16), disposed = ones(2);
        disposed.Dispose();
        ((Action)(() => NumPy.Save(" ", half))).ShouldRefuse("path", "path must not be blank.");
        ((Action)(() => NumPy.Load(" "))).ShouldRefuse("path", "path must not be blank.");
        ((Action)(() => NumPy.Save("x", half))).ShouldRefuse("tensor", "tensor must be of a type that NumPy has, but it is BFloat16. Convert it first: to_type(ScalarType.Float32).");
        ((Action)(() => NumPy.SaveArchive("x", [("a", half)]))).ShouldRefuse("tensors", "tensors must be of a type that NumPy has, but 'a' is BFloat16. Convert it first: to_type(ScalarType.Float32).");
        ((Action)(() => NumPy.Save("x", ones(2, device: META)))).ShouldRefuse("tensor", "tensor must be dense and hold values, but it is on the meta device [2].");
        ((Action)(() => NumPy.SaveArchive("x", []))).ShouldRefuse("tensors", "tensors must hold at least one entry, but it is empty. Pass at least one array.");
        ((Action)(() => NumPy.SaveArchive("x", [("", ones(1))]))).ShouldRefuse("tensors", "tensors must have names, but one is empty.");
        ((Action)(() => NumPy.SaveArchive("x", [("a", ones(1)), ("a", ones(1))]))).ShouldRefuse("tensors", "tensors must differ in their names, but 'a' comes twice.");
        ((Action)(() => NumPy.Save("x", disposed))).Should().Throw<ObjectDisposedException>();
        ((Action)(() => NumPy.Load("no such file"))).Should().Throw<FileNotFoundException>();
    }

    private static void Refused(Action act, string text) => act.Should().Throw<InvalidDataException>().WithMessage(text);

    [Theory]
    [InlineData("arrays.npz")]
    [InlineData("arrays_deflated.npz")]
    public void Load_WhatNumPyWrote_HoldsItsNumbers(string file)
    {
        string[] lines = [.. File.ReadLines(Support.Fixture.Path("numpy/expected.txt")).Skip(1)];
        using StateDictionary state = StateDictionary.Load(Support.Fixture.Path($"numpy/{file}"));
        state.Names.Should().Equal(lines.Select(line => line.Split('|')[0]));
        foreach (string[] parts in lines.Select(line => line.Split('|')))
        {
            using var scope = NewDisposeScope();
            Tensor array = state[parts[0]];
            array.shape.Should().Equal(Words(parts[1]).Select(long.Parse), parts[0]);
            array.flatten().to_type(ScalarType.Float64).data<double>().ToArray().Take(16).Should().Equal(Words(parts[2]).Select(word => double.Parse(word, System.Globalization.CultureInfo.InvariantCulture)), parts[0]);
        }

        static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public void Load_AChangedByteOfAnArrayInAnArchive_IsSeen()
    {
        byte[] good = Zip(CompressionLevel.NoCompression, ("a.npy", Npy(Header("|u1", "(10,)"), [.. "0123456789"u8])));
        int place = good.AsSpan().IndexOf("0123456789"u8);
        good[place + 4] ^= 1;
        With(good, path => ((Action)(() => StateDictionary.Load(path))).ShouldSay<InvalidDataException>(
            $"'{path}' must hold its parts as they were written, but 'a.npy' has another checksum. The file is damaged."));
    }

    [Fact]
    public void Load_AnEncryptedOrDamagedArray_IsRefused()
    {
        byte[] good = Zip(CompressionLevel.Optimal, ("a.npy", Npy(Header("|u1", "(2000,)"), [.. Enumerable.Range(0, 2000).Select(i => (byte)(i * i >> 3))])));
        byte[] locked = [.. good];
        // The flags of the part lie at byte 6 of its own header and at byte 8 of its line in the directory; bit 0 says encrypted.
        locked[6] |= 1;
        locked[good.AsSpan().LastIndexOf("PK\u0001\u0002"u8) + 8] |= 1;
        With(locked, path => ((Action)(() => StateDictionary.Load(path))).ShouldSay<InvalidDataException>($"'{path}' must hold its arrays as they are, but 'a' is encrypted."));
        byte[] broken = [.. good];
        for (int i = 60; i < 90; i++) broken[i] = 0xff;
        With(broken, path => ((Action)(() => StateDictionary.Load(path))).Should().Throw<InvalidDataException>().WithMessage($"'{path}' (array 'a') must be whole, but it is damaged or cut short: *"));
    }
}
