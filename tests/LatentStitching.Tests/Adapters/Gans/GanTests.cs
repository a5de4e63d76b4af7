using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Gans;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Pairing;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Gans;

[NoTensorLeaks]
public sealed class GanTests : IDisposable
{
    private const string CsinvaWeights = "models/csinva_mnist/gan_mlp_G--300.ckpt";
    private readonly string _folder = Directory.CreateTempSubdirectory("gan-").FullName;

    private static GanOptions Small => new() { Image = ImageFormat.Rgb(16), LatentDimension = 5, Layers = 2, BaseChannels = 4, Seed = 3 };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private static long Count(Layout layout) => layout.Weights.Where(weight => weight.Trainable).Sum(weight => weight.Shape.Aggregate(1L, (product, size) => product * size));

    [Fact]
    public void Layouts_OfTheDefaults_HaveTheSizesOfTheStudy()
    {
        Count(GanNetwork.LayoutOf(new GanOptions())).Should().Be(2_760_067);
        Count(GanDiscriminator.Convolutional(new GanOptions())).Should().Be(2_661_249);
        Count(RecoderNetwork.LayoutOf(new RecoderOptions())).Should().Be(4_725_696);
        RecoderOptions published = new() { Image = ImageFormat.Rgb(256), LatentDimension = 512, BaseChannels = 32, Layers = 6, Kernel = 3, HiddenLayer = true };
        Count(RecoderNetwork.LayoutOf(published)).Should().Be(40_893_760, "the recoder of StyleGAN has this size");
    }

    [Fact]
    public void Decode_IsTheNetworkWorkedOutByHand()
    {
        using var model = Gan.Create(new GanOptions { Image = ImageFormat.Rgb(4), LatentDimension = 2, Layers = 1, BaseChannels = 3, SeedChannels = 2, Seed = 5 });
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor latents = tensor((float[])[0.7f, -1.2f]).reshape(1, 2);
        Tensor x = (latents.mm(model.Weights["dense.weight"].t()) + model.Weights["dense.bias"]).clamp_min(0).reshape(1, 2, 2, 2);
        Tensor up = model.Weights["conv0.bias"].reshape(1, 3, 1, 1).repeat(1, 1, 4, 4);
        Tensor kernel = model.Weights["conv0.weight"];
        // Pixel (i, j) of the input spreads over rows 2i − 1 … 2i + 2.
        for (int c = 0; c < 2; c++)
        {
            for (int i = 0; i < 2; i++)
            {
                for (int j = 0; j < 2; j++)
                {
                    for (int a = 0; a < 4; a++)
                    {
                        for (int b = 0; b < 4; b++)
                        {
                            int row = (2 * i) - 1 + a, column = (2 * j) - 1 + b;
                            if (row is >= 0 and < 4 && column is >= 0 and < 4) up[0, TensorIndex.Colon, row, column].add_(x[0, c, i, j] * kernel[c, TensorIndex.Colon, a, b]);
                        }
                    }
                }
            }
        }
        Tensor expected = nn.functional.conv2d(up.clamp_min(0), model.Weights["out.weight"], model.Weights["out.bias"], padding: [2, 2]).sigmoid();
        model.Decode(latents).ShouldBeCloseTo(expected, 1e-6);
    }

    [Fact]
    public void Recoder_OddSides_ArePaddedAsKerasDoes()
    {
        using var recoder = Recoder.Create(new RecoderOptions { Image = ImageFormat.Grey(7), LatentDimension = 3, Layers = 1, BaseChannels = 1, Kernel = 4, Seed = 1 });
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        // Seven rows by stride two are four places: (4 − 1)·2 + 4 − 7 = 3 rows of padding, one above and two below.
        Tensor image = rand(1, 1, 7, 7), padded = zeros(1, 1, 10, 10);
        padded.narrow(2, 1, 7).narrow(3, 1, 7).copy_(image);
        Tensor features = nn.functional.conv2d(padded, recoder.Weights["conv0.weight"], recoder.Weights["conv0.bias"], strides: [2, 2]).clamp_min(0).flatten(1);
        Tensor expected = features.mm(recoder.Weights["dense.weight"].t()) + recoder.Weights["dense.bias"];
        using var generator = MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Grey(7), LatentDimension = 3, HiddenWidth = 4 });
        recoder.Invert(generator, image).ShouldBeCloseTo(expected, 1e-6);
    }

    [Fact]
    public void Recoder_ManyImages_GoThroughInBlocks()
    {
        using var recoder = Recoder.Create(new RecoderOptions { Image = ImageFormat.Grey(4), LatentDimension = 2, Layers = 1, BaseChannels = 2 });
        using var generator = MlpGan.Create(new MlpGanOptions { Image = ImageFormat.Grey(4), LatentDimension = 2, HiddenWidth = 3 });
        using var scope = NewDisposeScope();
        Tensor images = rand(300, 1, 4, 4), found = recoder.Invert(generator, images);
        found.shape.Should().Equal(300, 2);
        found.ShouldBeCloseTo(cat([.. images.split(50).Select(part => recoder.Invert(generator, part))], 0), 1e-5);
    }

    [Fact]
    public void Encode_WithoutInversion_SaysWhatToAttach()
    {
        using var model = Gan.Create(Small);
        using Tensor images = zeros(1, 3, 16, 16);
        Action act = () => model.Encode(images);
        act.ShouldSay<InvalidOperationException>(
            "gan has no encoder of its own. Attach one: model.Inversion = a Recoder, a LatentOptimisation or a HybridInversion. To pair it with another model none is needed: new PriorPairing { From = PriorSide.Source } where it is the source, PriorSide.Target where it is the target.");
    }

    [Fact]
    public void PriorPairing_WithoutInversion_TakesAGanOnEitherSide()
    {
        using var gan = Gan.Create(Small);
        using DelegateLatentModel other = LatentModel.FromFunctions(
            "other", ImageFormat.Rgb(16), LatentSpace.Vector(4), images => images.flatten(1).narrow(1, 0, 4), latents => latents.repeat(1, 192).reshape(-1, 3, 16, 16).clamp(0, 1));
        using LatentPairs asTarget = new PriorPairing { Count = 12, Seed = 4 }.Pair(other, gan), asSource = new PriorPairing { Count = 12, Seed = 4 }.Pair(gan, other);
        using var scope = NewDisposeScope();
        Tensor z = gan.Sample(12, 4), encoded = other.Encode(gan.Decode(z));
        asTarget.Target.ShouldBeCloseTo(z, 0);
        asTarget.Source.ShouldBeCloseTo(encoded, 1e-6);
        asSource.Source.ShouldBeCloseTo(z, 0);
        asSource.Target.ShouldBeCloseTo(encoded, 1e-6);
    }

    // A variational autoencoder has a prior too, and would be drawn from first: but then the generator would have to encode.
    [Fact]
    public void PriorPairing_Auto_DrawsFromTheSideThatCannotEncode()
    {
        using var gan = Gan.Create(Small);
        using var other = Gan.Create(Small);
        using var vae = MlpVae.Create(new MlpVaeOptions { Image = ImageFormat.Rgb(16), HiddenWidth = 8, LatentDimension = 3 });
        using ILatentModel wrapped = gan.WithImage(ImageFormat.Rgb(8)), small = vae.WithImage(ImageFormat.Rgb(8));
        using var scope = NewDisposeScope();
        foreach ((ILatentModel from, ILatentModel to) in ((ILatentModel, ILatentModel)[])[(gan, vae), (wrapped, small)])
        {
            using LatentPairs pairs = new PriorPairing { Count = 12, Seed = 4 }.Pair(from, to);
            Tensor z = gan.Sample(12, 4);
            pairs.Source.ShouldBeCloseTo(z, 0);
            pairs.Target.ShouldBeCloseTo(to.Encode(from.Decode(z)), 1e-6);
        }
        using (StitchResult stitch = Stitcher.Fit(gan, vae, new StitchOptions { Pairing = new PriorPairing { Count = 50 } })) stitch.Model.Should().NotBeNull();
        Action both = () => new PriorPairing().Pair(other, gan), asked = () => new PriorPairing { From = PriorSide.Target }.Pair(gan, vae), back = () => new PriorPairing { From = PriorSide.Source }.Pair(vae, gan);
        both.ShouldRefuse("source", "source must encode the images drawn from gan, but gan has no encoder of its own. Attach an inversion to it, or draw from it where gan encodes: new PriorPairing { From = PriorSide.Source }.");
        asked.ShouldRefuse("source", "source must encode the images drawn from mlp-vae, but gan has no encoder of its own. Attach an inversion to it, or draw from it where mlp-vae encodes: new PriorPairing { From = PriorSide.Source }.");
        back.ShouldRefuse("target", "target must encode the images drawn from mlp-vae, but gan has no encoder of its own. Attach an inversion to it, or draw from it where mlp-vae encodes: new PriorPairing { From = PriorSide.Target }.");
        // With an inversion it encodes as any model does.
        Gan full = WithRecoder.Of(gan);
        using LatentPairs usual = new PriorPairing { Count = 12, Seed = 4 }.Pair(full, vae);
        usual.Target.ShouldBeCloseTo(vae.Sample(12, 4), 0);
    }

    [Fact]
    public void SaveWeights_ThenLoad_IsTheSameGenerator()
    {
        string path = Path.Combine(_folder, "g.safetensors");
        using var model = Gan.Create(Small);
        model.SaveWeights(path);
        using Gan loaded = Gan.Load(path);
        loaded.Name.Should().Be("g");
        // A file that is called model is named by its folder, as those of autoencoders are.
        string folder = Directory.CreateDirectory(Path.Combine(_folder, "faces")).FullName;
        File.Copy(path, Path.Combine(folder, "model.safetensors"));
        using (Gan named = Gan.Load(Path.Combine(folder, "model.safetensors"))) named.Name.Should().Be("faces");
        loaded.Image.Should().Be(model.Image);
        loaded.ParameterCount.Should().Be(model.ParameterCount);
        using Tensor latents = model.Sample(3, 1), a = model.Decode(latents), b = loaded.Decode(latents);
        a.bytes.SequenceEqual(b.bytes).Should().BeTrue();
    }

    [Fact]
    public void Save_KeepsTheRecoder_AndLoadAttachesIt()
    {
        using Gan model = WithRecoder.Of(Gan.Create(Small));
        model.Save(_folder);
        using LatentModel loaded = LatentModel.Load(_folder);
        using var scope = NewDisposeScope();
        Tensor images = rand(2, 3, 16, 16);
        loaded.Should().BeOfType<Gan>();
        loaded.Encode(images).bytes.SequenceEqual(model.Encode(images).bytes).Should().BeTrue();
        loaded.Reconstruct(images).bytes.SequenceEqual(model.Reconstruct(images).bytes).Should().BeTrue();
        using var plain = MlpGan.Create(new MlpGanOptions { Image = new ImageFormat(2, 6, 5), LatentDimension = 3, HiddenWidth = 4 });
        plain.Save(_folder);
        using LatentModel dense = LatentModel.Load(_folder);
        dense.Image.Should().Be(new ImageFormat(2, 6, 5));
        ((MlpGan)dense).Inversion.Should().BeNull();
    }

    [Fact]
    public void Load_OtherWeights_SaysWhatItNeeds()
    {
        string path = Path.Combine(_folder, "x.safetensors");
        using (Tensor one = ones(2)) SafeTensors.Save(path, [("a.weight", one), ("b.weight", one)]);
        Action gan = () => Gan.Load(path), dense = () => MlpGan.Load(path), style = () => StyleGan2.Load(path);
        gan.ShouldSay<InvalidDataException>($"{path} must hold a convolutional generator with the keys dense.weight, conv0.weight … and out.weight, but it holds a.weight, b.weight.");
        dense.ShouldSay<InvalidDataException>($"{path} must hold a generator of three dense layers, the matrices 0.weight, 2.weight, 4.weight, but it holds a.weight, b.weight.");
        style.ShouldSay<InvalidDataException>(
            $"{path} must hold a StyleGAN2 generator with the keys of NVlabs/stylegan2-ada-pytorch, mapping.fc0.weight to synthesis.b8.torgb.bias and on, but it holds a.weight, b.weight. Other names need a key map.");
        using (var model = Gan.Create(Small))
        using (var scope = NewDisposeScope())
        {
            SafeTensors.Save(path, [.. model.Weights.All.Where(weight => weight.Name != "conv1.bias").Select(weight => (weight.Name, weight.Tensor)), ("more", ones(1))]);
        }
        gan.ShouldSay<InvalidDataException>($"{path} must hold exactly the weights of a convolutional generator, but conv1.bias is missing; more is unexpected.");
    }

    [Fact]
    public void Options_OutOfRange_AreRefusedInWords()
    {
        Refuses(() => _ = new GanOptions { Name = " " }, "Name", "Name must not be blank.");
        Refuses(() => _ = new GanOptions { LatentDimension = 0 }, "LatentDimension", "LatentDimension must be positive, but it is 0.");
        Refuses(() => _ = new GanOptions { Layers = 0 }, "Layers", "Layers must lie from 1 to 30, but it is 0.");
        Refuses(() => _ = new GanOptions { Layers = 64 }, "Layers", "Layers must lie from 1 to 30, but it is 64.");
        Refuses(() => _ = new GanOptions { BaseChannels = 0 }, "BaseChannels", "BaseChannels must be positive, but it is 0.");
        Refuses(() => _ = new GanOptions { SeedChannels = 0 }, "SeedChannels", "SeedChannels must be positive, but it is 0.");
        Refuses(() => _ = new MlpGanOptions { HiddenWidth = 0 }, "HiddenWidth", "HiddenWidth must be positive, but it is 0.");
        Refuses(() => _ = new RecoderOptions { Dropout = 1 }, "Dropout", "Dropout must lie from 0 to below 1, but it is 1.");
        Refuses(() => _ = new RecoderOptions { Kernel = 0 }, "Kernel", "Kernel must be positive, but it is 0.");
        Refuses(() => _ = new RecoderOptions { Stride = 0 }, "Stride", "Stride must be positive, but it is 0.");
        Refuses(() => _ = new RecoderOptions { Multiplier = 0 }, "Multiplier", "Multiplier must be positive, but it is 0.");
        Refuses(
            () => Gan.Create(new GanOptions { Image = ImageFormat.Rgb(20) }),
            "options",
            "options must give a square image whose side is divisible by 8, two to the power of its 3 layers, but it is 3×20×20.");

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }

    [Fact]
    public void MlpGan_Load_AsksForAFormatThatFits()
    {
        string path = Path.Combine(_folder, "m.safetensors");
        using (var model = MlpGan.Create(new MlpGanOptions { Image = new ImageFormat(3, 2, 4), LatentDimension = 3, HiddenWidth = 4 })) model.SaveWeights(path);
        Action none = () => MlpGan.Load(path), other = () => MlpGan.Load(path, ImageFormat.Grey(5));
        none.ShouldRefuse("image", $"image must be given where the pixels make no square grey image, but it is null and {path} makes 24 of them.");
        other.ShouldRefuse("image", $"image must have the 24 numbers that {path} makes, but 1×5×5 has 25.");
        using MlpGan loaded = MlpGan.Load(path, new ImageFormat(3, 2, 4), "again");
        loaded.Name.Should().Be("again");
    }

    [SharedFact(CsinvaWeights)]
    public void MlpGan_PublishedWeights_AreTheDigitsGenerator()
    {
        using MlpGan model = MlpGan.Load(Shared.Path(CsinvaWeights), name: "csinva");
        model.Image.Should().Be(ImageFormat.Grey(28));
        model.Latent.Dimension.Should().Be(64);
        model.ParameterCount.Should().Be((64 * 256) + 256 + (256 * 256) + 256 + (256 * 784) + 784);
        using var scope = NewDisposeScope();
        Tensor images = model.Decode(model.Sample(64, 1));
        // Digits are dark with a few white strokes; untrained weights would be grey all over.
        images.mean().ToDouble().Should().BeInRange(0.05, 0.25);
        images.gt(0.1).logical_and(images.lt(0.9)).to_type(ScalarType.Float32).mean().ToDouble().Should().BeLessThan(0.25);
        string path = Path.Combine(_folder, "copy.safetensors");
        model.SaveWeights(path);
        using MlpGan copy = MlpGan.Load(path);
        copy.Decode(model.Sample(4, 2)).ShouldBeCloseTo(model.Decode(model.Sample(4, 2)), 0);
    }
}
