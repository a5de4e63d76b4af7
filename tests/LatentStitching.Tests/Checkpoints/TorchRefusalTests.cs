using System.IO.Compression;
using System.Text;
using LatentStitching.Checkpoints;
using LatentStitching.Tests.Support;
using static LatentStitching.Tests.Checkpoints.CheckpointFiles;

namespace LatentStitching.Tests.Checkpoints;

[NoTensorLeaks]
public sealed class TorchRefusalTests
{
    private static readonly byte[] _six = new byte[24];

    public static TheoryData<string, string> BadPickles => new()
    {
        { "cos\nsystem\nU\u0002ls\u0085R.", "must hold only tensors and plain values, but its pickle names os.system (data.pkl, byte 2). Nothing of it was run. *" },
        { "cbuiltins\neval\nU\u00011\u0085R.", "*names builtins.eval (data.pkl, byte 2). Nothing of it was run. *" },
        { "ccollections\nOrderedDict\n](K\u0001cbuiltins\nexec\nU\u0004pass\u0085R\u0086ae\u0085R.", "*names builtins.exec (data.pkl, byte *). Nothing of it was run. *" },
        { "ctorch._utils\n_rebuild_tensor_v2\n(cbuiltins\ngetattr\ncos\nsystem\n\u0086RK\u0000))tR.", "*names builtins.getattr (data.pkl, byte *" },
        { "ctorch._utils\n_rebuild_parameter\n(cfunctools\npartial\ncos\nsystem\n\u0085RNNtR.", "*names functools.partial (*" },
        { "}U\u0001wcnumpy.core.multiarray\n_reconstruct\n)Rs.", "*names numpy.core.multiarray._reconstruct (*" },
        { "ccopyreg\n_reconstructor\n(cposix\nsystem\nc__builtin__\nobject\nNtR.", "*names copyreg._reconstructor (*" },
        { "(U\u0002idcos\nsystem\ntQ.", "*names os.system (*" },
        { "(cos\nsystem\nU\u0002lso.", "*names os.system (*" },
        { "ctorch.storage\n_load_from_bytes\nU\u0001x\u0085R.", "*names torch.storage._load_from_bytes (*" },
        { "\u0082\u0001.", "*the instruction 0x82*" },
        { "ctorch\nsave\n)R.", "*names torch.save (*" },
        { "ctorch\nComplexFloatStorage\n.", "*names torch.ComplexFloatStorage (*" },
        { "\u008c\u0002os\u008c\u0006system\u0093.", "*names os.system (data.pkl, byte 14)*" },
        { "c" + new string('x', 300) + "\n", "*must name classes in at most 256 letters, but a name is longer (data.pkl, byte 2). It is damaged, or more than a state dictionary: save that again in Python, torch.save(model.state_dict(), path)." },
        { "cos\u0007\nsystem\u001b[31m\n.", "*names os?.system?[31m (*" },
        { "\u0081.", "*must hold only tensors and plain values, but it has the instruction 0x81, which those do not need (data.pkl, byte 2). *" },
        { "i.", "*the instruction 0x69*" },
        { "}}b.", "*must set attributes of an OrderedDict alone, but it sets them on a dictionary (BUILD) (data.pkl, byte 4). *" },
        { "ccollections\nOrderedDict\n)RNb.", "*must set attributes of an OrderedDict alone*" },
        { "ccollections\nOrderedDict\nK\u0001R.", "*must call with a tuple of arguments, but it has a whole number*" },
        { "ccollections\nOrderedDict\nK\u0001\u0085R.", "*must make an OrderedDict of a list of pairs, but it does not*" },
        { "ccollections\nOrderedDict\n]K\u0001a\u0085R.", "*must make an OrderedDict of a list of pairs, but an item is none*" },
        { "U\u0001x)R.", "*must call one of the functions that make tensors, but it calls a text*" },
        { "ctorch\nSize\nK\u0001\u0085R.", "*must make a Size of fitting arguments, but it has 1: a whole number*" },
        { "ctorch._utils\n_rebuild_parameter\n)R.", "*must make a Parameter of fitting arguments, but it has 0: none*" },
        { "ctorch._utils\n_rebuild_tensor_v2\n)R.", "*must make tensors of storage, offset, shape and strides, but it has none*" },
        { "K\u0001Q.", "*must refer to storages alone, but a persistent id is none*" },
        { "(U\u0006moduleNNt" + "Q.", "*must refer to storages alone*" },
        { "(U\u0007storagectorch\nFloatStorage\nU\u0001aU\u0003cpu" + Int(-1) + "tQ.", "*must give storages a size, but storage 'a' is said to have -1 elements*" },
        { "NN.", "*must end with one value, but 1 more are left*" },
        { ".", "*must have a value at hand, but there is none*" },
        { "(.", "*must have a value at hand*" },
        { "t.", "*must have set a mark, but there is none*" },
        { "]}(K\u0001u.", "*must set keys and values in pairs*" },
        { "}Na.", "*must append to a list, but it appends to a dictionary*" },
        { ")Na.", "*must append to a list, but it appends to a tuple*" },
        { "]NNs.", "*must set items of a dictionary, but it sets them on a list*" },
        { "h\u0007.", "*must recall what it has noted, but there is no note 7*" },
        { "K\u0001K\u0002\u0093.", "*must name classes by texts, but it does not*" },
        { "U\u0002\u00ff\u00ff.", "*must hold texts as UTF-8, but one is not*" },
        { "X\u00ff\u00ff\u00ff\u000f.", "*must have lengths that fit, but one is 268435455 with 1 bytes left; it is damaged or cut short*" },
        { "\u008e\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f.", "*must hold texts of at most 268435456 bytes, but one has 9223372036854775807*" },
        { "\u008e\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff.", "*must have lengths that fit, but one is -1*" },
        { "\u0095\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u00ff\u007f.", "*must have lengths that fit*" },
        { "K", "*must hold a whole pickle, but it ends within one (data.pkl, byte 2). The file is cut short." },
        { "", "*must hold a whole pickle*" },
        { "}.", "*must hold tensors, but it holds a dictionary without any." },
        { "K\u0001.", "*must hold tensors, but it holds a whole number without any." },
        { Tensor("a", 6, 0, [7], [1]) + ".", "*must keep tensors within their storage, but one of shape [7] and strides [1] at offset 0 leaves the 6 elements of storage 'a' (*" },
        { Tensor("a", 6, 3, [2, 2], [2, 1]) + ".", "*one of shape [2, 2] and strides [2, 1] at offset 3 leaves the 6 elements*" },
        { Tensor("a", 6, -1, [2], [1]) + ".", "*at offset -1 leaves*" },
        { Tensor("a", 6, 0, [2, 2], [1]) + ".", "*must give tensors at most 64 dimensions and as many strides, but one has 2 and 1*" },
        { Tensor("a", 6, 0, [.. Enumerable.Repeat((byte)1, 65)], [.. Enumerable.Repeat((byte)1, 65)]) + ".", "*at most 64 dimensions*one has 65 and 65*" },
        { Tensor("a", 6, 0, [.. Enumerable.Repeat((byte)255, 20)], [.. Enumerable.Repeat((byte)0, 20)]) + ".", "*must give shapes of no negative dimension and less than 2^63 bytes*" },
        { Tensor("a", 6, 0, [255, 255, 255, 255], [0, 0, 0, 0]) + ".", "*must not grow beyond 67108864 bytes, 16 times its length, but its tensors would take 16913002524. They are views of shared memory: save them one by one, without expand." },
        { Tensor("b", 6, 0, [6], [1]) + ".", "*must hold 'archive/data/b', but its archive does not." },
        { Tensor("a", 5, 0, [5], [1]) + ".", "*must hold 20 bytes as storage 'a' (5 × F32), but it holds 24." },
        { Tensor("a", 24, 0, [24], [1], "BoolStorage") + "0.", "*the instruction 0x30*" },
        { "](" + Tensor("a", 6, 0, [6], [1]) + Tensor("a", 3, 0, [3], [1], "DoubleStorage") + "e.", "*must describe each storage alike, but 'a' is 6 × FloatStorage and 3 × DoubleStorage*" },
        { "}(U\u0003a.b" + Tensor("a", 6, 0, [6], [1]) + "U\u0001a}U\u0001b" + Tensor("a", 6, 0, [6], [1]) + "su.", "*must name each tensor once, but 'a.b' comes twice." },
        { "]q\u0000h\u0000a.", "*must nest at most 64 containers, but it nests more, or one within itself." },
    };

    [Theory]
    [MemberData(nameof(BadPickles))]
    public void Load_BadPickle_ThrowsNamingWhatIsWrong(string pickle, string text) =>
        With(Zip(Pickle(pickle), ("archive/data/a", _six)), path => Refused(path, text.StartsWith('*') ? text : $"'{path}' {text}"));

    [Fact]
    public void Load_HandMadeTensor_GivesItsValues()
    {
        byte[] six = [.. Enumerable.Range(0, 6).SelectMany(i => BitConverter.GetBytes((float)i))];
        byte[] pickle = Pickle("}U\u0001w" + Tensor("a", 6, 1, [2, 2], [1, 2]) + "sU\u0001nM\u0001\u0002s.");
        foreach (byte[] file in new[] { Zip(pickle, ("archive/data/a", six)), Legacy(pickle, ("a", six, 6)) })
        {
            With(file, path =>
            {
                using StateDictionary state = StateDictionary.Load(path);
                state["w"].shape.Should().Equal(2, 2);
                state["w"].data<float>().ToArray().Should().Equal(1, 3, 2, 4);
                state.Metadata["n"].Should().Be("513");
            });
        }
    }

    [Fact]
    public void Load_OneTensorUnderAMillionNames_IsStopped()
    {
        // Ten lists, each of ten times the one before: 10^10 tensors in 300 bytes.
        StringBuilder pickle = new("]q\u0000(" + Tensor("a", 6, 0, [6], [1]) + "e");
        for (int level = 1; level <= 10; level++) pickle.Append($"]q{(char)level}({string.Concat(Enumerable.Repeat($"h{(char)(level - 1)}", 10))}e");
        string tower = $"({pickle}t.";
        With(Zip(Pickle(tower), ("archive/data/a", _six)), path => Refused(path, "*must not hold more containers and tensors than its length allows*"));
    }

    [Fact]
    public void Load_MoreStepsThanACheckpointNeeds_IsStopped()
    {
        byte[] pickle = Pickle("](" + new string('N', PickleReader.MaxSteps) + "e.");
        With(Zip(pickle), path => Refused(path, "*must take at most 10000000 steps, but it takes more*"));
    }

    [Fact]
    public void Load_BooleanOfTwo_Throws() => With(
        Zip(Pickle(Tensor("a", 2, 0, [2], [1], "BoolStorage") + "."), ("archive/data/a", [1, 2])),
        path => Refused(path, $"'{path}' must hold Booleans as bytes 0 and 1, but storage 'a' holds others. The file is damaged."));

    [Fact]
    public void Load_BadArchive_ThrowsNamingWhatIsWrong()
    {
        byte[] good = Pickle(Tensor("a", 6, 0, [6], [1]) + ".");
        With(Zip(good, ("archive/data/a", _six), ("archive/byteorder", "big"u8.ToArray())), path =>
            Refused(path, $"'{path}' must be little endian, but its byte order is 'big'. Save it again on a little-endian machine."));
        With(Zip(good, ("archive/data/a", _six), ("archive/byteorder", new byte[99])), path => Refused(path, "*must say its byte order in a word, but it says more."));
        With(Zip(CompressionLevel.Optimal, ("archive/data.pkl", good), ("archive/data/a", _six)), path =>
            Refused(path, "*must hold its parts as they are, but 'archive/data*' is compressed or encrypted, which torch.save does not do. Save it again."));
        With(Zip(good, ("archive/data/a", _six), ("archive/data/a", _six)), path => Refused(path, "*must name each part once, but its archive names 'archive/data/a' twice."));
        With(Zip(good, ("other/data.pkl", good)), path => Refused(path, "*must hold one data.pkl, as torch.save writes it, but its archive has 2. It is another kind of zip file."));
        With(Zip(CompressionLevel.NoCompression, ("readme.txt", good)), path => Refused(path, "*but its archive has 0. *"));
    }

    [Fact]
    public void Load_BadLegacyFile_ThrowsNamingWhatIsWrong()
    {
        byte[] pickle = Pickle(Tensor("a", 6, 0, [6], [1]) + ".");
        byte[] good = Legacy(pickle, ("a", _six, 6));
        With(good[..^1], path => Refused(path, $"'{path}' must hold all storages, but 'a', of 8 + 24 bytes, begins at byte {good.Length - 32} of {good.Length - 1}. The file is cut short."));
        With([.. good, 0], path => Refused(path, "*must end with its last storage, but 1 bytes follow. *"));
        With(Legacy(pickle, ("a", _six, 7)), path => Refused(path, "*must hold 6 elements as storage 'a', but it says 7 at byte *"));
        With(Legacy(pickle), path => Refused(path, "*must list all storages, but 'a' is not there."));
        With(Legacy(pickle, ("b", _six, 6)), path => Refused(path, "*must list the storages of its tensors, but it lists 'b'."));
        With(Legacy(pickle, ("a", _six, 6), ("a", _six, 6)), path => Refused(path, "*must list each storage once, but 'a' comes twice."));
        With(Pickle("K\u0001."), path => Refused(path, "*must begin with torch.save's magic number, but it does not: it is a pickle of another program."));
        byte[] version = [.. good];
        version[18]++;
        With(version, path => Refused(path, "*must be of version 1001, but it is of version 1002."));
        int flag = good.AsSpan().IndexOf("little_endian"u8) + "little_endian".Length;
        byte[] big = [.. good];
        big[flag] = 0x89;
        With(big, path => Refused(path, "*must be little endian, but it does not say so. Save it again on a little-endian machine."));
        byte[] protocol = [.. good];
        protocol[1] = 9;
        With(protocol, path => Refused(path, "*must be a pickle of protocol 2 to 5, but it is of protocol 9 (magic number, byte 0). *"));
    }

    private static void Refused(string path, string text)
    {
        ((Action)(() => StateDictionary.Load(path, ""))).Should().Throw<InvalidDataException>().WithMessage(text);
    }
}
