using LatentStitching.Adapters.Gans;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Studies;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Gans;

[NoTensorLeaks]
public sealed class StyleGan2Tests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("stylegan2-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(32, 8)]
    [InlineData(64, 10)]
    [InlineData(256, 14)]
    [InlineData(1024, 18)]
    public void StyleCount_IsThePublishedOne(int side, int expected) =>
        StyleGan2Sizes.Of(new StyleGan2Options { Image = ImageFormat.Rgb(side) }).StyleCount.Should().Be(expected);

    // G(z) = FromW(W(z)), in all three spaces, with and without truncation and noise: spec.md's row 9.
    [Theory]
    [InlineData(1.0, null, SynthesisNoise.None)]
    [InlineData(0.6, null, SynthesisNoise.Constant)]
    [InlineData(0.6, 2, SynthesisNoise.Constant)]
    public void Decode_OfZ_IsDecodeOfWhatMapGives(double truncation, int? layers, SynthesisNoise noise)
    {
        StyleGan2Decoding decoding = new() { Latent = StyleGan2Latent.Z, Truncation = truncation, TruncatedLayers = layers, Noise = noise };
        using StyleGan2 fromZ = StyleGan2Toy.Stirred(StyleGan2Toy.Model(decoding));
        using var scope = NewDisposeScope();
        Tensor z = fromZ.Sample(4, 3), images = fromZ.Decode(z);
        fromZ.Map(z).ShouldBeCloseTo(z, 0);
        foreach (StyleGan2Latent latent in layers is null ? (StyleGan2Latent[])[StyleGan2Latent.W, StyleGan2Latent.WPlus] : [StyleGan2Latent.WPlus])
        {
            using StyleGan2 other = fromZ.With(decoding with { Latent = latent });
            other.Decode(other.Map(z)).ShouldBeCloseTo(images, 1e-6);
            other.Sample(4, 3).ShouldBeCloseTo(other.Map(z), 0);
        }
        // Only the direction of z matters.
        fromZ.Decode(z * 3).ShouldBeCloseTo(images, 1e-5);
    }

    [Fact]
    public void Truncation_MovesTowardsTheMean()
    {
        using StyleGan2 model = StyleGan2Toy.Stirred(StyleGan2Toy.Model(new StyleGan2Decoding { Latent = StyleGan2Latent.WPlus }));
        using StyleGan2 half = model.With(model.Decoding with { Truncation = 0.5, TruncatedLayers = 2 }), none = model.With(new StyleGan2Decoding { Truncation = 0 });
        using var scope = NewDisposeScope();
        Tensor w = model.Sample(3, 1).reshape(3, 6, 7), mean = model.Weights["mapping.w_avg"].detach(), halved = half.Sample(3, 1).reshape(3, 6, 7);
        halved.narrow(1, 0, 2).ShouldBeCloseTo((w.narrow(1, 0, 2) + mean) / 2, 1e-6);
        halved.narrow(1, 2, 4).ShouldBeCloseTo(w.narrow(1, 2, 4), 0);
        none.Sample(2, 1).ShouldBeCloseTo(mean.expand(2, 7), 0);
    }

    [Fact]
    public void Latent_HasALevelForEachLayer()
    {
        using StyleGan2 model = StyleGan2Toy.Model(new StyleGan2Decoding { Latent = StyleGan2Latent.WPlus });
        model.Latent.Levels.Select(level => level.ToString()).Should().Equal("w0 [7]", "w1 [7]", "w2 [7]", "w3 [7]", "w4 [7]", "w5 [7]");
        model.StyleCount.Should().Be(6);
        (model.LatentDimension, model.StyleDimension).Should().Be((6, 7));
        using var scope = NewDisposeScope();
        Tensor styles = model.Sample(2, 1), third = styles.narrow(1, 21, 7);
        model.At("w3", styles.narrow(0, 0, 1)).Decode(third.narrow(0, 0, 1)).ShouldBeCloseTo(model.Decode(styles.narrow(0, 0, 1)), 1e-6);
    }

    [Fact]
    public void At_SpacesBehindTheLatent_EncodeByTheModelsInversion()
    {
        using StyleGan2 model = WithRecoder.Of(StyleGan2Toy.Stirred(StyleGan2Toy.Model(new StyleGan2Decoding { Latent = StyleGan2Latent.Z, Truncation = 0.8 })));
        model.LevelNames.Should().Equal("w", "w+");
        using ILatentModel w = model.At("w"), plus = model.At("w+");
        using var scope = NewDisposeScope();
        Tensor images = rand(3, 3, 16, 16), z = model.Encode(images);
        (w.Name, plus.Name).Should().Be(("stylegan2/w", "stylegan2/w+"));
        (w.Latent.Dimension, plus.Latent.Dimension).Should().Be((7, 42));
        w.Encode(images).ShouldBeCloseTo(((StyleGan2)w).Map(z), 1e-6);
        foreach (ILatentModel view in (ILatentModel[])[w, plus])
        {
            view.Reconstruct(images).ShouldBeCloseTo(model.Reconstruct(images), 1e-5);
            view.GetService<ILatentPrior>()!.Sample(2, 1).shape.Should().Equal(2, view.Latent.Dimension);
        }
        using ILatentModel broadcast = ((StyleGan2)w).At("w+");
        broadcast.Encode(images).ShouldBeCloseTo(plus.Encode(images), 1e-6);
        using ILatentModel back = ((StyleGan2)w).At("z");
        Action encode = () => back.Encode(images), unknown = () => model.At("x"), own = () => ((IModelLevels)model).At("z");
        encode.Should().Throw<InvalidOperationException>().WithMessage("stylegan2/w/z has no encoder of its own. *");
        unknown.ShouldRefuse("level", "level must be one of z, w, w+ of stylegan2, but it is 'x'.");
        own.ShouldRefuse("level", "level must be one of w, w+ of stylegan2, but it is 'z'.");
        using StyleGan2 cut = StyleGan2Toy.Model(new StyleGan2Decoding { Latent = StyleGan2Latent.Z, TruncatedLayers = 2 });
        cut.LevelNames.Should().Equal("w+");
    }

    [Fact]
    public void With_ViewLivesAsLongAsItsModel()
    {
        StyleGan2 model = StyleGan2Toy.Model(new StyleGan2Decoding());
        StyleGan2 view = model.With(new StyleGan2Decoding { Latent = StyleGan2Latent.Z });
        using var scope = NewDisposeScope();
        Tensor z = zeros(1, 6) + 1;
        view.Decode(z);
        using (StyleGan2 brief = view.With(new StyleGan2Decoding())) brief.Sample(1, 1);
        view.Decode(z);
        model.Dispose();
        Action decode = () => view.Decode(z), sample = () => view.Sample(1, 0), map = () => view.Map(z), save = () => view.SaveWeights("x");
        foreach (Action act in (Action[])[decode, sample, map, save]) act.Should().Throw<ObjectDisposedException>();
        view.Dispose();
    }

    [Fact]
    public void Save_ThenLoad_IsTheSameModelInTheSameUse()
    {
        StyleGan2Decoding decoding = new() { Latent = StyleGan2Latent.WPlus, Noise = SynthesisNoise.Constant, Truncation = 0.75, TruncatedLayers = 4, ActivationLimit = null };
        using StyleGan2 model = WithRecoder.Of(StyleGan2Toy.Stirred(StyleGan2Toy.Model(decoding)));
        model.Save(_folder);
        using LatentModel loaded = LatentModel.Load(_folder);
        loaded.Should().BeOfType<StyleGan2>().Which.Decoding.Should().Be(decoding);
        using var scope = NewDisposeScope();
        Tensor images = rand(2, 3, 16, 16);
        loaded.Reconstruct(images).bytes.SequenceEqual(model.Reconstruct(images).bytes).Should().BeTrue();
        ((StyleGan2)loaded).Sample(3, 1).bytes.SequenceEqual(model.Sample(3, 1).bytes).Should().BeTrue();
    }

    [Theory]
    [InlineData("latent", "W", "Z, W, WPlus")]
    [InlineData("noise", "None", "None, Constant")]
    public void Load_FolderOfAnUnknownUse_SaysWhatThereIs(string key, string value, string known)
    {
        using (StyleGan2 model = StyleGan2Toy.Model(new StyleGan2Decoding())) model.Save(_folder);
        string config = Path.Combine(_folder, "config.json"), text = File.ReadAllText(config), changed = text.Replace($"\"{key}\": \"{value}\"", $"\"{key}\": \"V\"", StringComparison.Ordinal);
        changed.Should().NotBe(text);
        File.WriteAllText(config, changed);
        Action act = () => LatentModel.Load(_folder).Dispose();
        act.ShouldSay<InvalidDataException>($"config.json in '{_folder}' is not that of a model: '{key}' must be one of {known}, but it is 'V'.");
    }

    // Zero lies outside of what the mapping network makes; the stored mean of w is its middle.
    [Fact]
    public void At_OneStyle_HoldsTheOthersAtTheMean()
    {
        using StyleGan2 model = StyleGan2Toy.Stirred(StyleGan2Toy.Model(new StyleGan2Decoding { Latent = StyleGan2Latent.WPlus, Truncation = 0.5 }));
        using ILatentModel third = model.At("w3"), wrapped = model.WithImage(ImageFormat.Rgb(8)).At("w3");
        using var scope = NewDisposeScope();
        Tensor style = model.Sample(2, 1).narrow(1, 21, 7), whole = model.Weights["mapping.w_avg"].detach().repeat(2, 6);
        whole.narrow(1, 21, 7).copy_(style);
        third.Decode(style).ShouldBeCloseTo(model.Decode(whole), 1e-6);
        wrapped.Decode(style).ShouldBeCloseTo(model.WithImage(ImageFormat.Rgb(8)).Decode(whole), 1e-6);
    }

    // A recoder of w gives no z: that space is offered for decoding, and left out where spaces are compared by encoding.
    [Fact]
    public void LevelStudy_LeavesOutWhatCannotBeEncodedTo()
    {
        using StyleGan2 model = WithRecoder.Of(StyleGan2Toy.Stirred(StyleGan2Toy.Model(new StyleGan2Decoding())));
        model.LevelNames.Should().Equal("z", "w+");
        LevelStudyResult result = LevelStudy.Run([new StudyMember(model)], new ProceduralFaces(60, 16), _folder, new StitchingStudyOptions { Paths = false, BatchSize = 16, GaussianDimension = 3 });
        result.Study.Failures.Should().BeEmpty();
        result.Study.Models.Where(entry => !entry.IsControl).Select(entry => entry.Name).Should().Equal("stylegan2/w", "stylegan2/w+");
    }

    [Fact]
    public void Load_ConditionalFixture_TakesALabel()
    {
        string path = Path.Combine(_folder, "cond.safetensors");
        using (StateDictionary fixture = Fixture.Load("stylegan2/cond_16.safetensors"))
        using (StateDictionary state = fixture.Under("param.")) state.Save(path);
        using StyleGan2 first = StyleGan2.Load(path, new StyleGan2Decoding { Label = 0 }), last = StyleGan2.Load(path, new StyleGan2Decoding { Label = 3 });
        first.Name.Should().Be("cond");
        using var scope = NewDisposeScope();
        Close.RelativeDifference(first.Sample(2, 1), last.Sample(2, 1)).Should().BePositive();
        Action none = () => StyleGan2.Load(path), beyond = () => StyleGan2.Load(path, new StyleGan2Decoding { Label = 4 });
        none.ShouldRefuse("decoding", "decoding must give a Label from 0 to 3, one of the network's classes, but it is null.");
        beyond.ShouldRefuse("decoding", "decoding must give a Label from 0 to 3, one of the network's classes, but it is 4.");
        Action training = () => new GanTrainer().Train(first, new LatentStitching.Data.ProceduralFaces(2, 16));
        training.ShouldRefuse("model", "model must have no classes to be trained here, but cond has.");
    }

    // The names and scales of rosinality/stylegan2-pytorch, written the other way round by another hand than the key map's.
    [Fact]
    public void RosinalityKeys_TakeBackWhatWasRenamed()
    {
        using StyleGan2 model = StyleGan2Toy.Stirred(StyleGan2Toy.Model(new StyleGan2Decoding { Latent = StyleGan2Latent.Z, Noise = SynthesisNoise.Constant }));
        string path = Path.Combine(_folder, "theirs.safetensors");
        using var scope = NewDisposeScope();
        using (no_grad()) SafeTensors.Save(path, [.. Theirs(model)]);
        using StyleGan2 loaded = StyleGan2.Load(path, model.Decoding, StyleGan2.RosinalityKeys);
        Tensor z = model.Sample(3, 1);
        loaded.Decode(z).ShouldBeCloseTo(model.Decode(z), 1e-5);
        // No mean of w is stored: it is that of many draws.
        using StyleGan2 w = model.With(model.Decoding with { Latent = StyleGan2Latent.W });
        loaded.Weights["mapping.w_avg"].ShouldBeCloseTo(w.Sample(4096, 0).mean([0]), 1e-4);
        Action ours = () => StyleGan2.Load(path);
        ours.Should().Throw<InvalidDataException>().WithMessage("*Other names need a key map.");
    }

    private static IEnumerable<(string Name, Tensor Tensor)> Theirs(StyleGan2 model)
    {
        Dictionary<string, Tensor> ours = model.Weights.All.ToDictionary(weight => weight.Name, weight => weight.Tensor.detach(), StringComparer.Ordinal);
        foreach (int i in (int[])[0, 1])
        {
            yield return ($"style.{i + 1}.weight", ours[$"mapping.fc{i}.weight"]);
            yield return ($"style.{i + 1}.bias", ours[$"mapping.fc{i}.bias"]);
        }
        yield return ("input.input", ours["synthesis.b4.const"].unsqueeze(0));
        (string Theirs, string Ours)[] convolutions = [("conv1", "b4.conv1"), ("convs.0", "b8.conv0"), ("convs.1", "b8.conv1"), ("convs.2", "b16.conv0"), ("convs.3", "b16.conv1")];
        for (int i = 0; i < convolutions.Length; i++)
        {
            (string theirs, string name) = (convolutions[i].Theirs, "synthesis." + convolutions[i].Ours);
            Tensor weight = ours[name + ".weight"];
            yield return (theirs + ".conv.weight", (weight * Math.Sqrt(weight.size(1) * 9)).unsqueeze(0));
            yield return (theirs + ".conv.modulation.weight", ours[name + ".affine.weight"]);
            yield return (theirs + ".conv.modulation.bias", ours[name + ".affine.bias"]);
            yield return (theirs + ".noise.weight", ours[name + ".noise_strength"].reshape(1));
            yield return (theirs + ".activate.bias", ours[name + ".bias"]);
            yield return ($"noises.noise_{i}", ours[name + ".noise_const"].unsqueeze(0).unsqueeze(0));
            if (name.EndsWith("conv0", StringComparison.Ordinal)) yield return (theirs + ".conv.blur.kernel", ours[name + ".resample_filter"] * 4);
        }
        foreach ((string theirs, string name) in ((string, string)[])[("to_rgb1", "synthesis.b4"), ("to_rgbs.0", "synthesis.b8"), ("to_rgbs.1", "synthesis.b16")])
        {
            yield return (theirs + ".bias", ours[name + ".torgb.bias"].reshape(1, 3, 1, 1));
            yield return (theirs + ".conv.weight", ours[name + ".torgb.weight"].unsqueeze(0));
            yield return (theirs + ".conv.modulation.weight", ours[name + ".torgb.affine.weight"]);
            yield return (theirs + ".conv.modulation.bias", ours[name + ".torgb.affine.bias"]);
            if (theirs != "to_rgb1") yield return (theirs + ".upsample.kernel", ours[name + ".resample_filter"] * 4);
        }
    }

    [Fact]
    public void Options_OutOfRange_AreRefusedInWords()
    {
        Refuses(() => _ = new StyleGan2Options { Image = ImageFormat.Rgb(48) }, "Image", "Image must be square with a power of two from 8 as its side, but it is 3×48×48.");
        Refuses(() => StyleGan2.Create(new StyleGan2Options { Image = ImageFormat.Rgb(16), ChannelBase = 15 }), "options", "options must have a ChannelBase of at least 16, the images' side, but it is 15. The last layer would have no channel.");
        Refuses(() => _ = new StyleGan2Options { StyleDimension = 0 }, "StyleDimension", "StyleDimension must be positive, but it is 0.");
        Refuses(() => _ = new StyleGan2Options { MappingLayers = 0 }, "MappingLayers", "MappingLayers must be positive, but it is 0.");
        Refuses(() => _ = new StyleGan2Decoding { Latent = (StyleGan2Latent)9 }, "Latent", "Latent must be Z, W or WPlus, but it is 9.");
        Refuses(() => _ = new StyleGan2Decoding { Noise = (SynthesisNoise)9 }, "Noise", "Noise must be None or Constant, but it is 9.");
        Refuses(() => _ = new StyleGan2Decoding { Truncation = -1 }, "Truncation", "Truncation must be zero or more and finite, but it is -1.");
        Refuses(() => _ = new StyleGan2Decoding { TruncatedLayers = 0 }, "TruncatedLayers", "TruncatedLayers must be positive, but it is 0.");
        Refuses(() => _ = new StyleGan2Decoding { Label = -1 }, "Label", "Label must be zero or more, but it is -1.");
        Refuses(() => _ = new StyleGan2Decoding { ActivationLimit = 0 }, "ActivationLimit", "ActivationLimit must be positive and finite, but it is 0.");
        Refuses(
            () => StyleGan2Toy.Model(new StyleGan2Decoding { TruncatedLayers = 2 }),
            "options",
            "options must truncate all layers where the latent is W, which every layer gets, but TruncatedLayers is 2. Take WPlus or Z, or leave it null.");
        Refuses(() => StyleGan2Toy.Model(new StyleGan2Decoding { TruncatedLayers = 7 }), "options", "options must truncate at most the 6 layers there are, but TruncatedLayers is 7.");
        Refuses(() => StyleGan2Toy.Model(new StyleGan2Decoding { Label = 1 }), "options", "options must leave Label null, for the network has no classes, but it is 1.");

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }
}
