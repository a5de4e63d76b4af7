using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Diffusion;
using LatentStitching.Adapters.Flows;
using LatentStitching.Adapters.Foreign;
using LatentStitching.Adapters.Gans;
using LatentStitching.Checkpoints;
using LatentStitching.Latents;
using LatentStitching.Models;
using LatentStitching.Onnx;
using LatentStitching.Tests.Adapters.Flows;
using LatentStitching.Tests.Adapters.Foreign;
using LatentStitching.Tests.Adapters.Gans;
using LatentStitching.Tests.Data;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Latents;

/// <summary>A fingerprint changes with all that Encode depends on, and with nothing else.</summary>
[NoTensorLeaks]
public sealed class EncodingFactsTests
{
    private static MlpGan Generator() => MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Grey(4), LatentDimension = 3, HiddenWidth = 4, Seed = 1 });

    private static Recoder RecoderOf(GanModel generator, ulong seed, double dropout = 0.2) => Recoder.Create(new RecoderOptions
    {
        Name = $"recoder {seed} {dropout}", Image = generator.Image, LatentDimension = generator.Latent.Dimension, Layers = 1, BaseChannels = 2, Seed = seed, Dropout = dropout,
    });

    private static LatentOptimisation Optimisation(int steps = 2, double rate = 0.1, ulong seed = 0, long batch = 64, Func<Tensor, Tensor, Tensor>? perceptual = null) =>
        new(new LatentOptimisationOptions { Steps = steps, LearningRate = rate, Seed = seed, BatchSize = batch }, perceptual);

    [Fact]
    public void Of_AGenerator_TellsItsInversionsApart()
    {
        using MlpGan model = Generator();
        using Recoder one = RecoderOf(model, 1), two = RecoderOf(model, 2), dropping = RecoderOf(model, 1, dropout: 0.5);
        string With(IGanInversion? inversion)
        {
            model.Inversion = inversion;
            return ModelFingerprint.Of(model);
        }

        ((string[])
        [
            With(null), With(one), With(two), With(Optimisation()), With(Optimisation(steps: 3)), With(Optimisation(rate: 0.2)), With(Optimisation(seed: 1)),
            With(new HybridInversion(one, Optimisation())), With(new HybridInversion(two, Optimisation())), With(new HybridInversion(one, Optimisation(steps: 3))),
            With(Optimisation(perceptual: (made, given) => (made - given).abs().flatten(1).mean([1]))),
            With(new Projection(0.1f)), With(new Projection(0.2f)), With(new Named("a")), With(new Named("b")),
        ]).Should().OnlyHaveUniqueItems();

        With(dropping).Should().Be(With(one), "a recoder drops nothing when it encodes, and its name is a name");
        With(Optimisation(batch: 1)).Should().Be(With(Optimisation()), "each image is inverted as if it were alone");
        With(new Named("a")).Should().Be(With(new Named("a")));
        With(new Projection(0.1f)).Should().Be(With(new Projection(0.1f)));
        using MlpGan other = Generator();
        other.Inversion = one;
        ModelFingerprint.Of(other).Should().Be(With(one));
        using (no_grad()) other.Weights.Trainable[0].Parameter.add_(1e-3f);
        ModelFingerprint.Of(other).Should().NotBe(With(one));
    }

    [Fact]
    public void Of_AStyleGan2SeenBehindItsLatent_TellsTheInversionsBeforeIt()
    {
        using StyleGan2 model = StyleGan2Toy.Model(new StyleGan2Decoding { Latent = StyleGan2Latent.Z });
        using Recoder one = RecoderOf(model, 1), two = RecoderOf(model, 2);
        string With(Recoder recoder)
        {
            model.Inversion = recoder;
            using ILatentModel seen = model.At("w");
            return ModelFingerprint.Of(seen);
        }

        With(one).Should().Be(With(one)).And.NotBe(With(two));
    }

    [Fact]
    public void Of_AGlowWithClasses_TellsTheClassThatWhitens_AndNoTemperature()
    {
        using StateDictionary fixture = Fixture.Load("glow_y0ast/additive_shuffle.safetensors"), weights = GlowFiles.Weights(fixture);
        using TempFolder folder = new();
        weights.Save(folder["weights"]);
        using Glow model = Glow.Load(folder["weights"]);
        using Glow whitened = (Glow)model.At("whitened");
        string raw = ModelFingerprint.Of(model);
        model.Class = 1;
        model.Temperature = 0.1;
        ModelFingerprint.Of(model).Should().Be(raw, "raw latents know no class");
        ModelFingerprint.OfWhole(model).Should().NotBe(raw);
        string[] classes = [.. Enumerable.Range(0, 3).Select(chosen =>
        {
            whitened.Class = chosen;
            return ModelFingerprint.Of(whitened);
        })];
        classes.Should().OnlyHaveUniqueItems();
        whitened.Temperature = 0.2;
        ModelFingerprint.Of(whitened).Should().Be(classes[2]);

        whitened.Save(folder["model"]);
        using LatentModel opened = LatentModel.Load(folder["model"]);
        ((Glow)opened).Class.Should().Be(2);
        ModelFingerprint.Of(opened).Should().Be(classes[2]);
    }

    [Fact]
    public void Of_ADiffusionModel_TellsHowItEncodes_NotHowItDecodes()
    {
        DiffusionOptions options = new() { Range = NetworkRange.MinusHalfToHalf, Steps = 4, Spacing = StepSpacing.Trailing };
        using DiffusionModel model = DiffusionModel.FromNetwork(
            ConvolutionalDenoiser.Create(new ConvolutionalDenoiserOptions { Image = ImageFormat.Grey(6), HiddenChannels = [4], Seed = 2 }), NoiseSchedule.Linear(1001, 1e-5, 1e-3), options);
        string fingerprint = ModelFingerprint.Of(model), whole = ModelFingerprint.OfWhole(model);
        foreach (DiffusionOptions decoding in (DiffusionOptions[])[options with { DecodeSteps = 3 }, options with { Solver = DiffusionSolver.DpmSolverPlusPlus }, options with { Threshold = new DynamicThreshold() }])
        {
            using DiffusionModel other = model.With(decoding);
            ModelFingerprint.Of(other).Should().Be(fingerprint);
            ModelFingerprint.OfWhole(other).Should().NotBe(whole, "a study judges what is decoded too");
        }
        foreach (DiffusionOptions encoding in (DiffusionOptions[])[options with { Steps = 5 }, options with { Refinements = 7 }, options with { ClipPrediction = true, Refinements = 0 }])
        {
            using DiffusionModel other = model.With(encoding);
            ModelFingerprint.Of(other).Should().NotBe(fingerprint);
        }
    }

    [Fact]
    public void Of_AModelSeenInAnotherWay_RunsNothing()
    {
        int calls = 0;
        using WatchedModel watched = new("1", _ => calls++), other = new("2");
        string[] seen = [.. ((ILatentModel[])[watched, other]).SelectMany(model => (ILatentModel[])[model, model.WithImage(new ImageFormat(1, 4, 6)), model.At(model.Latent.Levels[0].Name)]).Select(ModelFingerprint.Of)];
        seen.Should().OnlyHaveUniqueItems();
        calls.Should().Be(0);

        using Vae vae = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32), Seed = 5 });
        using ILatentModel features = vae.At(((IModelLevels)vae).LevelNames[0]), small = vae.WithImage(ImageFormat.Grey(16));
        string before = ModelFingerprint.Of(features), resized = ModelFingerprint.Of(small);
        // No latent shows it.
        using (no_grad()) vae.Network.Weights["decoder.lin1.bias"].add_(1e-3f);
        ModelFingerprint.Of(features).Should().NotBe(before);
        ModelFingerprint.Of(small).Should().NotBe(resized);
    }

    [Fact]
    public void OfWhole_TellsWhatALevelLeavesToItsRest()
    {
        using DelegateLatentModel model = LatentModel.FromFunctions("two", Toy.Format, Banks.TwoLevels, images => images.flatten(1), latents => latents.reshape(-1, 1, 2, 3));
        using Tensor rest = ones(1, 6);
        using ILatentModel plain = model.At("v"), filled = model.At("v", rest), other = model.At("w");
        ModelFingerprint.Of(filled).Should().Be(ModelFingerprint.Of(plain)).And.NotBe(ModelFingerprint.Of(other));
        ModelFingerprint.OfWhole(filled).Should().NotBe(ModelFingerprint.OfWhole(plain));
    }

    [Fact]
    public void Of_ForeignModels_IsThatOfTheirFilesAndOptions()
    {
        string both = Fixture.Path("loaders/autoencoder_scripted_methods.pt");
        TorchScriptOptions options = new() { Image = ImageFormat.Rgb(16), Name = "foreign" };
        string Script(TorchScriptOptions with)
        {
            using TorchScriptModel model = TorchScriptModel.Load(both, with);
            return ModelFingerprint.Of(model);
        }

        Script(options).Should().Be(Script(options));
        Script(options with { InputRange = PixelRange.Symmetric }).Should().NotBe(Script(options));
        using TorchScriptModel apart = TorchScriptModel.Load(Fixture.Path("loaders/encoder_traced.pt"), Fixture.Path("loaders/decoder_scripted.pt"), options);
        ModelFingerprint.Of(apart).Should().NotBe(Script(options));

        using OnnxModel graph = OnnxModels.OpenAffine("n", new OnnxOptions { Name = "graph" }), same = OnnxModels.OpenAffine("n", new OnnxOptions { Name = "graph" }),
            symmetric = OnnxModels.OpenAffine("n", new OnnxOptions { Name = "graph", InputRange = PixelRange.Symmetric });
        graph.GetService<IFingerprinted>().Should().NotBeNull();
        ModelFingerprint.Of(graph).Should().Be(ModelFingerprint.Of(same)).And.NotBe(ModelFingerprint.Of(symmetric));
    }

    [Fact]
    public void Of_AGraphThatMayNameOtherFiles_IsThatOfItsRun()
    {
        using TempFolder folder = new();
        using var scope = NewDisposeScope();
        Tensor weight = OnnxModels.Random(1, 5, 6), back = OnnxModels.Random(2, 6, 5), shape = tensor([-1L, 1, 2, 3]);
        new OnnxGraph().Input("images", ScalarType.Float32, "n", 1, 2, 3).Output("latents", ScalarType.Float32, "n", 5).Constant("location", weight)
            .Node("Flatten", ["images"], "flat").Node("Gemm", ["flat", "location"], "latents", ("transB", [1])).Save(folder["encoder.onnx"]);
        new OnnxGraph().Input("latents", ScalarType.Float32, "n", 5).Output("images", ScalarType.Float32, "n", 1, 2, 3).Constant("weight", back).Constant("shape", shape)
            .Node("Gemm", ["latents", "weight"], "flat", ("transB", [1])).Node("Reshape", ["flat", "shape"], "images").Save(folder["decoder.onnx"]);
        using OnnxModel model = OnnxModel.Open(folder.Root);
        model.GetService<IFingerprinted>().Should().BeNull();
        ModelFingerprint.Of(model).Should().Be(ModelFingerprint.Of(model));
    }

    private sealed class Projection(float factor) : IGanInversion
    {
        public Tensor Invert(ILatentModel generator, Tensor images) => images.flatten(1).narrow(1, 0, generator.Latent.Dimension).mul(factor);
    }

    private sealed class Named(string name) : IGanInversion, IFingerprinted
    {
        public string Fingerprint => name;

        public Tensor Invert(ILatentModel generator, Tensor images) => throw new InvalidOperationException("was run");
    }
}
