using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Checkpoints;

[NoTensorLeaks]
public sealed class TorchCheckpointTests
{
    [Theory]
    [InlineData("state_dict_zip.pth", null)]
    [InlineData("state_dict_legacy.pth", null)]
    [InlineData("state_dict.safetensors", null)]
    [InlineData("lightning_like.ckpt", "state_dict")]
    [InlineData("ddim_like_list.pth", "0")]
    public void Load_TheSameModel_GivesExactlyTheExpectedTensors(string name, string? container)
    {
        using StateDictionary expected = Expected("sd.");
        using StateDictionary loaded = StateDictionary.Load(CheckpointFiles.Fixture(name), container);
        loaded.Names.Should().Equal(expected.Names);
        foreach (string key in expected.Names) CheckpointFiles.Same(loaded[key], expected[key]).Should().BeTrue(key);
        loaded["enc.bn.num_batches_tracked"].dtype.Should().Be(ScalarType.Int64);
    }

    [Fact]
    public void Load_AveragedWeightsOfAList_AreHalfTheOthers()
    {
        using StateDictionary weights = StateDictionary.Load(CheckpointFiles.Fixture("ddim_like_list.pth"), "0");
        using StateDictionary averaged = StateDictionary.Load(CheckpointFiles.Fixture("ddim_like_list.pth"), "4");
        using var scope = NewDisposeScope();
        foreach (string key in averaged.Names) CheckpointFiles.Same(averaged[key], weights[key] * 0.5).Should().BeTrue(key);
        averaged.Count.Should().BeGreaterThan(10);
    }

    [Theory]
    [InlineData("tensor_zoo_zip.pth")]
    [InlineData("tensor_zoo_legacy.pth")]
    public void Load_EveryKindOfTensor_GivesContiguousIndependentCopies(string name)
    {
        using StateDictionary expected = Expected("zoo.");
        using StateDictionary loaded = StateDictionary.Load(CheckpointFiles.Fixture(name));
        loaded.Names.Should().BeEquivalentTo(expected.Names);
        foreach (string key in expected.Names)
        {
            using var scope = NewDisposeScope();
            Tensor tensor = loaded[key];
            tensor.is_contiguous().Should().BeTrue(key);
            tensor.requires_grad.Should().BeFalse(key);
            CheckpointFiles.Same(tensor, expected[key]).Should().BeTrue(key);
        }
        loaded["bf16"].dtype.Should().Be(ScalarType.BFloat16);
        loaded["shared_row"].fill_(99);
        CheckpointFiles.Same(loaded["transposed"], expected["transposed"]).Should().BeTrue("views of one storage come apart");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void Load_EveryProtocolOfPythonsPickler_GivesTensorsAndPlainValues(int protocol)
    {
        byte[] pickle = File.ReadAllBytes(CheckpointFiles.Fixture($"pickle_protocol_{protocol}.pkl"));
        byte[] six = [.. Enumerable.Range(0, 6).SelectMany(i => BitConverter.GetBytes((float)i))];
        foreach (byte[] file in new[] { CheckpointFiles.Zip(pickle, ("archive/data/a", six)), CheckpointFiles.Legacy(pickle, ("a", six, 6)) })
        {
            CheckpointFiles.With(file, path =>
            {
                using StateDictionary state = StateDictionary.Load(path);
                state.Names.Should().Equal("w", "p");
                state["w"].data<float>().ToArray().Should().Equal(1, 3, 2, 4);
                state["p"].data<float>().ToArray().Should().Equal(0, 1, 2, 3, 4, 5);
                Dictionary<string, string> plain = new() { ["big"] = "1180591620717411303424", ["neg"] = "-5", ["x"] = "0.1", ["flag"] = "True", ["text"] = "größe" };
                if (protocol == 2) plain["data"] = "\0ÿ";
                state.Metadata.Should().BeEquivalentTo(plain);
            });
        }
    }

    [Fact]
    public void Load_LegacyViewOfAStorage_BeginsWhereTheViewBegins()
    {
        byte[] six = [.. Enumerable.Range(0, 6).SelectMany(i => BitConverter.GetBytes((float)i))];
        string View(int start, int count) =>
            "ctorch._utils\n_rebuild_tensor_v2\n((U\u0007storagectorch\nFloatStorage\nU\u0001aU\u0003cpuK\u0006"
            + $"(U\u0001bK{(char)start}K{(char)count}ttQK\u0001(K\u0002t(K\u0001t\u0089NtR.";
        CheckpointFiles.With(CheckpointFiles.Legacy(CheckpointFiles.Pickle(View(2, 3)), ("a", six, 6)), path =>
        {
            using StateDictionary state = StateDictionary.Load(path);
            state["tensor"].data<float>().ToArray().Should().Equal(3, 4);
        });
        CheckpointFiles.With(CheckpointFiles.Legacy(CheckpointFiles.Pickle(View(2, 5)), ("a", six, 6)), path =>
            ((Action)(() => StateDictionary.Load(path))).Should().Throw<InvalidDataException>().WithMessage("*must keep views within their storage, but one leaves storage 'a'*"));
        CheckpointFiles.With(CheckpointFiles.Legacy(CheckpointFiles.Pickle(View(2, 2)), ("a", six, 6)), path =>
            ((Action)(() => StateDictionary.Load(path))).Should().Throw<InvalidDataException>().WithMessage("*must keep tensors within their storage*leaves the 2 elements of storage 'a'*"));
    }

    [Fact]
    public void Load_PickleThatWouldRunACommand_RunsNothing()
    {
        string witness = Path.Combine(Path.GetTempPath(), $"witness-{Guid.NewGuid():N}");
        string command = $"touch {witness}";
        byte[] pickle = CheckpointFiles.Pickle($"cos\nsystem\nU{(char)command.Length}{command}\u0085R.");
        foreach (byte[] file in new[] { CheckpointFiles.Zip(pickle), CheckpointFiles.Legacy(pickle) })
        {
            CheckpointFiles.With(file, path =>
                ((Action)(() => StateDictionary.Load(path))).Should().Throw<InvalidDataException>().WithMessage("*names os.system (*Nothing of it was run.*"));
        }
        File.Exists(witness).Should().BeFalse();
    }

    [Fact]
    public void Load_OneBareTensor_IsNamedTensor()
    {
        using StateDictionary expected = StateDictionary.Load(CheckpointFiles.Fixture("expected.safetensors"));
        using StateDictionary loaded = StateDictionary.Load(CheckpointFiles.Fixture("latent_000001.pth"));
        loaded.Names.Should().Equal("tensor");
        CheckpointFiles.Same(loaded["tensor"], expected["latent"]).Should().BeTrue();
    }

    [Fact]
    public void Load_GoodEmptyTensor_GivesShapeScalarAndMetadata()
    {
        using StateDictionary loaded = StateDictionary.Load(CheckpointFiles.Fixture("good_empty_tensor.safetensors"));
        loaded["a"].shape.Should().Equal(0, 3);
        loaded["b"].ToInt64().Should().Be(42);
        loaded.Metadata.Should().Equal(new Dictionary<string, string> { ["k"] = "v" });
    }

    [Fact]
    public void Load_NestedFileWithoutContainer_ThrowsListingThem()
    {
        string lightning = CheckpointFiles.Fixture("lightning_like.ckpt"), list = CheckpointFiles.Fixture("ddim_like_list.pth");
        ((Action)(() => StateDictionary.Load(lightning))).Should().Throw<ArgumentException>().WithMessage(
            $"container must be given for '{lightning}', whose tensors lie deeper: 'state_dict' (19). Name one of them or a container above; an empty text takes all.*");
        ((Action)(() => StateDictionary.Load(list))).Should().Throw<ArgumentException>().WithMessage(
            $"container must be given for '{list}', whose tensors lie deeper: '0' (19), *'4' (*).*");
        ((Action)(() => StateDictionary.Load(list, "3"))).Should().Throw<ArgumentException>().WithMessage(
            $"container must name a container of '{list}', but it is '3'. It holds tensors in: '0' (19), *");
        string flat = CheckpointFiles.Fixture("state_dict_zip.pth");
        ((Action)(() => StateDictionary.Load(flat, "enc"))).Should().Throw<ArgumentException>().WithMessage("*It holds tensors in: the top level (19).*");
        string safe = CheckpointFiles.Fixture("state_dict.safetensors");
        ((Action)(() => StateDictionary.Load(safe, "enc"))).Should().Throw<ArgumentException>().WithMessage(
            $"container must be left out for '{safe}', but it is 'enc'. A safetensors file is flat: see StateDictionary.Under.*");
    }

    [Fact]
    public void Load_EmptyContainer_JoinsAllNames()
    {
        using StateDictionary all = StateDictionary.Load(CheckpointFiles.Fixture("lightning_like.ckpt"), "");
        all.Names.Should().HaveCount(19).And.OnlyContain(name => name.StartsWith("state_dict.", StringComparison.Ordinal));
        using StateDictionary list = StateDictionary.Load(CheckpointFiles.Fixture("ddim_like_list.pth"), "");
        list.Names.Should().Contain(["0.enc.conv1.weight", "4.enc.conv1.weight"]);
        list.Metadata["2"].Should().Be("12");
        list.Metadata["3"].Should().Be("3456");
    }

    [Theory]
    [InlineData("refuse_unknown_global.pth", "posix.getcwd (data.pkl, byte 169)")]
    [InlineData("numpy_array.pth", "numpy.core.multiarray._reconstruct (data.pkl, byte 2)")]
    [InlineData("whole_module_pickled.pth", "*__main__*(data.pkl, byte 2)")]
    public void Load_OtherClasses_ThrowsNamingThem(string name, string what)
    {
        string path = CheckpointFiles.Fixture(name);
        ((Action)(() => StateDictionary.Load(path))).Should().Throw<InvalidDataException>().WithMessage(
            $"'{path}' must hold only tensors and plain values, but its pickle names {what}. "
            + "Nothing of it was run. Save the weights alone in Python: torch.save(model.state_dict(), path), without other classes.");
    }

    [Fact]
    public void Load_TorchScript_ThrowsPointingToItsLoader()
    {
        string path = CheckpointFiles.Fixture("encoder_traced.pt");
        ((Action)(() => StateDictionary.Load(path))).Should().Throw<InvalidDataException>().WithMessage(
            $"'{path}' must be a state dictionary, but it is a TorchScript program, which is code. Open it as a model by TorchScriptModel.Load, or save model.state_dict() in Python.");
    }

    [Fact]
    public void Load_TruncatedArchive_Throws()
    {
        string path = CheckpointFiles.Fixture("truncated.pth");
        ((Action)(() => StateDictionary.Load(path))).Should().Throw<InvalidDataException>()
            .WithMessage($"'{path}' must be a whole zip archive, but it is damaged or cut short: *");
    }

    private static StateDictionary Expected(string prefix)
    {
        using StateDictionary expected = StateDictionary.Load(CheckpointFiles.Fixture("expected.safetensors"));
        return expected.Under(prefix);
    }
}
