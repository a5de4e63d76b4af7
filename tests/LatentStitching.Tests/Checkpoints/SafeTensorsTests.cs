using System.Buffers.Binary;
using System.Text.Json;
using System.Text;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Checkpoints;

[NoTensorLeaks]
public sealed class SafeTensorsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("safetensors-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(ScalarType.Float16, "F16")]
    [InlineData(ScalarType.BFloat16, "BF16")]
    [InlineData(ScalarType.Float32, "F32")]
    [InlineData(ScalarType.Float64, "F64")]
    [InlineData(ScalarType.Int8, "I8")]
    [InlineData(ScalarType.Int16, "I16")]
    [InlineData(ScalarType.Int32, "I32")]
    [InlineData(ScalarType.Int64, "I64")]
    [InlineData(ScalarType.Byte, "U8")]
    [InlineData(ScalarType.Bool, "BOOL")]
    public void Load_AfterSave_GivesEveryShapeOfADtypeBack(ScalarType dtype, string name)
    {
        using var scope = NewDisposeScope();
        Tensor whole = arange(24, dtype: ScalarType.Float32).remainder(5).sub(dtype is ScalarType.Byte or ScalarType.Bool ? 0 : 2).to(dtype);
        (string, Tensor)[] tensors =
        [
            ("vector", whole), ("scalar", whole[3]), ("empty", whole.view(-1)[..0].reshape(0, 3)), ("matrix", whole.reshape(2, 3, 4)),
            ("transposed", whole.reshape(4, 6).t()), ("strided", whole[TensorIndex.Slice(1, null, 2)]), ("expanded", whole[..2].unsqueeze(1).expand(2, 3)),
        ];
        string path = Path.Combine(_folder, "a.safetensors");
        SafeTensors.Save(path, tensors);
        using StateDictionary loaded = SafeTensors.Load(path);
        loaded.Names.Should().Equal(tensors.Select(pair => pair.Item1));
        foreach ((string key, Tensor tensor) in tensors) CheckpointFiles.Same(loaded[key], tensor).Should().BeTrue(key);
        loaded["transposed"].is_contiguous().Should().BeTrue();
        Header(path).GetProperty("vector").GetProperty("dtype").GetString().Should().Be(name);
    }

    [Fact]
    public void Save_MixedTypes_AlignsTheDataAndKeepsTheOrderOfNames()
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "a.safetensors");
        SafeTensors.Save(path, [("c", ones(3, dtype: ScalarType.Bool)), ("a", ones(2, dtype: ScalarType.Float64)), ("b", ones(3, dtype: ScalarType.Float16))]);
        long start = 8 + BinaryPrimitives.ReadInt64LittleEndian(File.ReadAllBytes(path));
        (start % 64).Should().Be(0);
        JsonElement header = Header(path);
        header.EnumerateObject().Select(property => property.Name).Should().Equal("c", "a", "b");
        string Offsets(string name) => header.GetProperty(name).GetProperty("data_offsets").GetRawText();
        Offsets("a").Should().Be("[0,16]");
        Offsets("b").Should().Be("[16,22]");
        Offsets("c").Should().Be("[22,25]");
    }

    [Fact]
    public void Save_TrainedParameter_WritesItsValuesAndKeepsItsGradient()
    {
        using var scope = NewDisposeScope();
        Tensor parameter = ones([2, 2], requires_grad: true);
        string path = Path.Combine(_folder, "a.safetensors");
        SafeTensors.Save(path, [("w", parameter)]);
        parameter.requires_grad.Should().BeTrue();
        using StateDictionary loaded = SafeTensors.Load(path);
        loaded["w"].requires_grad.Should().BeFalse();
        loaded["w"].sum().ToDouble().Should().Be(4);
    }

    [Fact]
    public void Save_Metadata_ComesBackWhateverItsLetters()
    {
        Dictionary<string, string> metadata = new() { ["größe"] = "6 \"px\"\n", ["emoji"] = "🙂", ["a"] = "" };
        string path = Path.Combine(_folder, "a.safetensors");
        SafeTensors.Save(path, [], metadata);
        using StateDictionary loaded = StateDictionary.Load(path);
        loaded.Count.Should().Be(0);
        loaded.Metadata.Should().BeEquivalentTo(metadata);
    }

    [Fact]
    public void Save_ManyBlocks_EqualsOneBlock()
    {
        using var scope = NewDisposeScope();
        Tensor tensor = arange(1000, dtype: ScalarType.Int16);
        using MemoryStream stream = new();
        TensorBytes.Write(stream, tensor, blockBytes: 7);
        stream.ToArray().Should().Equal(CheckpointFiles.Bytes(tensor));
        stream.Position = 0;
        Tensor copy = zeros(1000, dtype: ScalarType.Int16);
        TensorBytes.Read(stream, copy, blockBytes: 333);
        CheckpointFiles.Same(copy, tensor).Should().BeTrue();
    }

    [Fact]
    public void Save_OverAFile_ReplacesItAndLeavesNothingBeside()
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "a.safetensors");
        SafeTensors.Save(path, [("w", zeros(100))]);
        SafeTensors.Save(path, [("w", ones(3))]);
        using StateDictionary loaded = SafeTensors.Load(path);
        loaded["w"].sum().ToDouble().Should().Be(3);
        Directory.GetFileSystemEntries(_folder).Should().Equal(path);
    }

    [Fact]
    public void Save_OntoAFolder_ThrowsAndLeavesNothingBeside()
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "taken");
        Directory.CreateDirectory(Path.Combine(path, "inner"));
        Tensor tensor = ones(3);
        var act = () => SafeTensors.Save(path, [("w", tensor)]);
        act.Should().Throw<Exception>().Which.Should().Match(e => e is IOException || e is UnauthorizedAccessException);
        Directory.GetFileSystemEntries(_folder).Should().Equal(path);
    }

    [Fact]
    public void Save_ConjugatesImaginaryPart_WritesItsSign()
    {
        using var scope = NewDisposeScope();
        Tensor imaginary = complex(ones(3), ones(3)).conj().imag;
        string path = Path.Combine(_folder, "a.safetensors");
        SafeTensors.Save(path, [("i", imaginary)]);
        using StateDictionary loaded = SafeTensors.Load(path);
        loaded["i"].sum().ToDouble().Should().Be(-3);
    }

    [Fact]
    public void Save_IntoNoFolder_Throws()
    {
        var act = () => SafeTensors.Save(Path.Combine(_folder, "none", "a.safetensors"), []);
        act.Should().Throw<DirectoryNotFoundException>();
    }

    [Fact]
    public void Write_Interrupted_LeavesTheOldFile()
    {
        string path = Path.Combine(_folder, "a");
        File.WriteAllText(path, "old");
        var act = () => AtomicFile.Write(path, stream =>
        {
            stream.Write("half"u8);
            throw new TimeoutException("pulled");
        });
        act.Should().Throw<TimeoutException>();
        File.ReadAllText(path).Should().Be("old");
        Directory.GetFileSystemEntries(_folder).Should().Equal(path);
    }

    [Fact]
    public void Save_WhatAFileCannotHold_ThrowsNamingIt()
    {
        using var scope = NewDisposeScope();
        string path = Path.Combine(_folder, "a.safetensors");
        Tensor plain = ones(1), complex = zeros(2, dtype: ScalarType.ComplexFloat32), sparse = eye(2).to_sparse(), meta = zeros([2], device: META);
        Tensor gone = ones(1);
        gone.Dispose();
        Action Save(params (string, Tensor)[] tensors) => () => SafeTensors.Save(path, tensors);
        Save(("c", complex)).Should().Throw<ArgumentException>()
            .WithMessage("tensors must be of a type that the format holds (F16, BF16, F32, F64, I8, I16, I32, I64, U8, BOOL), but 'c' is ComplexFloat32. *view_as_real*");
        Save(("s", sparse)).Should().Throw<ArgumentException>().WithMessage("tensors must be dense and hold values, but 's' is sparse [2, 2].*");
        Save(("m", meta)).Should().Throw<ArgumentException>().WithMessage("tensors must be dense and hold values, but 'm' is on the meta device [2].*");
        Save(("a", plain), ("a", plain)).Should().Throw<ArgumentException>().WithMessage("tensors must differ in their names, but 'a' comes twice.*");
        Save(("__metadata__", plain)).Should().Throw<ArgumentException>().WithMessage("tensors must not be named '__metadata__'*Rename*");
        Save(("g", gone)).Should().Throw<ObjectDisposedException>().WithMessage("tensors must hold live tensors, but 'g' has been disposed.*");
        Save(("n", null!)).Should().Throw<ArgumentException>().WithMessage("tensors must hold tensors, but 'n' is null.*");
        Save((null!, plain)).Should().Throw<ArgumentException>().WithMessage("tensors must hold names, but one is null.*");
        ((Action)(() => SafeTensors.Save(" ", []))).Should().Throw<ArgumentException>().WithMessage("path must not be blank.*");
        Directory.GetFileSystemEntries(_folder).Should().BeEmpty();
    }

    private static JsonElement Header(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        return JsonDocument.Parse(file.AsMemory(8, (int)BinaryPrimitives.ReadInt64LittleEndian(file))).RootElement;
    }

    [Theory]
    [InlineData("U16", "01000080ffff", ScalarType.Int32, new double[] { 1, 32768, 65535 })]
    [InlineData("U32", "0100000000000080ffffffff", ScalarType.Int64, new double[] { 1, 2147483648, 4294967295 })]
    [InlineData("U64", "010000000000000000000080000000000000000000002000", ScalarType.Int64, new double[] { 1, 2147483648, 1L << 53 })]
    public void Load_UnsignedNumbers_BecomeWider(string dtype, string hex, ScalarType expected, double[] numbers)
    {
        byte[] data = Convert.FromHexString(hex);
        CheckpointFiles.With(CheckpointFiles.SafeTensors(Encoding.ASCII.GetBytes($"{{\"a\":{{\"dtype\":\"{dtype}\",\"shape\":[3],\"data_offsets\":[0,{data.Length}]}}}}"), data), path =>
        {
            using StateDictionary state = SafeTensors.Load(path);
            state["a"].dtype.Should().Be(expected);
            using Tensor wide = state["a"].to_type(ScalarType.Float64);
            wide.data<double>().ToArray().Should().Equal(numbers);
        });
    }

    [Fact]
    public void Load_MoreUnsignedNumbersThanABlock_KeepsTheirOrder()
    {
        ushort[] numbers = [.. Enumerable.Range(0, 100_000).Select(i => (ushort)(i * 7))];
        byte[] data = System.Runtime.InteropServices.MemoryMarshal.AsBytes(numbers.AsSpan()).ToArray();
        CheckpointFiles.With(CheckpointFiles.SafeTensors(Encoding.ASCII.GetBytes($"{{\"a\":{{\"dtype\":\"U16\",\"shape\":[100000],\"data_offsets\":[0,{data.Length}]}}}}"), data), path =>
        {
            using StateDictionary state = SafeTensors.Load(path);
            state["a"].data<int>().ToArray().Should().Equal(numbers.Select(number => (int)number));
        });
    }

    [Fact]
    public void Load_ComplexAndUnknownTypes_AreReadOrToldApart()
    {
        byte[] pair = [.. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(-2f)];
        With("C64", pair, path =>
        {
            using StateDictionary state = SafeTensors.Load(path);
            state["a"].dtype.Should().Be(ScalarType.ComplexFloat32);
            using var scope = NewDisposeScope();
            view_as_real(state["a"]).flatten().data<float>().ToArray().Should().Equal(1, -2);
        });
        const string Read = "must hold tensors of F16, BF16, F32, F64, I8, I16, I32, I64, U8, BOOL, C64, U16, U32, U64, but 'a' is ";
        foreach (string eight in (string[])["F8_E4M3", "F8_E5M2", "F4"]) With(eight, pair, path => Refuses(path, $"{Read}{eight}, which TorchSharp has no type for. Convert it in Python first."));
        With("F33", pair, path => Refuses(path, $"{Read}F33, which is no type of the format. The file is damaged, or newer than this library."));
        With("U64", [.. Enumerable.Repeat((byte)255, 8)], path => Refuses(path, "must hold numbers below 2^63, which TorchSharp's whole numbers end at, but 'a' is of type U64 and holds larger ones."));

        static void With(string dtype, byte[] data, Action<string> use) =>
            CheckpointFiles.With(CheckpointFiles.SafeTensors(Encoding.ASCII.GetBytes($"{{\"a\":{{\"dtype\":\"{dtype}\",\"shape\":[1],\"data_offsets\":[0,8]}}}}"), data), use);

        static void Refuses(string path, string text) => ((Action)(() => SafeTensors.Load(path))).ShouldSay<InvalidDataException>($"'{path}' {text}");
    }

    [Fact]
    public void Save_NullAsAText_IsRefused()
    {
        using TempFolder folder = new();
        using Tensor one = ones(1);
        Action act = () => SafeTensors.Save(folder["x"], [("a", one)], new Dictionary<string, string> { ["epoch"] = null! });
        act.ShouldRefuse("metadata", "metadata must hold texts, but that of 'epoch' is null. Leave it out.");
        File.Exists(folder["x"]).Should().BeFalse();
    }

    [Fact]
    public void Save_ReadByAParserOfTheFormatAlone_HoldsTheValues()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor bytes = tensor(new byte[] { 1, 2, 3 }), floats = arange(6, dtype: ScalarType.Float32).reshape(2, 3), turned = floats.t(), halves = tensor(new[] { 0.5f, -2f }).to_type(ScalarType.Float16), none = empty(0, 4);
        SafeTensors.Save(folder["x"], [("bytes", bytes), ("floats", floats), ("turned", turned), ("halves", halves), ("none", none)], new Dictionary<string, string> { ["made"] = "here" });
        (System.Text.Json.JsonElement header, Dictionary<string, byte[]> data) = Latents.Banks.Parse(File.ReadAllBytes(folder["x"]));
        header.GetProperty("__metadata__").GetProperty("made").GetString().Should().Be("here");
        header.GetProperty("turned").GetProperty("shape").EnumerateArray().Select(size => size.GetInt32()).Should().Equal(3, 2);
        header.GetProperty("halves").GetProperty("dtype").GetString().Should().Be("F16");
        data["bytes"].Should().Equal(1, 2, 3);
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(data["floats"]).ToArray().Should().Equal(0, 1, 2, 3, 4, 5);
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(data["turned"]).ToArray().Should().Equal(0, 3, 1, 4, 2, 5);
        System.Runtime.InteropServices.MemoryMarshal.Cast<byte, Half>(data["halves"]).ToArray().Should().Equal((Half)0.5, (Half)(-2));
        data["none"].Should().BeEmpty();
    }

    [Fact]
    public void Load_AFileCutWhileItIsRead_SaysSo()
    {
        using TempFolder folder = new();
        using Tensor one = ones(4);
        SafeTensors.Save(folder["x"], [("a", one)]);
        long whole = new FileInfo(folder["x"]).Length;
        using (FileStream cut = new(folder["x"], FileMode.Open)) cut.SetLength(whole - 4);
        using Stretched stream = new(folder["x"], whole);
        ((Action)(() => SafeTensors.Load(stream))).ShouldSay<InvalidDataException>($"'{folder["x"]}' must hold the data of all tensors, but it ended within 'a'. It was cut while being read.");
    }

    /// <summary>A file that has the length it had a moment ago.</summary>
    private sealed class Stretched(string path, long length) : FileStream(path, FileMode.Open)
    {
        public override long Length => length;
    }
}
