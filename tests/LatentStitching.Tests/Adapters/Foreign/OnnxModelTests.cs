using LatentStitching.Adapters.Foreign;
using LatentStitching.Models;
using LatentStitching.Onnx;
using LatentStitching.Tests.Models;
using LatentStitching.Tests.Support;
using Microsoft.ML.OnnxRuntime;

namespace LatentStitching.Tests.Adapters.Foreign;

[NoTensorLeaks]
public sealed class OnnxModelConformanceTests : LatentModelConformanceTests<OnnxModel>
{
    protected override bool GivesGradients => false;

    protected override OnnxModel Create() => OnnxModels.OpenAffine("n");
}

[NoTensorLeaks]
public sealed class FixedBatchOnnxModelConformanceTests : LatentModelConformanceTests<OnnxModel>
{
    protected override bool GivesGradients => false;

    protected override OnnxModel Create() => OnnxModels.OpenAffine(3);
}

[NoTensorLeaks]
public sealed class OnnxModelTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("onnx-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string Encoder => Path.Combine(_folder, "encoder.onnx");

    private string Decoder => Path.Combine(_folder, "decoder.onnx");

    private static Tensor Images(long count)
    {
        using Generator generator = new(9);
        return rand([count, OnnxModels.Channels, OnnxModels.Height, OnnxModels.Width], ScalarType.Float32, generator: generator);
    }

    [Theory]
    [InlineData("n")]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(200)]
    public void EncodeDecode_OfAnyBatch_IsWhatTheGraphsCompute(object batch)
    {
        using var scope = NewDisposeScope();
        using OnnxModel model = OnnxModels.OpenAffine(batch);
        model.Image.Should().Be(new ImageFormat(3, 4, 6));
        model.Latent.ToString().Should().Be("5 (z [5])");
        foreach (long count in (long[])[1, 3, 7, 130])
        {
            Tensor images = Images(count), latents = OnnxModels.Random(4, count, 5);
            model.Encode(images).ShouldBeCloseTo(OnnxModels.AffineEncode(images), 1e-6);
            model.Decode(latents).ShouldBeCloseTo(OnnxModels.AffineDecode(latents), 1e-6);
        }
    }

    [Fact]
    public void EncodeDecode_TransposedInput_IsReadInItsOrder()
    {
        using var scope = NewDisposeScope();
        using OnnxModel model = OnnxModels.OpenAffine("n");
        Tensor images = Images(4).permute(0, 1, 3, 2).contiguous().permute(0, 1, 3, 2), latents = OnnxModels.Random(4, 5, 6).t();
        images.is_contiguous().Should().BeFalse();
        model.Encode(images).ShouldBeCloseTo(OnnxModels.AffineEncode(images), 1e-6);
        model.Decode(latents).ShouldBeCloseTo(OnnxModels.AffineDecode(latents), 1e-6);
    }

    [Fact]
    public void EncodeDecode_HalfPrecisionGraph_TakesAndGivesFloat32()
    {
        using var scope = NewDisposeScope();
        using OnnxModel model = OnnxModels.OpenAffine(2, type: ScalarType.Float16);
        Tensor images = Images(5), latents = OnnxModels.Random(4, 5, 5);
        Tensor encoded = model.Encode(images);
        encoded.dtype.Should().Be(ScalarType.Float32);
        encoded.ShouldBeCloseTo(OnnxModels.AffineEncode(images), 3e-3);
        model.Decode(latents).ShouldBeCloseTo(OnnxModels.AffineDecode(latents), 1e-3);
    }

    [Fact]
    public void EncodeDecode_OpenSizesRangesAndOutputs_AreAsTheOptionsSay()
    {
        using var scope = NewDisposeScope();
        using SessionOptions session = new() { IntraOpNumThreads = 1 };
        using OnnxModel model = OnnxModels.OpenConvolution(new OnnxOptions
        {
            Image = new ImageFormat(3, 4, 6),
            EncoderOutput = "mean",
            DecoderOutput = "images",
            InputRange = PixelRange.Symmetric,
            OutputRange = PixelRange.Normalised([0.4, 0.5, 0.6], [0.2, 0.3, 0.1]),
            Session = session,
        });
        model.Name.Should().StartWith("onnx-", "a file called encoder.onnx has the name of its folder");
        model.Latent.Levels[0].Shape.Should().Equal(4, 2, 3);
        Tensor images = Images(3), latents = OnnxModels.Random(4, 3, 24);
        model.Encode(images).ShouldBeCloseTo(OnnxModels.ConvolutionEncode(images * 2 - 1), 1e-6);
        Tensor decoded = OnnxModels.ConvolutionDecode(latents);
        Tensor expected = stack([decoded[.., 0] * 0.2 + 0.4, decoded[.., 1] * 0.3 + 0.5, decoded[.., 2] * 0.1 + 0.6], 1).clamp(0, 1);
        model.Decode(latents).ShouldBeCloseTo(expected, 1e-6);
    }

    [Fact]
    public void Load_LevelsOfTheOptions_AreKept()
    {
        LatentSpace levels = LatentSpace.Of(("a", [2]), ("b", [3]));
        using OnnxModel model = OnnxModels.OpenAffine("n", new OnnxOptions { Name = "named", Latent = levels });
        model.Latent.Should().BeSameAs(levels);
        model.ToString().Should().Be("named: 3×4×6 ↔ 5");
    }

    [Fact]
    public void Load_FileMissingOrDamaged_Says()
    {
        Refuses<FileNotFoundException>(() => OnnxModel.Open(_folder), $"'{Encoder}' must be there, but it is not. An OnnxModel needs an encoder and a decoder.");
        OnnxModels.SaveAffine(_folder, "n");
        File.Delete(Decoder);
        Refuses<FileNotFoundException>(() => OnnxModel.Open(_folder), $"'{Decoder}' must be there, but it is not. An OnnxModel needs an encoder and a decoder.");
        File.WriteAllBytes(Decoder, File.ReadAllBytes(Encoder)[..100]);
        Refuses<InvalidDataException>(() => OnnxModel.Open(_folder), $"'{Decoder}' must be a whole ONNX model that ONNX Runtime knows, but it cannot be loaded: *");
        ((Action)(() => OnnxModel.Open(" "))).Should().Throw<ArgumentException>().WithParameterName("folder");
        ((Action)(() => OnnxModel.Load("a", ""))).Should().Throw<ArgumentException>().WithParameterName("decoderPath");
        ((Action)(() => OnnxModel.Load("", "a"))).Should().Throw<ArgumentException>().WithParameterName("encoderPath");
        ((Action)(() => _ = new OnnxOptions { Name = " " })).ShouldRefuse("Name", "Name must not be blank.");
        ((Action)(() => _ = new OnnxOptions { InputRange = null! })).Should().Throw<ArgumentNullException>().WithParameterName("InputRange");
    }

    [Fact]
    public void Load_GraphsThatAreNoModel_Says()
    {
        OnnxModels.SaveConvolution(_folder);
        OnnxOptions sized = new() { Image = new ImageFormat(3, 4, 6), EncoderOutput = "mean" };
        Refuses<InvalidDataException>(() => OnnxModel.Open(_folder, sized with { Image = null }), $"'{Encoder}' must declare its images' shape [n, c, h, w], but it declares [*, 3, *, *]. Pass the options' Image.");
        Refuses<InvalidDataException>(() => OnnxModel.Open(_folder), $"'{Encoder}' must have one output, but it has 2: mean, spread. Name the one wanted by EncoderOutput.");
        ((Action)(() => OnnxModel.Open(_folder, sized with { EncoderOutput = "z" }))).ShouldRefuse("EncoderOutput", $"EncoderOutput must be an output of '{Encoder}', but it is 'z'. Those are mean, spread.");
        Refuses<InvalidDataException>(() => OnnxModel.Open(_folder, sized with { Image = new ImageFormat(1, 4, 6) }), $"'{Encoder}' must take zeros of shape [2, 1, 4, 6], but it failed: *");
        Refuses<InvalidDataException>(() => OnnxModel.Open(_folder, sized with { Latent = LatentSpace.Vector(7) }), $"'{Encoder}' must give the 7 numbers an image of the options' Latent, but it gives [4, 2, 3], 24 an image.");
        Refuses<InvalidDataException>(() => OnnxModel.Open(_folder, sized with { Image = new ImageFormat(3, 5, 6) }), $"'{Decoder}' must give images [n, 3, 5, 6] for latents [n, 4, 2, 3], but it gives [n, 3, 4, 6].");
        OnnxModels.SaveAffine(_folder, "n");
        string affine = Path.Combine(_folder, "affine.onnx");
        File.Copy(Decoder, affine);
        OnnxModels.SaveConvolution(_folder);
        Refuses<InvalidDataException>(() => OnnxModel.Load(Encoder, affine, sized), $"'{Encoder}' must give the 5 numbers an image that '{affine}' takes, but it gives [4, 2, 3], 24 an image.");
        new OnnxGraph().Input("a", ScalarType.Float32, "n", 2).Input("b", ScalarType.Float32, "n", 2).Output("c", ScalarType.Float32, "n", 2).Node("Add", ["a", "b"], "c").Save(Decoder);
        Refuses<InvalidDataException>(() => OnnxModel.Open(_folder, sized), $"'{Decoder}' must have one input, but it has 2: a, b. Fix the others in Python before the export.");
        new OnnxGraph().Input("a", ScalarType.Float64, "n", 2).Output("c", ScalarType.Float64, "n", 2).Node("Abs", ["a"], "c").Save(Decoder);
        Refuses<InvalidDataException>(() => OnnxModel.Open(_folder, sized), $"'{Decoder}' must have tensors of float32 or float16, but its input 'a' is of Double.");
        new OnnxGraph().Input("a", ScalarType.Float32, "n", 2).Sequence("c", ScalarType.Float32).Node("SequenceConstruct", ["a"], "c").Save(Decoder);
        Refuses<InvalidDataException>(() => OnnxModel.Open(_folder, sized), $"'{Decoder}' must have tensors, but its output 'c' is of kind ONNX_TYPE_SEQUENCE.");
        new OnnxGraph().Input("a", ScalarType.Float32, 3).Output("c", ScalarType.Float32, 3).Node("Abs", ["a"], "c").Save(Decoder);
        Refuses<InvalidDataException>(() => OnnxModel.Open(_folder, sized), $"'{Decoder}' must take a batch, but its input 'a' is of shape [3].");
        new OnnxGraph().Input("images", ScalarType.Float32, "n", 3, 4, 6).Output("c", ScalarType.Float32, "k").Node("ReduceSum", ["images"], "c", ("keepdims", [0])).Save(Encoder);
        Refuses<InvalidDataException>(() => OnnxModel.Load(Encoder, affine), $"'{Encoder}' must give 2 rows for 2, but its output 'c' is of shape [].");
    }

    private static void Refuses<TException>(Action act, string text)
        where TException : Exception =>
        act.Should().Throw<TException>().WithMessage(text);
}
