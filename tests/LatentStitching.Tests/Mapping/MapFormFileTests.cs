using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using LatentStitching.Checkpoints;
using LatentStitching.Mapping;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Mapping;

/// <summary>Files of maps that are not dense.</summary>
[NoTensorLeaks]
public sealed class MapFormFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("form-").FullName;

    private string MapPath => Path.Combine(_folder, "map.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    public static TheoryData<string, ScalarType> Cases()
    {
        TheoryData<string, ScalarType> cases = [];
        foreach (string form in MapForms.OfAnyType)
        {
            foreach (ScalarType dtype in (ScalarType[])[ScalarType.Float16, ScalarType.Float32, ScalarType.Float64]) cases.Add(form, dtype);
        }
        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Save_ThenLoad_GivesTheSameFormAndBits(string form, ScalarType dtype)
    {
        using AffineMap map = MapForms.Make(form, 1, dtype: dtype);
        long before = NoTensorLeaksAttribute.Live();
        map.Save(MapPath, new Dictionary<string, string> { ["source"] = "a" });
        using (AffineMap loaded = AffineMap.Load(MapPath))
        {
            loaded.ToString().Should().Be(map.ToString());
            foreach (((_, Tensor one), (_, Tensor two)) in loaded.Linear.Tensors.Zip(map.Linear.Tensors)) one.bytes.SequenceEqual(two.bytes).Should().BeTrue();
            loaded.Bias.bytes.SequenceEqual(map.Bias.bytes).Should().BeTrue();
            loaded.Bias.dtype.Should().Be(dtype);
        }
        NoTensorLeaksAttribute.Live().Should().Be(before);
        using StateDictionary file = SafeTensors.Load(MapPath);
        file.Metadata["source"].Should().Be("a");
        file.Metadata["latentstitching.format"].Should().Be(form == "dense" ? "1" : "2");
    }

    [Fact]
    public void Save_BlocksOfLevels_KeepTheirPlaces()
    {
        using var scope = NewDisposeScope();
        var source = LatentSpace.Of(("a", [2]), ("unused", [3]), ("c", [4]));
        var target = LatentSpace.Of(("x", [3]), ("y", [5]));
        using AffineMap toY = new(ones(5, 2) * 3), toX = AffineMap.Factored(ones(3, 1), ones(1, 4)), map = AffineMap.Blocks(source, target, [("a", "y", toY), ("c", "x", toX)]);
        map.Save(MapPath);
        using AffineMap loaded = AffineMap.Load(MapPath);
        loaded.Weight.eq(map.Weight).all().ToBoolean().Should().BeTrue();
        loaded.WeightShape.Should().Equal(8, 9);
        using AffineMap turned = map.Inverse();
        turned.Save(MapPath);
        using AffineMap again = AffineMap.Load(MapPath);
        again.Weight.eq(turned.Weight).all().ToBoolean().Should().BeTrue();
    }

    [Fact]
    public void Load_AnyByteOfTheNumbersChanged_IsFound()
    {
        using AffineMap map = MapForms.Make("blocks", 1, 2, 2, 1, 2);
        map.Save(MapPath);
        byte[] file = File.ReadAllBytes(MapPath);
        for (int i = file.Length - (8 * (4 + 4 + 1)) + 1; i < file.Length; i += 7)
        {
            byte[] changed = [.. file];
            changed[i] ^= 1;
            File.WriteAllBytes(MapPath, changed);
            Action act = () => AffineMap.Load(MapPath);
            act.Should().Throw<InvalidDataException>().WithMessage("*must match its checksum*The file was changed or damaged.");
        }
    }

    // The numbers alone would not tell: a kernel over 4×5 places fits 5×4 as well.
    [Fact]
    public void Load_FactsExchanged_IsFound()
    {
        using AffineMap map = MapForms.Make("3×3", 1);
        map.Save(MapPath);
        byte[] file = File.ReadAllBytes(MapPath);
        string text = Encoding.Latin1.GetString(file);
        string swapped = text.Replace("\"latentstitching.height\":\"4\"", "\"latentstitching.height\":\"5\"", StringComparison.Ordinal)
            .Replace("\"latentstitching.width\":\"5\"", "\"latentstitching.width\":\"4\"", StringComparison.Ordinal);
        swapped.Should().NotBe(text);
        File.WriteAllBytes(MapPath, Encoding.Latin1.GetBytes(swapped));
        Action act = () => AffineMap.Load(MapPath);
        act.Should().Throw<InvalidDataException>().WithMessage("*must match its checksum*");
    }

    [Theory]
    [InlineData("form", "sparse", "must name a form that this version knows as 'latentstitching.form', but it names 'sparse'. A newer version of the library wrote it.")]
    [InlineData("form", "dense", "must hold the tensor 'weight', but it holds *")]
    [InlineData("form", "convolution", "must hold the tensor 'kernel', but it holds *")]
    [InlineData("blocks", "0", "must have a number from 1 to 3 as 'latentstitching.blocks', but it is '0'. The file was changed or damaged.")]
    [InlineData("blocks", "999999999", "must have a number from 1 to 3 as 'latentstitching.blocks', but it is '999999999'. *")]
    [InlineData("blocks", "3", "must tell 'latentstitching.block.2.form' in its metadata, but it does not. *")]
    [InlineData("blocks", null, "must tell 'latentstitching.blocks' in its metadata, but it does not. *")]
    [InlineData("source", "-8", "must have a number from 1 to 9223372036854775807 as 'latentstitching.source', but it is '-8'. *")]
    [InlineData("source", "5", "must have blocks that lie apart within 5 source columns, but one takes 2 from 4. *")]
    [InlineData("block.1.source_offset", "1", "must have blocks that lie apart within 6 source columns, but one takes 2 from 1. *")]
    [InlineData("block.1.target_offset", "9223372036854775807", "must have a number from 0 to 4 as 'latentstitching.block.1.target_offset', but it is '9223372036854775807'. *")]
    [InlineData("block.1.form", "blocks", "must name a form that this version knows as 'latentstitching.block.1.form', but it names 'blocks'. *")]
    [InlineData("block.1.height", "2147483648", "must have a number from 1 to 2147483647 as 'latentstitching.block.1.height', but it is '2147483648'. *")]
    [InlineData("block.1.height", "1e3", "must have a number from 1 to 2147483647 as 'latentstitching.block.1.height', but it is '1e3'. *")]
    [InlineData("block.1.height", "2147483647", "must have blocks that lie apart within 6 source columns, but one takes 4294967294 from 4. *")]
    public void Load_HostileFacts_AreRefusedInWords(string key, string? value, string text)
    {
        using var scope = NewDisposeScope();
        Dictionary<string, string> facts = new()
        {
            ["kind"] = "affine-map", ["format"] = "2", ["form"] = "blocks", ["blocks"] = "2", ["source"] = "6",
            ["block.0.form"] = "dense", ["block.0.source_offset"] = "0", ["block.0.target_offset"] = "0",
            ["block.1.form"] = "convolution", ["block.1.source_offset"] = "4", ["block.1.target_offset"] = "2", ["block.1.height"] = "1", ["block.1.width"] = "2",
        };
        Write(facts);
        AffineMap.Load(MapPath).Dispose();
        if (value is null) facts.Remove(key);
        else facts[key] = value;
        Write(facts);
        Action act = () => AffineMap.Load(MapPath);
        act.Should().Throw<InvalidDataException>().WithMessage($"{MapPath} {text}");
    }

    private void Write(Dictionary<string, string> facts)
    {
        (string Name, Tensor Tensor)[] tensors = [("bias", ones(4)), ("block.0.weight", ones(2, 4)), ("block.1.kernel", ones(1, 1, 1, 1))];
        StringBuilder text = new();
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string key, string value) in facts.OrderBy(fact => fact.Key, StringComparer.Ordinal)) hash.AppendData(Encoding.UTF8.GetBytes($"latentstitching.{key}={value}\n"));
        foreach ((string name, Tensor tensor) in tensors)
        {
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}[{string.Join(",", tensor.shape)}]\n"));
            hash.AppendData(tensor.flatten().bytes);
        }
        Dictionary<string, string> metadata = facts.ToDictionary(fact => $"latentstitching.{fact.Key}", fact => fact.Value);
        metadata["latentstitching.sha256"] = Convert.ToHexString(hash.GetHashAndReset()).ToLower(CultureInfo.InvariantCulture);
        SafeTensors.Save(MapPath, tensors, metadata);
    }
}
