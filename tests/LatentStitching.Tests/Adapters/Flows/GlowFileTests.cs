using LatentStitching.Adapters.Flows;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Flows;

[NoTensorLeaks]
public sealed class GlowFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("glow-").FullName;

    private string File => Path.Combine(_folder, "weights.safetensors");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(GlowLayout.Rosinality, GlowPermutation.LuConvolution, false, ScalarType.Float32)]
    [InlineData(GlowLayout.Rosinality, GlowPermutation.Convolution, true, ScalarType.Float64)]
    [InlineData(GlowLayout.Y0ast, GlowPermutation.LuConvolution, true, ScalarType.Float32)]
    [InlineData(GlowLayout.Y0ast, GlowPermutation.Convolution, false, ScalarType.Float32)]
    [InlineData(GlowLayout.Y0ast, GlowPermutation.Shuffle, true, ScalarType.Float64)]
    public void Save_ThenLoad_EncodesTheSameBytes(GlowLayout layout, GlowPermutation permutation, bool affine, ScalarType dtype)
    {
        using var model = Glow.Create(new GlowOptions
        {
            Layout = layout, Permutation = permutation, Affine = affine, Dtype = dtype, Image = ImageFormat.Rgb(8), Levels = 2, Steps = 3, HiddenChannels = 6, Bits = 7, Seed = 2,
        });
        GlowFiles.Stir(model, 0.05);
        model.SaveWeights(File);
        using Glow loaded = Glow.Load(File, new GlowLoadOptions { ImageSize = 8, Dtype = dtype, Bits = 7, Whitened = true });
        loaded.Name.Should().Be("weights");
        loaded.Layout.Should().Be(layout);
        loaded.Network.Shape.Should().Be(model.Network.Shape);
        loaded.ParameterCount.Should().Be(model.ParameterCount);
        loaded.Network.Initialised.Should().BeFalse("an untrained model is saved as such");
        using var scope = NewDisposeScope();
        Tensor images = Images();
        Tensor expected = model.Encode(images);
        ((Glow)loaded.At("raw")).Encode(images).bytes.SequenceEqual(expected.bytes).Should().BeTrue();

        string folder = Path.Combine(_folder, "folder");
        model.Temperature = 0.4;
        model.Save(folder);
        using var opened = (Glow)LatentModel.Load(folder);
        opened.Name.Should().Be("glow");
        (opened.Bits, opened.Temperature, opened.Whitened, opened.Dtype).Should().Be((7, 0.4, false, dtype));
        opened.Encode(images).bytes.SequenceEqual(expected.bytes).Should().BeTrue();
        using var top = (Glow)model.At("z2+");
        top.Save(folder);
        using LatentModel alone = LatentModel.Load(folder);
        alone.Latent.ToString().Should().Be(top.Latent.ToString());
        alone.Encode(images).bytes.SequenceEqual(top.Encode(images).bytes).Should().BeTrue();
    }

    [Fact]
    public void Save_TrainedWeights_HaveThePublishedNamesAndTypes()
    {
        using StateDictionary fixture = Fixture.Load("glow_rosinality/glow_affine_full.safetensors"), other = Fixture.Load("glow_y0ast/affine_invconv_lu.safetensors");
        foreach (StateDictionary published in (StateDictionary[])[fixture, other])
        {
            using StateDictionary weights = GlowFiles.Weights(published);
            weights.Save(File);
            using (Glow model = Glow.Load(File, new GlowLoadOptions { ImageSize = 8 })) model.SaveWeights(File);
            using StateDictionary saved = StateDictionary.Load(File);
            saved.Names.Should().Equal(weights.Names);
            saved.Names.Should().OnlyContain(name => saved[name].dtype == weights[name].dtype);
        }
    }

    [Fact]
    public void Load_FromDataParallel_TakesThePrefixOff()
    {
        using StateDictionary fixture = Fixture.Load("glow_rosinality/glow_additive_lu.safetensors"), weights = GlowFiles.Weights(fixture);
        SafeTensors.Save(File, [.. weights.Names.Select(name => ("module." + name, weights[name]))]);
        using Glow model = Glow.Load(File, new GlowLoadOptions { ImageSize = 8, Name = "faces" });
        model.Name.Should().Be("faces");
        model.Bits.Should().Be(5);
        using var scope = NewDisposeScope();
        using Tensor images = Images();
        model.Encode(images).shape.Should().Equal(3, 192);
    }

    [Fact]
    public void Load_ClassConditional_NeedsAClassForDensitiesOnly()
    {
        using StateDictionary fixture = Fixture.Load("glow_y0ast/additive_shuffle.safetensors"), weights = GlowFiles.Weights(fixture);
        weights.Save(File);
        using Glow model = Glow.Load(File);
        model.Classes.Should().Be(4);
        model.Bits.Should().Be(8);
        model.Image.Should().Be(ImageFormat.Rgb(8));
        using var scope = NewDisposeScope();
        Tensor images = Images();
        Tensor latents = model.Encode(images);
        model.Decode(latents).ShouldBeCloseTo(images, 1e-4);
        model.ClassLogits(images).shape.Should().Equal(3, 4);
        foreach (Action act in (Action[])[() => model.LogLikelihood(images), () => model.LogPrior(latents), () => model.Sample(2, 0), () => model.Whiten(latents), () => model.BitsPerDimension(images)])
        {
            act.ShouldSay<InvalidOperationException>("Class must be set, because the prior of weights depends on one of 4 classes, but it is null.");
        }
        model.Class = 1;
        Tensor one = model.LogLikelihood(images);
        model.Class = 2;
        model.LogLikelihood(images).ShouldNotBeCloseTo(one, 1e-3);
        Action outside = () => model.Class = 4;
        outside.ShouldRefuse("Class", "Class must be null or one of the 4 classes of weights, counted from 0, but it is 4.");
        Action train = () => new GlowTrainer().Train(model, new TensorImages("x", new float[192], ImageFormat.Rgb(8)));
        train.ShouldRefuse("model", "model must have a prior without classes, because images come without them, but weights has 4.");
        using var plain = Glow.Create(new GlowOptions { Image = ImageFormat.Rgb(8), Levels = 1, Steps = 1, HiddenChannels = 2 });
        Action logits = () => plain.ClassLogits(images);
        logits.ShouldSay<InvalidOperationException>("glow must have classes, but its weights have none.");
    }

    [Fact]
    public void Load_WhatDoesNotFit_IsRefusedInWords()
    {
        using StateDictionary fixture = Fixture.Load("glow_y0ast/additive_shuffle.safetensors"), weights = GlowFiles.Weights(fixture);
        using StateDictionary faces = Fixture.Load("glow_rosinality/glow_additive_lu.safetensors"), rosinality = GlowFiles.Weights(faces);

        Refuses(
            [.. weights.Names.Where(name => !name.EndsWith("indices", StringComparison.Ordinal)).Select(name => (name, weights[name]))],
            $"{File} must hold the order in which each step shuffles the channels (flow.layers.1.shuffle.indices and so on), but it does not: the published code never saves it, and no other order gives the same model. "
            + "Add shuffle.indices of every step to the state dictionary, from the process that made it.");
        Refuses(
            [.. rosinality.Names.Where(name => name is not "blocks.1.prior.scale").Select(name => (name, rosinality[name]))],
            $"{File} must hold exactly the weights of the Glow of rosinality, but blocks.1.prior.scale is missing.");
        Refuses(
            [("a", rosinality["blocks.1.prior.scale"])],
            $"{File} must hold a Glow with the keys of rosinality/glow-pytorch (blocks.0.flows.0.actnorm.loc ...) or of y0ast/Glow-PyTorch (flow.layers.1.actnorm.bias ...), but it holds a...");
        using (Tensor twice = zeros(12))
        {
            Refuses(
                [.. weights.Names.Select(name => (name, name == "flow.layers.2.shuffle.indices" ? twice : weights[name]))],
                $"{File} must hold each number from 0 to 11 once in flow.layers.2.shuffle.indices, the order of a shuffle, but it does not.");
        }
        using (Tensor flat = zeros(3))
        {
            Refuses(
                [.. rosinality.Names.Select(name => (name, name == "blocks.0.flows.0.actnorm.loc" ? flat : rosinality[name]))],
                $"{File} must hold blocks.0.flows.0.actnorm.loc with more than 1 dimensions, but it has 1.");
        }
        rosinality.Save(File);
        Action size = () => Glow.Load(File, new GlowLoadOptions { ImageSize = 10 });
        size.ShouldRefuse("ImageSize", "ImageSize must have a height and width that 4 divides, because each of the 2 levels halves them, but it is 3×10×10.");

        void Refuses(IReadOnlyList<(string Name, Tensor Tensor)> tensors, string text)
        {
            SafeTensors.Save(File, tensors);
            Action act = () => Glow.Load(File, new GlowLoadOptions { ImageSize = 8 });
            act.ShouldSay<InvalidDataException>(text);
        }
    }

    [Theory]
    [InlineData("\"bits\": 5", "\"bits\": 9", "bits")]
    [InlineData("\"first\": 0", "\"first\": 2", "first")]
    [InlineData("\"temperature\": 0.7", "\"temperature\": -1", "temperature")]
    [InlineData("\"dtype\": \"Float32\"", "\"dtype\": \"Int8\"", "dtype")]
    public void Open_FolderThatDoesNotFit_IsRefused(string was, string becomes, string key)
    {
        using (var model = Glow.Create(new GlowOptions { Image = ImageFormat.Rgb(8), Levels = 2, Steps = 1, HiddenChannels = 2 })) model.Save(_folder);
        string config = Path.Combine(_folder, "config.json"), text = System.IO.File.ReadAllText(config);
        text.Should().Contain(was);
        System.IO.File.WriteAllText(config, text.Replace(was, becomes, StringComparison.Ordinal));
        Action act = () => LatentModel.Load(_folder);
        act.ShouldSay<InvalidDataException>($"config.json in '{_folder}' is not that of a Glow: '{key}' does not fit.");
    }

    [Fact]
    public void Options_OutOfRange_AreRefusedInWords()
    {
        Refuses(() => _ = new GlowOptions { Bits = 9 }, "Bits", "Bits must lie from 1 to 8, but it is 9.");
        Refuses(() => _ = new GlowLoadOptions { Bits = 0 }, "Bits", "Bits must lie from 1 to 8, but it is 0.");
        Refuses(() => _ = new GlowOptions { Levels = 0 }, "Levels", "Levels must be positive, but it is 0.");
        Refuses(() => _ = new GlowOptions { Steps = 0 }, "Steps", "Steps must be positive, but it is 0.");
        Refuses(() => _ = new GlowOptions { HiddenChannels = 0 }, "HiddenChannels", "HiddenChannels must be positive, but it is 0.");
        Refuses(() => _ = new GlowLoadOptions { ImageSize = 0 }, "ImageSize", "ImageSize must be positive, but it is 0.");
        Refuses(() => _ = new GlowOptions { Dtype = ScalarType.Float16 }, "Dtype", "Dtype must be Float32 or Float64, but it is Float16.");
        Refuses(() => _ = new GlowOptions { Layout = (GlowLayout)7 }, "Layout", "Layout must be one of Rosinality, Y0ast, but it is 7.");
        Refuses(() => _ = new GlowOptions { Permutation = (GlowPermutation)7 }, "Permutation", "Permutation must be one of LuConvolution, Convolution, Shuffle, but it is 7.");
        Refuses(
            () => Glow.Create(new GlowOptions { Image = new ImageFormat(3, 64, 40) }),
            "Image",
            "Image must have a height and width that 16 divides, because each of the 4 levels halves them, but it is 3×64×40.");
        Refuses(
            () => Glow.Create(new GlowOptions { Permutation = GlowPermutation.Shuffle }),
            "Permutation",
            "Permutation must be a 1×1 convolution in the layout of rosinality, but it is Shuffle. Take Layout = GlowLayout.Y0ast.");

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }

    private static Tensor Images()
    {
        using Generator generator = new(3);
        return rand([3, 3, 8, 8], ScalarType.Float32, generator: generator);
    }
}
