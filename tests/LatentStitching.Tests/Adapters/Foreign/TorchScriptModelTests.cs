using LatentStitching.Adapters.Foreign;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Tests.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Foreign;

[NoTensorLeaks]
public sealed class TorchScriptModelConformanceTests : LatentModelConformanceTests<TorchScriptModel>
{
    protected override TorchScriptModel Create() => TorchScriptModel.Load(Fixture.Path("loaders/autoencoder_scripted_methods.pt"), new TorchScriptOptions { Image = ImageFormat.Rgb(16) });
}

[NoTensorLeaks]
public sealed class TwoFileTorchScriptModelConformanceTests : LatentModelConformanceTests<TorchScriptModel>
{
    protected override TorchScriptModel Create() =>
        TorchScriptModel.Load(Fixture.Path("loaders/encoder_traced.pt"), Fixture.Path("loaders/decoder_scripted.pt"), new TorchScriptOptions { Image = ImageFormat.Rgb(16), Name = "traced" });
}

[NoTensorLeaks]
public sealed class TorchScriptModelTests
{
    private static readonly TorchScriptOptions _options = new() { Image = ImageFormat.Rgb(16) };
    private static readonly string _both = Fixture.Path("loaders/autoencoder_scripted_methods.pt"), _scripted = Fixture.Path("loaders/encoder_scripted.pt"),
        _traced = Fixture.Path("loaders/encoder_traced.pt"), _decoder = Fixture.Path("loaders/decoder_scripted.pt");

    public static TheoryData<string> Ways => new() { "methods", "scripted", "traced" };

    private static TorchScriptModel Open(string way, TorchScriptOptions options) => way switch
    {
        "methods" => TorchScriptModel.Load(_both, options),
        "scripted" => TorchScriptModel.Load(_scripted, _decoder, options),
        _ => TorchScriptModel.Load(_traced, _decoder, options),
    };

    // The files' network takes any numbers; images of [0, 1] are mapped to those that PyTorch was given.
    [Theory]
    [MemberData(nameof(Ways))]
    public void EncodeDecode_IsWhatPyTorchComputed(string way)
    {
        using var scope = NewDisposeScope();
        using StateDictionary expected = Fixture.Load("loaders/expected.safetensors");
        Tensor x = expected["in.x"], y = expected["out.y"];
        (double low, double high) = (x.min().ToDouble(), x.max().ToDouble());
        (double darkest, double brightest) = (y.min().ToDouble(), y.max().ToDouble());
        double inDeviation = 1 / (high - low), outDeviation = 1 / (brightest - darkest);
        using TorchScriptModel model = Open(way, _options with
        {
            InputRange = PixelRange.Normalised([-low * inDeviation], [inDeviation]),
            OutputRange = PixelRange.Normalised([-darkest * outDeviation], [outDeviation]),
        });
        model.Latent.ToString().Should().Be("8 (z [8])");
        Tensor images = ((x.to_type(ScalarType.Float64) - low) * inDeviation).clamp(0, 1).to_type(ScalarType.Float32);
        model.Encode(images).ShouldBeCloseTo(expected["out.z"], 1e-5);
        Tensor decoded = model.Decode(expected["out.z"]);
        Tensor wanted = (y.to_type(ScalarType.Float64) - darkest) * outDeviation;
        decoded.ShouldBeCloseTo(wanted, 1e-6);
    }

    [Fact]
    public void Load_NamesShapesAndMethods_AreAsTheOptionsSay()
    {
        using (TorchScriptModel model = TorchScriptModel.Load(_both, _options)) model.Name.Should().Be("autoencoder_scripted_methods");
        using (TorchScriptModel model = TorchScriptModel.Load(_traced, _decoder, _options)) model.Name.Should().Be("encoder_traced");
        LatentSpace levels = LatentSpace.Of(("coarse", [2]), ("fine", [2, 3]));
        using TorchScriptModel named = TorchScriptModel.Load(_both, _both, _options with { Name = "both", EncodeMethod = "encode", DecodeMethod = "decode", Latent = levels, EncoderOutput = 0, Device = CPU });
        named.ToString().Should().Be("both: 3×16×16 ↔ 8");
        named.Latent.Should().BeSameAs(levels);
        using TorchScriptModel plain = TorchScriptModel.Load(_both, _options);
        using Tensor latents = OnnxModels.Random(3, 2, 8), direct = plain.Decode(latents), shaped = named.Decode(latents);
        CheckpointFilesSame(direct, shaped).Should().BeTrue();
    }

    [Fact]
    public void Load_WhatIsNoProgram_IsToldBeforeLibtorchSeesIt()
    {
        string weights = Fixture.Path("loaders/state_dict_zip.pth"), tensors = Fixture.Path("loaders/state_dict.safetensors");
        const string cure = "Weights are read by StateDictionary.Load; a program is made in Python by torch.jit.script(model).save(path), or by trace.";
        Says($"'{weights}' must be a TorchScript program, as torch.jit.save writes it, but it is weights without a program. {cure}", weights);
        Says($"'{tensors}' must be a TorchScript program, as torch.jit.save writes it, but it is no zip archive: its {new FileInfo(tensors).Length} bytes begin with {Convert.ToHexStringLower(File.ReadAllBytes(tensors)[..4])}.", tensors);
        Made([], path => Says($"'{path}' must be a TorchScript program, as torch.jit.save writes it, but it is no zip archive: its 0 bytes begin with nothing.", path));
        Made(CheckpointZip("readme.txt"), path => Says($"'{path}' must be a TorchScript program, as torch.jit.save writes it, but it is another kind of zip file. {cure}", path));
        Made(File.ReadAllBytes(_both)[..20000], path => ((Action)(() => TorchScriptModel.Load(path, _options))).Should().Throw<InvalidDataException>().WithMessage($"'{path}' must be a whole zip archive, but it is damaged or cut short: *"));
        ((Action)(() => TorchScriptModel.Load("no such file", _options))).Should().Throw<FileNotFoundException>();
        ((Action)(() => TorchScriptModel.Load(_traced, "no such file", _options))).Should().Throw<FileNotFoundException>();
    }

    [Fact]
    public void Load_ChangedPartOrName_IsToldBeforeLibtorchSeesIt()
    {
        byte[] good = File.ReadAllBytes(_traced);
        byte[] name = [.. "encoder_traced/code/__torch__/torch/nn/modules/conv/"u8];
        int local = good.AsSpan().IndexOf(name), central = good.AsSpan().LastIndexOf(name), pickle = good.AsSpan().IndexOf("ctorch._utils"u8);
        local.Should().BeLessThan(central);
        foreach (int at in (int[])[local, central])
        {
            byte[] bad = [.. good];
            bad[at + 40] ^= 1;
            Made(bad, path => ((Action)(() => TorchScriptModel.Load(path, _decoder, _options))).Should().Throw<InvalidDataException>()
                .WithMessage($"'{path}' must name its parts in its directory as beside them, but 'encoder_traced/code/__torch__/*' is in one of them alone. The file is damaged."));
        }
        pickle.Should().BePositive();
        byte[] changed = [.. good];
        changed[pickle + 3] ^= 1;
        Made(changed, path => Says($"'{path}' must hold its parts as they were written, but 'encoder_traced/data.pkl' has another checksum. The file is damaged.", path));
    }

    [Fact]
    public void Load_DamagedProgram_GivesAnErrorAndNoCrash()
    {
        byte[] good = File.ReadAllBytes(_traced);
        int name = good.AsSpan().IndexOf("constants.pkl"u8), weights = good.AsSpan().IndexOf("data/7"u8);
        name.Should().BePositive();
        Random random = new(4);
        int refused = 0;
        for (int round = 0; round < 200; round++)
        {
            byte[] bad = [.. good];
            for (int i = 0; i < 4; i++) bad[random.Next(weights, bad.Length)] ^= (byte)random.Next(1, 256);
            Made(bad, path =>
            {
                try
                {
                    TorchScriptModel.Load(path, _decoder, _options).Dispose();
                }
                catch (InvalidDataException e)
                {
                    e.Message.Should().Contain($"'{path}'");
                    refused++;
                }
            });
        }
        refused.Should().BeGreaterThan(150);
    }

    [Fact]
    public void Load_ProgramThatIsNoModel_Says()
    {
        Wrong($"nothing of '{_both}' must take [2, 3, 16, 16], but it failed: Method 'nothing' is not defined.", () => TorchScriptModel.Load(_both, _options with { EncodeMethod = "nothing" }));
        Wrong($"encode of '{_both}' must take [2, 1, 16, 16], but it failed: *", () => TorchScriptModel.Load(_both, _options with { Image = ImageFormat.Grey(16) }));
        Wrong($"encode of '{_both}' must give the 9 numbers an image of options.Latent, but it gives [2, 8], 8 an image.", () => TorchScriptModel.Load(_both, _options with { Latent = LatentSpace.Vector(9) }));
        Wrong(
            $"encode of '{_both}' must give a tensor as value 1 of several, but it gives one tensor. Of several that the encoder gives, options.EncoderOutput names the latent.",
            () => TorchScriptModel.Load(_both, _options with { EncoderOutput = 1 }));
        Wrong(
            $"encode of '{_both}' must give images [2, 3, 16, 16] for latents [2, 3, 16, 16], but it gives [2, 8]. Check options.Image and options.Latent.",
            () => TorchScriptModel.Load(_both, _options with { EncodeMethod = "forward", DecodeMethod = "encode" }));
        ((Action)(() => TorchScriptModel.Load(" ", _options))).ShouldRefuse("path", "path must not be blank.");
        ((Action)(() => TorchScriptModel.Load(_both, "", _options))).ShouldRefuse("decoderPath", "decoderPath must not be blank.");
        ((Action)(() => TorchScriptModel.Load(_both, null!))).Should().Throw<ArgumentNullException>().WithParameterName("options");
        ((Action)(() => _ = _options with { EncoderOutput = -1 })).ShouldRefuse("EncoderOutput", "EncoderOutput must be zero or more, but it is -1.");
        ((Action)(() => _ = _options with { Name = "" })).ShouldRefuse("Name", "Name must not be blank.");

        static void Wrong(string text, Action act) => act.Should().Throw<InvalidDataException>().WithMessage(text);
    }

    // The fixture's program with another end: what PyTorch writes for an encoder that returns (mean, log-variance).
    [Fact]
    public void Load_EncoderThatGivesATuple_TakesTheOutputNamed()
    {
        byte[] pair = Changed("-> Tensor:\n    bn = s.bn", "-> Tuple[Tensor, Tensor]:\n    bn = s.bn", "    return _1\n", "    return (_1, torch.neg(_1))\n");
        Made(pair, path =>
        {
            using var scope = NewDisposeScope();
            using TorchScriptModel plain = TorchScriptModel.Load(_scripted, _decoder, _options), mean = TorchScriptModel.Load(path, _decoder, _options with { EncoderOutput = 0 }), spread = TorchScriptModel.Load(path, _decoder, _options with { EncoderOutput = 1 });
            Tensor images = OnnxModels.Random(3, 2, 3, 16, 16).add(0.5).clamp(0, 1), expected = plain.Encode(images);
            CheckpointFilesSame(mean.Encode(images), expected).Should().BeTrue();
            CheckpointFilesSame(spread.Encode(images), expected.neg()).Should().BeTrue();
            ((Action)(() => TorchScriptModel.Load(path, _decoder, _options))).ShouldSay<InvalidDataException>(
                $"forward of '{path}' must give one tensor, but it gives 2 values. Of several that the encoder gives, options.EncoderOutput names the latent.");
            ((Action)(() => TorchScriptModel.Load(path, _decoder, _options with { EncoderOutput = 2 }))).ShouldSay<InvalidDataException>(
                $"forward of '{path}' must give a tensor as value 2 of several, but it gives 2 values. Of several that the encoder gives, options.EncoderOutput names the latent.");
        });
    }

    [Fact]
    public void Decode_ProgramThatGivesHalves_IsScaledInFloat32()
    {
        // 5 is float16.
        Made(Packed(_decoder, "code/__torch__.py", version: null, "    return torch.tanh(h1)\n", "    return torch.to(torch.tanh(h1), 5)\n"), path =>
        {
            using var scope = NewDisposeScope();
            using TorchScriptModel plain = TorchScriptModel.Load(_scripted, path, _options), scaled = TorchScriptModel.Load(_scripted, path, _options with { OutputRange = PixelRange.Normalised([0.3], [0.7]) });
            Tensor latents = OnnxModels.Random(4, 3, 8), halves = plain.Decode(latents), images = scaled.Decode(latents);
            images.dtype.Should().Be(ScalarType.Float32);
            // Where nothing is clamped.
            Tensor inside = halves.gt(0);
            inside.any().ToBoolean().Should().BeTrue();
            images.masked_select(inside).ShouldBeCloseTo(halves.masked_select(inside) * 0.7f + 0.3f, 1e-7);
        });
    }

    [Fact]
    public void Load_EncoderOfAFixedBatch_OrOfANewerFormat_Says()
    {
        Made(Changed("    return _1\n", "    return torch.select(_1, 0, 0)\n"), path => ((Action)(() => TorchScriptModel.Load(path, _decoder, _options))).ShouldSay<InvalidDataException>(
            $"forward of '{path}' must give a latent of 2 rows for 2 images, but it gives [8]. If it was traced with one image, script it, or trace it with dynamic shapes."));
        // Code that does not compile ends the process within libtorch: the version is what it refuses in an orderly way.
        Made(Packed(_scripted, "___torch_mangle_12.py", "999"), path => ((Action)(() => TorchScriptModel.Load(path, _decoder, _options))).Should().Throw<InvalidDataException>()
            .WithMessage($"'{path}' must be a whole TorchScript program for cpu, but libtorch cannot load it: *"));
    }

    [Fact]
    public void Encode_WeightsTakeNoGradient()
    {
        using var scope = NewDisposeScope();
        using TorchScriptModel model = TorchScriptModel.Load(_both, _options);
        Tensor images = full([1, 3, 16, 16], 0.5f);
        model.Encode(images).requires_grad.Should().BeFalse();
        images.requires_grad_();
        model.Encode(images).sum().backward();
        images.grad!.abs().sum().ToDouble().Should().BePositive();
    }

    /// <summary>The scripted encoder with pieces of its code exchanged, packed anew.</summary>
    private static byte[] Changed(params string[] pairs) => Packed(_scripted, "___torch_mangle_12.py", version: null, pairs);

    private static byte[] Packed(string program, string module, string? version, params string[] pairs)
    {
        List<(string, byte[])> parts = [];
        using System.IO.Compression.ZipArchive archive = new(new MemoryStream(File.ReadAllBytes(program)));
        foreach (System.IO.Compression.ZipArchiveEntry entry in archive.Entries)
        {
            using Stream stream = entry.Open();
            using MemoryStream content = new();
            stream.CopyTo(content);
            string code = System.Text.Encoding.UTF8.GetString(content.ToArray());
            bool forward = entry.FullName.EndsWith(module, StringComparison.Ordinal);
            for (int i = 0; forward && i < pairs.Length; i += 2)
            {
                code.Should().Contain(pairs[i]);
                code = code.Replace(pairs[i], pairs[i + 1], StringComparison.Ordinal);
            }
            // The table of where each line came from would no longer fit.
            if (!entry.FullName.EndsWith($"{module}.debug_pkl", StringComparison.Ordinal)) parts.Add((entry.FullName, forward ? System.Text.Encoding.UTF8.GetBytes(code) : version is not null && entry.FullName.EndsWith("/version", StringComparison.Ordinal) ? System.Text.Encoding.UTF8.GetBytes(version) : content.ToArray()));
        }
        return Tests.Checkpoints.CheckpointFiles.Zip(System.IO.Compression.CompressionLevel.NoCompression, [.. parts]);
    }

    private static bool CheckpointFilesSame(Tensor left, Tensor right) => left.bytes.SequenceEqual(right.bytes);

    private static byte[] CheckpointZip(string name) => Tests.Checkpoints.CheckpointFiles.Zip(System.IO.Compression.CompressionLevel.NoCompression, (name, new byte[4]));

    private static void Made(byte[] content, Action<string> use) => Tests.Checkpoints.CheckpointFiles.With(content, use);

    private static void Says(string text, string path) => ((Action)(() => TorchScriptModel.Load(path, _options))).ShouldSay<InvalidDataException>(text);
}
