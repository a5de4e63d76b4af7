using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Autoencoders;

[NoTensorLeaks]
public sealed class VariationalAutoencoderTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void At_Features_DecodesThroughThePosteriorMean()
    {
        foreach ((VariationalAutoencoder model, long[] shape) in ((VariationalAutoencoder, long[])[])[
            (Small.Asperti(), [16, 2, 3]), (Small.Diffuse(), [5]), (Small.Mlp(), [12]), (Small.Vanilla(), [48, 2, 2]), (Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(32) }), [256])])
        {
            using (model)
            {
                using ILatentModel features = model.At("features");
                using var scope = NewDisposeScope();
                Tensor images = rand(3, model.Image.Channels, model.Image.Height, model.Image.Width);
                features.Name.Should().Be(model.Name + "/features");
                features.Latent.Levels.Should().ContainSingle().Which.Shape.Should().Equal(shape);
                features.Reconstruct(images).ShouldBeCloseTo(model.Reconstruct(images), 0);
                features.GetService<ILatentPrior>().Should().BeNull();
                Action unknown = () => model.At("w");
                unknown.ShouldRefuse("level", $"level must be one of z, features of {model.Name}, but it is 'w'.");
            }
        }
    }

    [Fact]
    public void SamplePosterior_IsMeanAndDeviationTimesSeededNoise()
    {
        using MlpVae model = Small.Mlp();
        using var scope = NewDisposeScope();
        Tensor images = rand(300, 1, 6, 5);
        (Tensor mean, Tensor log) = model.EncodePosterior(images);
        Tensor sample = model.SamplePosterior(images, 7), again = model.SamplePosterior(images, 7), other = model.SamplePosterior(images, 8);
        using Generator generator = new(7);
        sample.ShouldBeCloseTo(mean + ((log / 2).exp() * randn(mean.shape, ScalarType.Float32, generator: generator)), 1e-6);
        sample.bytes.SequenceEqual(again.bytes).Should().BeTrue();
        sample.bytes.SequenceEqual(other.bytes).Should().BeFalse();
        model.Encode(images).ShouldBeCloseTo(mean, 1e-6);
        Action noModel = () => ((IPosteriorEncoder)null!).SamplePosterior(images, 0), noImages = () => model.SamplePosterior(null!, 0);
        noModel.Should().Throw<ArgumentNullException>().WithParameterName("encoder");
        noImages.Should().Throw<ArgumentNullException>().WithParameterName("images");
    }

    [Fact]
    public void At_Embeddings_OfASplitVae()
    {
        using SplitVae model = Small.Split();
        using ILatentModel encoder = model.At("embedding"), decoder = model.At("decoder-embedding");
        using var scope = NewDisposeScope();
        Tensor images = rand(3, 3, 16, 16), latents = model.Encode(images);
        (encoder.Latent.Dimension, decoder.Latent.Dimension, model.Latent.Dimension).Should().Be((12, 12, 5));
        encoder.Reconstruct(images).ShouldBeCloseTo(model.Reconstruct(images), 0);
        decoder.Reconstruct(images).ShouldBeCloseTo(model.Reconstruct(images), 0);
        Close.RelativeDifference(encoder.Encode(images), decoder.Encode(images)).Should().BeGreaterThan(0.1, "they are different spaces of one width");
        Tensor weight = model.Network.Weights["latent.embedding.weight"], bias = model.Network.Weights["latent.embedding.bias"];
        decoder.Encode(images).ShouldBeCloseTo(latents.mm(weight.t()) + bias, 1e-6);
        Tensor drawn = decoder.GetService<ILatentPrior>()!.Sample(4, 3);
        decoder.Decode(drawn).ShouldBeCloseTo(model.Decode(model.Sample(4, 3)), 1e-6);
        encoder.GetService<ILatentPrior>().Should().BeNull();
    }

    [Fact]
    public void At_AfterTheModelIsGone_Refuses()
    {
        SplitVae model = Small.Split();
        ILatentModel level = model.At("embedding");
        model.Dispose();
        using Tensor images = zeros(1, 3, 16, 16);
        Action act = () => level.Encode(images);
        act.Should().Throw<ObjectDisposedException>();
    }

    [Fact]
    public void Levels_AskedForByTheService_RefuseOthers()
    {
        using SplitVae split = Small.Split();
        using VqVae vq = Small.Vq();
        Action embedding = () => ((IModelLevels)split).At("w"), code = () => ((IModelLevels)vq).At("w");
        embedding.ShouldRefuse("level", "level must be one of embedding, decoder-embedding, but it is 'w'.");
        code.ShouldRefuse("level", "level must be one of post-quantisation, but it is 'w'.");
    }

    [Fact]
    public void SplitVae_TooFewDoublings_IsRefused()
    {
        using SplitVae model = Small.Split();
        SafeTensors.Save(_path, [.. model.Network.Weights.All.Where(weight => weight.Name != "decoder.up1.weight")]);
        Action act = () => SplitVae.Load(_path).Dispose();
        act.ShouldSay<InvalidDataException>($"{_path} must hold a Split-VAE of 2 to 7 transposed convolutions decoder.up0, decoder.up1 ..., but it holds 1.");
    }

    [Fact]
    public void DecodeParts_BlendToTheImage()
    {
        using SplitVae model = Small.Split();
        using Tensor latents = randn(5, 5), images = model.Decode(latents);
        model.BatchSize = 2;
        long before = NoTensorLeaksAttribute.Live();
        (Tensor mask, Tensor first, Tensor second) = model.DecodeParts(latents);
        (NoTensorLeaksAttribute.Live() - before).Should().Be(3);
        using (mask)
        using (first)
        using (second)
        using (NewDisposeScope())
        {
            mask.shape.Should().Equal(5, 1, 16, 16);
            ((mask * first) + ((1 - mask) * second)).ShouldBeCloseTo(images, 1e-6);
        }
        using Tensor wrong = zeros(1, 4);
        Action act = () => model.DecodeParts(wrong);
        act.ShouldRefuse("latents", "latents must have 5 columns, the latent width of split-vae, but its shape is [1, 4].");
    }

    // Keras pads a 3×3 kernel of stride 2 with zeros at the end only; output (i, j) begins at (2i, 2j).
    [Fact]
    public void Halve_IsTheConvolutionWorkedOutByHand_AndDoubleItsTranspose()
    {
        using SplitVae model = Small.Split();
        var network = (SplitVaeNetwork)model.Network;
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor x = randn(1, 3, 8, 8);
        float[] pixels = x.data<float>().ToArray(), weight = network.Weights["encoder.conv0.weight"].data<float>().ToArray();
        Tensor half = network.Halve(x, "encoder.conv0");
        half.shape.Should().Equal(1, 3, 4, 4);
        foreach ((int i, int j) in ((int, int)[])[(0, 0), (1, 2), (3, 3)])
        {
            double sum = 0;
            for (int c = 0; c < 3; c++)
            {
                for (int a = 0; a < 9; a++)
                {
                    int row = (2 * i) + (a / 3), column = (2 * j) + (a % 3);
                    if (row < 8 && column < 8) sum += pixels[(c * 64) + (row * 8) + column] * weight[(((2 * 3) + c) * 9) + a];
                }
            }
            half[0, 2, i, j].ToDouble().Should().BeApproximately(sum, 1e-5);
        }
        // ⟨halve(x), y⟩ = ⟨x, double(y)⟩ for the same kernel.
        Tensor kernel = network.Weights["decoder.up1.weight"], y = randn(1, kernel.size(0), 4, 4), input = randn(1, kernel.size(1), 8, 8);
        Tensor down = nn.functional.conv2d(nn.functional.pad(input, [0, 1, 0, 1]), kernel, strides: [2, 2]);
        (down * y).sum().ToDouble().Should().BeApproximately((input * network.Double(y, "decoder.up1")).sum().ToDouble(), 1e-4);
    }

    [Fact]
    public void SaveWeights_ThenLoad_AndSave_ThenLoad_GiveTheSameModel()
    {
        string folder = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
        (LatentModel Model, Action<string> Save, Func<string, LatentModel> Load)[] cases =
        [
            Of(Small.Autoencoder(), model => model.SaveWeights, (model, path) => Autoencoder.Load(path, model.Image)),
            Of(Small.Asperti(), model => model.SaveWeights, (model, path) => AspertiVae.Load(path, model.Image)),
            Of(Small.Diffuse(), model => model.SaveWeights, (_, path) => DiffuseVae.Load(path, Small.DiffuseOptions())),
            Of(Small.Mlp(), model => model.SaveWeights, (model, path) => MlpVae.Load(path, model.Image)),
            Of(Small.Split(), model => model.SaveWeights, (_, path) => SplitVae.Load(path)),
            Of(Small.Tiny(), model => model.SaveWeights, (model, path) => TinyAutoencoder.Load(path, model.Image)),
            Of(Small.Vanilla(), model => model.SaveWeights, (model, path) => VanillaVae.Load(path, model.Image)),
            Of(VqVae.Create(VqVaeOptions.Small32), model => model.SaveWeights, (model, path) => VqVae.Load(path, model.Image)),
        ];
        try
        {
            foreach ((LatentModel model, Action<string> save, Func<string, LatentModel> load) in cases)
            {
                using (model)
                {
                    using var scope = NewDisposeScope();
                    Tensor images = rand(2, model.Image.Channels, model.Image.Height, model.Image.Width), made = model.Reconstruct(images);
                    save(_path);
                    using (LatentModel read = load(_path)) read.Reconstruct(images).ShouldBeCloseTo(made, 0, model.Name);
                    model.Save(folder);
                    using LatentModel opened = LatentModel.Load(folder);
                    opened.GetType().Should().Be(model.GetType());
                    opened.Name.Should().Be(model.Name);
                    opened.Latent.ToString().Should().Be(model.Latent.ToString());
                    opened.Reconstruct(images).ShouldBeCloseTo(made, 0, model.Name);
                }
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }

        static (LatentModel, Action<string>, Func<string, LatentModel>) Of<T>(T model, Func<T, Action<string>> save, Func<T, string, LatentModel> load)
            where T : LatentModel => (model, save(model), path => load(model, path));
    }

    [Fact]
    public void Load_ReadsSquareImagesOffTheWeights()
    {
        using (var square = AspertiVae.Create(new AspertiVaeOptions { Image = ImageFormat.Rgb(24), LatentDimension = 3, BaseChannels = 2 })) square.SaveWeights(_path);
        using (AspertiVae read = AspertiVae.Load(_path)) (read.Image, read.Latent.Dimension).Should().Be((ImageFormat.Rgb(24), 3));
        using (var square = MlpVae.Create(new MlpVaeOptions { Image = ImageFormat.Grey(7), HiddenWidth = 4 })) square.SaveWeights(_path);
        using (MlpVae read = MlpVae.Load(_path)) (read.Image, read.Latent.Dimension).Should().Be((ImageFormat.Grey(7), 20));
    }

    [Fact]
    public void Load_OtherWeights_SaysWhatItNeeds()
    {
        string ridge = Fixture.Path("sklearn/ridge.safetensors");
        foreach ((Action act, string what) in ((Action, string)[])[
            (() => AspertiVae.Load(ridge), "must hold the VAE of Asperti and Tonelli with a tensor encoder.conv1.weight of 4 axes, but it holds "),
            (() => MlpVae.Load(ridge), "must hold the VAE of PyTorch's examples with a tensor fc1.weight of 2 axes, but it holds "),
            (() => SplitVae.Load(ridge), "must hold a Split-VAE with a tensor encoder.conv0.weight of 4 axes, but it holds "),
            (() => VanillaVae.Load(ridge), "must hold a VAE in the layout of PyTorch-VAE's VanillaVAE with a tensor encoder.0.0.weight of 4 axes, but it holds "),
            (() => DiffuseVae.Load(ridge), "must hold exactly the weights of DiffuseVAE's first stage with these options, but enc.in_conv.weight is missing"),
            (() => Autoencoder.Load(ridge), "must hold a convolutional autoencoder with a tensor encoder.0.weight of 4 axes, but it holds "),
            (() => TinyAutoencoder.Load(ridge, ImageFormat.Rgb(8)), "must hold a tiny autoencoder in the layout of TAESD with a tensor encoder.0.weight of 4 axes, but it holds "),
            (() => VqVae.Load(ridge, ImageFormat.Rgb(8)), "must hold a VQ-VAE of CompVis or diffusers with a tensor quantize.embedding.weight of 2 axes, but it holds ")])
        {
            act.Should().Throw<InvalidDataException>().Which.Message.Should().StartWith($"{ridge} {what}");
        }
    }

    [Fact]
    public void VanillaVae_PyTorchsStateDictionary_CountsOfBatchesAreLeftOut()
    {
        using VanillaVae model = Small.Vanilla();
        using (Tensor count = tensor(7L)) SafeTensors.Save(_path, [.. model.Network.Weights.All, ("encoder.0.1.num_batches_tracked", count)]);
        using VanillaVae read = VanillaVae.Load(_path, model.Image);
        read.ParameterCount.Should().Be(model.ParameterCount);
    }

    [Fact]
    public void Options_OutOfRange_AreRefused()
    {
        Refuses(() => _ = new AspertiVaeOptions { Image = new ImageFormat(3, 64, 60) }, "Image", "Image must have a height and width that 8 divides, because three layers halve them, but it is 3×64×60.");
        Refuses(() => _ = new SplitVaeOptions { Image = new ImageFormat(3, 64, 32) }, "Image", "Image must be square with a side of 16, 32, 64, 128, 256 or 512, but it is 3×64×32.");
        Refuses(() => _ = new MlpVaeOptions { HiddenWidth = 0 }, "HiddenWidth", "HiddenWidth must be positive, but it is 0.");
        Refuses(() => _ = new TinyAutoencoderOptions { Reduction = 16 }, "Reduction", "Reduction must be 8 or 32, but it is 16.");
        Refuses(() => TinyAutoencoder.Create(new TinyAutoencoderOptions { Image = ImageFormat.Rgb(12) }).Dispose(), "options", "Image must have 3 channels and a height and width that 8 divides, but it is 3×12×12.");
        Refuses(() => Autoencoder.Create(new AutoencoderOptions { Image = ImageFormat.Rgb(12) }).Dispose(), "options", "Image must have a height and width that can be halved 3 times, once a convolution, but it is 3×12×12.");
        Refuses(() => _ = new AutoencoderOptions { Channels = [3, 0] }, "Channels", "Channels must be positive, but it is 0.");

        static void Refuses(Action act, string parameter, string text) => act.ShouldRefuse(parameter, text);
    }

    // PyTorch's own example was trained to such an error; the numbers are of these weights and pixels.
    [SharedFact("models/csinva_mnist/vae_epoch_25.pth")]
    public void MlpVae_PublishedMnistWeights_ReconstructDigits()
    {
        using MlpVae model = MlpVae.Load(Shared.Path("models/csinva_mnist/vae_epoch_25.pth"));
        (model.Name, model.Image, model.Latent.Dimension, model.ParameterCount).Should().Be(("vae_epoch_25", ImageFormat.Grey(28), 20, 652_824));
        var digits = IdxImages.Open(Shared.Path("data/mnist/t10k-images-idx3-ubyte.gz"));
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor images = digits.Load(0, 1000);
        (Tensor mean, Tensor logVariance) = model.EncodePosterior(images);
        (model.Decode(mean) - images).square().mean().ToDouble().Should().BeApproximately(0.0088756, 1e-6);
        double nats = (Elbo.CrossEntropy(model.Network.Decode(mean, null), images).mean() + Elbo.Divergence(mean, logVariance).mean()).ToDouble();
        nats.Should().BeApproximately(94.041, 0.01);
    }
}
