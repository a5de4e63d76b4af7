using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Checkpoints;

[NoTensorLeaks]
public sealed class HuggingFaceFolderTests : IDisposable
{
    private const string Index = "model.safetensors.index.json", First = "model-00001-of-00002.safetensors", Second = "model-00002-of-00002.safetensors";
    private readonly string _folder = Directory.CreateTempSubdirectory("hf-").FullName;

    public HuggingFaceFolderTests() => Write("config.json", """{"model_type": "toy", "sizes": [1, 2]}""");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData("model.safetensors", null)]
    [InlineData("diffusion_pytorch_model.safetensors", null)]
    [InlineData("model.fp16.safetensors", "fp16")]
    [InlineData("diffusion_pytorch_model.fp16.safetensors", "fp16")]
    public void LoadWeights_OneFile_GivesConfigurationAndTensors(string file, string? variant)
    {
        using var scope = NewDisposeScope();
        SafeTensors.Save(In(file), [("w", arange(6, dtype: ScalarType.Float32))], new Dictionary<string, string> { ["format"] = "pt" });
        HuggingFaceFolder folder = HuggingFaceFolder.Open(_folder, variant);
        folder.FolderPath.Should().Be(_folder);
        folder.Config.GetProperty("model_type").GetString().Should().Be("toy");
        folder.WeightFiles.Should().Equal(file);
        using StateDictionary state = folder.LoadWeights();
        state["w"].data<float>().ToArray().Should().Equal(0, 1, 2, 3, 4, 5);
        state.Metadata["format"].Should().Be("pt");
    }

    [Fact]
    public void LoadWeights_PicklesOnly_AreReadAsSafelyAsEver()
    {
        File.Copy(CheckpointFiles.Fixture("state_dict_zip.pth"), In("pytorch_model.bin"));
        using (StateDictionary state = HuggingFaceFolder.Open(_folder).LoadWeights()) state.Count.Should().Be(19);
        File.Copy(CheckpointFiles.Fixture("refuse_unknown_global.pth"), In("pytorch_model.bin"), overwrite: true);
        ((Action)(() => HuggingFaceFolder.Open(_folder).LoadWeights())).Should().Throw<InvalidDataException>().WithMessage("*Nothing of it was run.*");
        // Safetensors first.
        File.Copy(CheckpointFiles.Fixture("state_dict.safetensors"), In("diffusion_pytorch_model.safetensors"));
        HuggingFaceFolder.Open(_folder).WeightFiles.Should().Equal("diffusion_pytorch_model.safetensors");
    }

    [Theory]
    [InlineData(Index, null)]
    [InlineData("diffusion_pytorch_model.safetensors.index.fp16.json", "fp16")]
    public void LoadWeights_Shards_GiveAllTensors(string index, string? variant)
    {
        using var scope = NewDisposeScope();
        WriteShards();
        Write(index, Map(("a", First), ("b", First), ("c", Second)));
        HuggingFaceFolder folder = HuggingFaceFolder.Open(_folder, variant);
        folder.WeightFiles.Should().Equal(First, Second);
        using StateDictionary state = folder.LoadWeights();
        state.Names.Should().Equal("a", "b", "c");
        state["a"].shape.Should().Equal(2, 3);
        state["c"].data<float>().ToArray().Should().Equal(7);
        state.Metadata["format"].Should().Be("pt");
    }

    [Fact]
    public void LoadWeights_ShardsOfPickles_GiveAllTensors()
    {
        File.Copy(CheckpointFiles.Fixture("state_dict_zip.pth"), In("pytorch_model-00001-of-00002.bin"));
        byte[] two = [.. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(2f)];
        File.WriteAllBytes(In("pytorch_model-00002-of-00002.bin"), CheckpointFiles.Zip(CheckpointFiles.Pickle("}U\u0001w" + CheckpointFiles.Tensor("a", 2, 0, [2], [1]) + "s."), ("archive/data/a", two)));
        using StateDictionary first = StateDictionary.Load(In("pytorch_model-00001-of-00002.bin"));
        Write("pytorch_model.bin.index.json", Map([.. first.Names.Select(name => (name, "pytorch_model-00001-of-00002.bin")), ("w", "pytorch_model-00002-of-00002.bin")]));
        HuggingFaceFolder folder = HuggingFaceFolder.Open(_folder);
        folder.WeightFiles.Should().Equal("pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin");
        using StateDictionary state = folder.LoadWeights();
        state.Names.Should().Equal([.. first.Names, "w"]);
        state["w"].data<float>().ToArray().Should().Equal(1, 2);
        foreach (string name in first.Names) CheckpointFiles.Same(state[name], first[name]).Should().BeTrue(name);
    }

    [Fact]
    public void LoadWeights_ShardsThatAreNotAsTheIndexSays_Throws()
    {
        using var scope = NewDisposeScope();
        WriteShards();
        Write(Index, Map(("a", First), ("b", First), ("c", Second), ("d", Second)));
        Refused(() => HuggingFaceFolder.Open(_folder).LoadWeights(), $"'{In(Index)}' must say what its shards hold, but '{Second}' lacks 1 of the 2 tensors that it should hold: 'd'.");
        Write(Index, Map(("a", First), ("c", Second)));
        Refused(() => HuggingFaceFolder.Open(_folder).LoadWeights(), $"'{In(Index)}' must say what its shards hold, but '{First}' holds 1 tensors that it should not: 'b'.");
        File.Delete(In(Second));
        Refused(() => HuggingFaceFolder.Open(_folder), $"'{In(Index)}' must lie beside all its shards, but 1 of 2 are not there: '{Second}'. Download them too.");
    }

    [Theory]
    [InlineData("../secret.safetensors")]
    [InlineData("/etc/secret.safetensors")]
    [InlineData("..\\secret.safetensors")]
    [InlineData("C:secret.safetensors")]
    [InlineData("inner/model.safetensors")]
    [InlineData(".safetensors")]
    [InlineData("a\u0000.safetensors")]
    [InlineData("passwd")]
    public void Open_IndexThatLeavesTheFolder_IsRefused(string file)
    {
        Write(Index, Map(("a", file)));
        ((Action)(() => HuggingFaceFolder.Open(_folder))).Should().Throw<InvalidDataException>().Which.Message.Should()
            .Be($"'{In(Index)}' must name shards within its folder, by plain names that end in .safetensors or .bin, but 'a' is mapped to '{file.Replace('\0', '?')}'. Nothing else is opened.");
    }

    [Theory]
    [InlineData("{}", "must map the names of tensors to files (weight_map), but it does not.")]
    [InlineData("""{"weight_map": []}""", "must map the names of tensors to files (weight_map), but it does not.")]
    [InlineData("""{"weight_map": {}}""", "must map the names of tensors to files (weight_map), but it maps none.")]
    [InlineData("""{"weight_map": {"a": 3}}""", "must map tensors to file names, but 'a' is mapped to a JSON Number.")]
    [InlineData("""{"weight_map": {"a": "m.bin", "a": "m.bin"}}""", "must map each tensor once, but it maps 'a' twice.")]
    [InlineData("[]", "must hold a JSON object, but it is of kind Array.")]
    [InlineData("{", "must hold a JSON object, but it cannot be read: *")]
    [InlineData("""{"weight_map": {"a": "\ud800.bin"}}""", "must hold texts, but one cannot be read: *")]
    public void Open_BadIndex_ThrowsNamingWhatIsWrong(string json, string text)
    {
        Write(Index, json);
        Refused(() => HuggingFaceFolder.Open(_folder), $"'{In(Index)}' {text}");
    }

    [Fact]
    public void Open_WhatIsNoModelFolder_Throws()
    {
        ((Action)(() => HuggingFaceFolder.Open(" "))).ShouldRefuse("folder", "folder must not be blank.");
        ((Action)(() => HuggingFaceFolder.Open(_folder, "../x"))).ShouldRefuse("variant", "variant must be a word of letters, digits, '_' and '-', but it is '../x'.");
        ((Action)(() => HuggingFaceFolder.Open(In("none")))).ShouldSay<DirectoryNotFoundException>($"folder must exist, but '{In("none")}' does not.");
        Refused(
            () => HuggingFaceFolder.Open(_folder),
            $"'{_folder}' must hold weights, such as model.safetensors or diffusion_pytorch_model.safetensors, but it holds none. Another variant is chosen by variant; a file of another name is loaded by StateDictionary.Load.");
        Write("model.fp16.safetensors", "");
        Write("other.bin", "");
        Refused(() => HuggingFaceFolder.Open(_folder), "*but it holds 'model.fp16.safetensors', 'other.bin'. Another variant *");
        Refused(() => HuggingFaceFolder.Open(_folder, "bf16"), "*must hold weights of variant 'bf16', such as model.bf16.safetensors or *");
        Write("model.safetensors", "");
        Write("diffusion_pytorch_model.safetensors", "");
        Refused(() => HuggingFaceFolder.Open(_folder), $"'{_folder}' must hold the weights of one model, but it holds 'diffusion_pytorch_model.safetensors', 'model.safetensors'. Load the one wanted by StateDictionary.Load.");
        Write("config.json", "nothing");
        Refused(() => HuggingFaceFolder.Open(_folder), $"'{In("config.json")}' must hold a JSON object, but it cannot be read: *");
        File.WriteAllBytes(In("config.json"), new byte[(16 << 20) + 1]);
        Refused(() => HuggingFaceFolder.Open(_folder), $"'{In("config.json")}' must hold at most 16777216 bytes, but it holds 16777217.");
        File.Delete(In("config.json"));
        Refused(() => HuggingFaceFolder.Open(_folder), $"'{_folder}' must hold config.json, but it does not. To read a file of weights alone, call StateDictionary.Load.");
        foreach (string part in (string[])["vae", "unet"])
        {
            Directory.CreateDirectory(In(part));
            Write($"{part}/config.json", "{}");
        }
        Write("model_index.json", "{}");
        Refused(() => HuggingFaceFolder.Open(_folder), $"'{_folder}' must hold config.json, but it does not. It is a pipeline of several models: open one of 'unet', 'vae'.");
    }

    [SharedFact("fixtures/vqmodel/vq_f2_diffusers")]
    public void LoadWeights_OfDiffusers_GivesItsTensors()
    {
        HuggingFaceFolder folder = HuggingFaceFolder.Open(Shared.Path("fixtures/vqmodel/vq_f2_diffusers"));
        folder.Config.GetProperty("_class_name").GetString().Should().Be("VQModel");
        folder.Config.GetProperty("block_out_channels").EnumerateArray().Select(size => size.GetInt32()).Should().Equal(32, 32);
        using StateDictionary state = folder.LoadWeights();
        state["quantize.embedding.weight"].shape.Should().Equal(24, 3);
        state["encoder.conv_in.weight"].shape.Should().Equal(32, 3, 3, 3);
    }

    private static string Map(params (string Tensor, string File)[] entries) => System.Text.Json.JsonSerializer.Serialize(
        new Dictionary<string, object> { ["metadata"] = new Dictionary<string, long> { ["total_size"] = 36 }, ["weight_map"] = entries.ToDictionary(entry => entry.Tensor, entry => entry.File) });

    private static void Refused(Action act, string text) => act.Should().Throw<InvalidDataException>().WithMessage(text);

    private string In(string name) => Path.Combine(_folder, name);

    private void Write(string name, string text) => File.WriteAllText(In(name), text);

    private void WriteShards()
    {
        Dictionary<string, string> format = new() { ["format"] = "pt" };
        SafeTensors.Save(In(First), [("a", ones(2, 3)), ("b", zeros(2))], format);
        SafeTensors.Save(In(Second), [("c", full([1], 7f))], format);
    }
}
