using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using LatentStitching.Checkpoints;
using LatentStitching.Mapping;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Mapping;

[NoTensorLeaks]
public sealed class AffineMapFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("map-").FullName;

    private string MapPath => Path.Combine(_folder, "map.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static AffineMap Map(ScalarType dtype = ScalarType.Float32)
    {
        using var scope = NewDisposeScope();
        using Generator generator = new(3);
        return new AffineMap(randn([3, 4], ScalarType.Float64, generator: generator).to_type(dtype), randn([3], ScalarType.Float64, generator: generator).to_type(dtype));
    }

    [Theory]
    [InlineData(ScalarType.Float16)]
    [InlineData(ScalarType.BFloat16)]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.Float64)]
    public void Save_ThenLoad_GivesTheSameBits(ScalarType dtype)
    {
        using AffineMap map = Map(dtype);
        long before = NoTensorLeaksAttribute.Live();
        map.Save(MapPath);
        using AffineMap loaded = AffineMap.Load(MapPath);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(2);
        loaded.Weight.dtype.Should().Be(dtype);
        loaded.Weight.bytes.SequenceEqual(map.Weight.bytes).Should().BeTrue();
        loaded.Bias.bytes.SequenceEqual(map.Bias.bytes).Should().BeTrue();
        Directory.GetFiles(_folder).Should().ContainSingle();
    }

    [Fact]
    public void Save_ATransposedWeight_IsWrittenInCOrder()
    {
        using var scope = NewDisposeScope();
        using AffineMap map = new(arange(12, dtype: ScalarType.Float32).reshape(4, 3).t());
        map.Save(MapPath);
        using AffineMap loaded = AffineMap.Load(MapPath);
        loaded.Weight.eq(map.Weight).all().ToBoolean().Should().BeTrue();
    }

    // What a program in another language does: np.load by the header's offsets, then z @ weight.T + bias.
    [Fact]
    public void Save_PlainBytes_AreTheMap()
    {
        using AffineMap map = Map();
        map.Save(MapPath);
        byte[] file = File.ReadAllBytes(MapPath);
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        using var header = JsonDocument.Parse(Encoding.UTF8.GetString(file, 8, length));
        float[] weight = Read("weight", 3, 4), bias = Read("bias", 3);
        float[] z = [0.5f, -1, 2, 0.25f];
        double[] expected = [.. Enumerable.Range(0, 3).Select(i => Enumerable.Range(0, 4).Sum(j => (double)z[j] * weight[(i * 4) + j]) + bias[i])];
        using Tensor latents = tensor(z, 1, 4);
        using Tensor mapped = map.Apply(latents);
        mapped.data<float>().ToArray().Zip(expected).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-6);

        float[] Read(string name, params long[] shape)
        {
            JsonElement entry = header.RootElement.GetProperty(name);
            entry.GetProperty("dtype").GetString().Should().Be("F32");
            entry.GetProperty("shape").EnumerateArray().Select(size => size.GetInt64()).Should().Equal(shape);
            int begin = entry.GetProperty("data_offsets")[0].GetInt32(), end = entry.GetProperty("data_offsets")[1].GetInt32();
            return [.. Enumerable.Range(0, (end - begin) / 4).Select(i => BinaryPrimitives.ReadSingleLittleEndian(file.AsSpan(8 + length + begin + (4 * i))))];
        }
    }

    [Fact]
    public void Save_Provenance_IsKeptBesideTheLibrarysOwnFacts()
    {
        using AffineMap map = Map();
        map.Save(MapPath, new Dictionary<string, string> { ["source"] = "vae", ["target"] = "pca · ü" });
        using StateDictionary file = SafeTensors.Load(MapPath);
        file.Metadata["source"].Should().Be("vae");
        file.Metadata["target"].Should().Be("pca · ü");
        file.Metadata["latentstitching.kind"].Should().Be("affine-map");
        file.Metadata["latentstitching.format"].Should().Be("1");
        file.Metadata["latentstitching.version"].Should().MatchRegex(@"^\d+\.\d+\.\d+$");
        file.Metadata["latentstitching.sha256"].Should().MatchRegex("^[0-9a-f]{64}$");
        file.Names.Should().BeEquivalentTo("weight", "bias");
    }

    [Fact]
    public void Save_CannotBeDone_LeavesTheOldFileAsItWas()
    {
        using AffineMap map = Map();
        map.Save(MapPath);
        byte[] old = File.ReadAllBytes(MapPath);
        Action reserved = () => map.Save(MapPath, new Dictionary<string, string> { ["latentstitching.kind"] = "mine" });
        reserved.ShouldRefuse("provenance", "provenance must not use keys that start with 'latentstitching.', but it has 'latentstitching.kind'.");
        AffineMap gone = Map();
        gone.Dispose();
        Action disposed = () => gone.Save(MapPath);
        disposed.Should().Throw<ObjectDisposedException>();
        File.ReadAllBytes(MapPath).Should().Equal(old);
        Action nowhere = () => map.Save(Path.Combine(_folder, "none", "map.safetensors"));
        nowhere.Should().Throw<IOException>();
        Action blank = () => map.Save(" ");
        blank.ShouldRefuse("path", "path must not be blank.");
        Directory.GetFileSystemEntries(_folder).Should().ContainSingle();
    }

    [Fact]
    public void Load_AnyByteOfTheNumbersChanged_NamesBothChecksums()
    {
        using AffineMap map = Map();
        map.Save(MapPath);
        byte[] file = File.ReadAllBytes(MapPath);
        string stored;
        using (StateDictionary read = SafeTensors.Load(MapPath)) stored = read.Metadata["latentstitching.sha256"];
        int numbers = (4 * 12) + (4 * 3);
        for (int i = file.Length - numbers; i < file.Length; i++)
        {
            byte[] changed = [.. file];
            changed[i] ^= 1;
            File.WriteAllBytes(MapPath, changed);
            Action act = () => AffineMap.Load(MapPath);
            act.Should().Throw<InvalidDataException>().Which.Message.Should().MatchRegex(
                $"^.*map\\.safetensors must match its checksum {stored}, but its tensors have [0-9a-f]{{64}}\\. The file was changed or damaged\\.$");
        }
    }

    [Fact]
    public void Load_NotAMap_SaysWhatItIs()
    {
        using var scope = NewDisposeScope();
        Tensor weight = ones(2, 2), bias = ones(2);
        Write([("weight", weight), ("bias", bias)], []);
        Says($"{MapPath} must be an affine map, but its metadata names the kind 'none'. Write maps with AffineMap.Save.");
        Write([("weight", weight), ("bias", bias)], new() { ["latentstitching.kind"] = "mlp-map" });
        Says($"{MapPath} must be an affine map, but its metadata names the kind 'mlp-map'. Write maps with AffineMap.Save.");
        Write([("weight", weight), ("bias", bias)], new() { ["latentstitching.kind"] = "affine-map", ["latentstitching.format"] = "3" });
        Says($"{MapPath} must be of format 1 or 2, but it is of format '3'. A newer version of the library wrote it.");
        Dictionary<string, string> good = new() { ["latentstitching.kind"] = "affine-map", ["latentstitching.format"] = "1" };
        Write([("weight", weight), ("offset", bias)], good);
        Says($"{MapPath} must hold the tensor 'bias', but it holds weight, offset.");
        Write([("bias", bias)], good);
        Says($"{MapPath} must hold the tensor 'weight', but it holds bias.");
        Write([("weight", weight), ("bias", bias)], good);
        Action unsigned = () => AffineMap.Load(MapPath);
        unsigned.Should().Throw<InvalidDataException>().WithMessage("*must match its checksum none, but its tensors have*");
        Action missing = () => AffineMap.Load(Path.Combine(_folder, "none.safetensors"));
        missing.Should().Throw<FileNotFoundException>();
    }

    [Fact]
    public void Load_ShapesThatAreNoMap_ThrowsInvalidData()
    {
        using var scope = NewDisposeScope();
        foreach ((Tensor weight, Tensor bias) in ((Tensor, Tensor)[])[(ones(2, 2), ones(3)), (ones([]), ones(1)), (ones(2, 2), ones([])), (ones(2, 2, ScalarType.Int64), ones(2)), (ones(0, 2), ones(0))])
        {
            Write([("weight", weight), ("bias", bias)], new()
            {
                ["latentstitching.kind"] = "affine-map",
                ["latentstitching.format"] = "1",
                ["latentstitching.sha256"] = Convert.ToHexString(System.Security.Cryptography.SHA256.HashData([.. weight.flatten().bytes, .. bias.flatten().bytes])),
            });
            Action act = () => AffineMap.Load(MapPath);
            act.Should().Throw<InvalidDataException>().WithMessage("*must hold a well-formed map, but *");
        }
    }

    private void Write((string, Tensor)[] tensors, Dictionary<string, string> metadata) => SafeTensors.Save(MapPath, tensors, metadata);

    private void Says(string text)
    {
        Action act = () => AffineMap.Load(MapPath);
        act.ShouldSay<InvalidDataException>(text);
    }
}
