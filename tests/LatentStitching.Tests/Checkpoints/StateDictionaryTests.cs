using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Checkpoints;

[NoTensorLeaks]
public sealed class StateDictionaryTests
{
    [Fact]
    public void New_InAScope_OutlivesItAndLeavesTheCallersTensors()
    {
        StateDictionary state;
        using (NewDisposeScope())
        {
            Tensor weight = ones([2, 3], requires_grad: true);
            state = new StateDictionary([("w", weight), ("b", zeros(2))], new Dictionary<string, string> { ["k"] = "v" });
            weight.IsInvalid.Should().BeFalse();
            weight.requires_grad.Should().BeTrue();
        }
        using (state)
        {
            state.Names.Should().Equal("w", "b");
            state.Count.Should().Be(2);
            state.Contains("w").Should().BeTrue();
            state.Contains("x").Should().BeFalse();
            state.Metadata["k"].Should().Be("v");
            state["w"].shape.Should().Equal(2, 3);
            state["w"].requires_grad.Should().BeFalse();
            state.ToString().Should().Be("2 tensors, 8 elements");
        }
        state.Dispose();
        state.ToString().Should().Be("disposed");
        state.Invoking(s => s["w"]).Should().Throw<ObjectDisposedException>();
        state.Invoking(s => s.Save("x")).Should().Throw<ObjectDisposedException>();
        state.Invoking(s => s.Under("w")).Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Item_MistypedName_ThrowsNamingThoseNear()
    {
        using StateDictionary state = StateDictionary.Load(CheckpointFiles.Fixture("state_dict.safetensors"));
        state.Invoking(s => s["enc.conv1.wieght"]).Should().Throw<ArgumentException>()
            .WithMessage("name must be one of the 19 tensors, but it is 'enc.conv1.wieght'. Near it: 'enc.conv1.weight', 'enc.conv2.weight', *, ….*");
        using StateDictionary empty = new([]);
        empty.Invoking(s => s["a"]).Should().Throw<ArgumentException>().WithMessage("name must be one of the 0 tensors, but it is 'a'. Near it: there are none.*");
    }

    [Fact]
    public void New_NameTwice_Throws()
    {
        using Tensor tensor = ones(1);
        var act = () => new StateDictionary([("a", tensor), ("a", tensor)]);
        act.Should().Throw<ArgumentException>().WithMessage("tensors must differ in their names, but 'a' comes twice.*");
    }

    [Fact]
    public void WithoutPrefix_OfDataParallel_GivesThePlainNames()
    {
        using StateDictionary wrapped = StateDictionary.Load(CheckpointFiles.Fixture("data_parallel_prefix.pth"));
        using StateDictionary plain = StateDictionary.Load(CheckpointFiles.Fixture("state_dict_zip.pth"));
        using StateDictionary mended = wrapped.WithoutPrefix("module.");
        mended.Names.Should().Equal(plain.Names);
        foreach (string name in plain.Names) CheckpointFiles.Same(mended[name], plain[name]).Should().BeTrue(name);
        wrapped.Invoking(s => s.WithoutPrefix("modul_")).Should().Throw<ArgumentException>().WithMessage("prefix must begin a name, but it is 'modul_'. Names: *");
    }

    [Fact]
    public void WithoutPrefix_NamesThatBecomeAlike_Throws()
    {
        using Tensor tensor = ones(1);
        using StateDictionary state = new([("m.a", tensor), ("a", tensor)]);
        state.Invoking(s => s.WithoutPrefix("m.")).Should().Throw<ArgumentException>()
            .WithMessage("prefix must leave the names different, but without 'm.' two are 'a'.*");
        using StateDictionary other = new([("m.a", tensor), ("b", tensor)]);
        using StateDictionary mended = other.WithoutPrefix("m.");
        mended.Names.Should().Equal("a", "b");
    }

    [Fact]
    public void Under_APartOfTheModel_SharesItsMemory()
    {
        using var scope = NewDisposeScope();
        using StateDictionary state = StateDictionary.Load(CheckpointFiles.Fixture("state_dict_zip.pth"));
        using StateDictionary decoder = state.Under("dec.");
        decoder.Names.Should().Equal("fc.weight", "fc.bias", "up1.weight", "up1.bias", "gn.weight", "gn.bias", "up2.weight", "up2.bias");
        state["dec.fc.bias"].fill_(7);
        decoder["fc.bias"].min().ToDouble().Should().Be(7);
    }

    [Fact]
    public void Save_ThenLoad_GivesTensorsAndMetadataBack()
    {
        string path = Path.Combine(Path.GetTempPath(), $"state-{Guid.NewGuid():N}.safetensors");
        try
        {
            using StateDictionary before = StateDictionary.Load(CheckpointFiles.Fixture("tensor_zoo_zip.pth"));
            before.Save(path);
            using StateDictionary after = StateDictionary.Load(path);
            after.Names.Should().Equal(before.Names);
            foreach (string name in before.Names) CheckpointFiles.Same(after[name], before[name]).Should().BeTrue(name);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Load_NoFile_ThrowsWhatTheSystemSays()
    {
        ((Action)(() => StateDictionary.Load("nowhere.pth"))).Should().Throw<FileNotFoundException>();
        ((Action)(() => StateDictionary.Load(""))).Should().Throw<ArgumentException>().WithMessage("path must not be blank.*");
    }

    [Theory]
    [InlineData("", "its 0 bytes begin with nothing.")]
    [InlineData("474946383961", "its 6 bytes begin with 474946383961.")]
    public void Load_AnotherFormat_ThrowsNamingTheThree(string hex, string text) => CheckpointFiles.With(Convert.FromHexString(hex), path =>
        ((Action)(() => StateDictionary.Load(path))).Should().Throw<InvalidDataException>()
            .WithMessage($"'{path}' must be a safetensors file, a PyTorch zip archive, a PyTorch legacy file, or NumPy's .npy or .npz, but {text}"));
}
