using System.IO.Compression;
using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Autoencoders;

[NoTensorLeaks]
public sealed class VaeTests
{
    private const string CelebaWeights = "models/disentangling-vae/VAE_celeba/model.pt";

    // The posterior mean of the first face and the mean squared error of 128 reconstructions, computed with PyTorch from the same weights and pixels.
    [SharedFact(CelebaWeights)]
    public void Encode_PublishedCelebaWeights_AgreesWithPyTorch()
    {
        using Vae model = Vae.Load(Shared.Path(CelebaWeights));
        model.Name.Should().Be("VAE_celeba");
        model.Image.Should().Be(ImageFormat.Rgb(64));
        model.Latent.Dimension.Should().Be(10);
        model.ParameterCount.Should().Be(504_055);
        using var scope = NewDisposeScope();
        Tensor images = Faces();
        double[] expected = [-0.65617, 0.53153, -1.93362, -1.66106, -0.35897, 1.53165, 0.19396, -0.17517, -1.19247, 0.39315];
        model.Encode(images)[0].data<float>().ToArray().Zip(expected).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 1e-5);
        (model.Reconstruct(images) - images).square().mean().ToDouble().Should().BeApproximately(0.022327, 1e-6);
    }

    // The same for MNIST: the first 1,000 digits of t10k, brought to 32×32 and rounded to bytes.
    [SharedFact("models/disentangling-vae/VAE_mnist/model.pt")]
    public void Encode_PublishedMnistWeights_AgreesWithPyTorch()
    {
        using Vae model = Vae.Load(Shared.Path("models/disentangling-vae/VAE_mnist/model.pt"));
        using var scope = NewDisposeScope();
        Tensor digits = IdxImages.Open(Shared.Path("data/mnist/t10k-images-idx3-ubyte.gz")).Load(0, 1000);
        // As Pillow does: along the rows first, rounded to bytes after each way, halves up.
        Tensor images = Resized(Resized(digits.mul(255).round(), 28), 32).div(255);
        double[] expected = [0.31141, -0.16769, 0.11106, 0.9453, 0.06105, -1.491, 0.89582, 0.2625, 1.60882, 1.25708];
        model.Encode(images)[0].data<float>().ToArray().Zip(expected).Should().OnlyContain(pair => Math.Abs(pair.First - pair.Second) < 2e-5);
        (model.Reconstruct(images) - images).square().mean().ToDouble().Should().BeApproximately(0.006492, 1e-6);

        static Tensor Resized(Tensor bytes, long height) => nn.functional.interpolate(bytes, size: [height, 32], mode: InterpolationMode.Bilinear, align_corners: false).add(0.5).floor();
    }

    [SharedFact("models/disentangling-vae")]
    public void Load_EveryPublishedModel_HasItsSize()
    {
        foreach (string objective in (string[])["VAE", "betaH", "betaB", "btcvae"])
        {
            using Vae faces = Vae.Load(Shared.Path($"models/disentangling-vae/{objective}_celeba/model.pt"));
            faces.ParameterCount.Should().Be(504_055);
            using Vae digits = Vae.Load(Shared.Path($"models/disentangling-vae/{objective}_mnist/model.pt"));
            digits.ParameterCount.Should().Be(469_173);
            digits.Image.Should().Be(ImageFormat.Grey(32));
        }
    }

    [Fact]
    public void EncodePosterior_MeanIsWhatEncodeGives()
    {
        using var model = Vae.Create(new VaeOptions { Image = ImageFormat.Grey(32), Seed = 3 });
        using var scope = NewDisposeScope();
        Tensor images = rand(5, 1, 32, 32);
        (Tensor mean, Tensor logVariance) = model.EncodePosterior(images);
        mean.ShouldBeCloseTo(model.Encode(images), 0);
        logVariance.shape.Should().Equal(5, 10);
    }

    [Fact]
    public void Create_SameSeed_GivesTheSameBytes_AnotherSeedOthers()
    {
        using var a = Vae.Create(new VaeOptions { Seed = 1 });
        using var b = Vae.Create(new VaeOptions { Seed = 1 });
        using var c = Vae.Create(new VaeOptions { Seed = 2 });
        using var scope = NewDisposeScope();
        Tensor images = rand(2, 3, 64, 64);
        a.Encode(images).bytes.SequenceEqual(b.Encode(images).bytes).Should().BeTrue();
        a.Encode(images).bytes.SequenceEqual(c.Encode(images).bytes).Should().BeFalse();
    }

    [Fact]
    public void Save_ThenLoad_EncodesAndDecodesTheSame()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        try
        {
            using var model = Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(32), LatentDimension = 7, Seed = 5 });
            model.SaveWeights(path);
            using Vae loaded = Vae.Load(path, "again");
            loaded.Name.Should().Be("again");
            loaded.Latent.Dimension.Should().Be(7);
            using var scope = NewDisposeScope();
            Tensor images = rand(3, 3, 32, 32);
            loaded.Reconstruct(images).ShouldBeCloseTo(model.Reconstruct(images), 0);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Load_OtherWeights_NamesEveryWrongKeyAtOnce()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        try
        {
            using (var model = Vae.Create(new VaeOptions { Image = ImageFormat.Rgb(32) }))
            {
                using var scope = NewDisposeScope();
                SafeTensors.Save(
                    path,
                    [.. model.Network.Weights.All.Where(weight => weight.Name != "decoder.lin2.bias").Select(weight => (weight.Name, weight.Name == "encoder.lin1.weight" ? zeros(2, 2) : weight.Tensor)), ("head.weight", zeros(1))]);
            }
            Action act = () => Vae.Load(path);
            act.Should().Throw<InvalidDataException>().WithMessage(
                "*decoder.lin2.bias is missing; encoder.lin1.weight is [2, 2] instead of [256, 512]; head.weight is unexpected.");
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Load_SomethingElse_SaysWhatItNeeds()
    {
        Action act = () => Vae.Load(Fixture.Path("sklearn/ridge.safetensors"));
        act.Should().Throw<InvalidDataException>().WithMessage("*must hold a VAE of Burgess et al. with the keys of the published code*");
    }

    [Fact]
    public void Options_WrongFormat_Throws()
    {
        Action act = () => _ = new VaeOptions { Image = new ImageFormat(3, 48, 48) };
        act.Should().Throw<ArgumentException>().WithMessage("Image must be 32×32 or 64×64 with 1 or 3 channels, the layout of Burgess et al., but it is 3×48×48.*");
    }

    private static Tensor Faces()
    {
        byte[] bytes = new byte[128 * 3 * 64 * 64];
        using (GZipStream stream = new(File.OpenRead(Shared.Path("data/celeba/first128_rgb_3x64x64.u8.gz")), CompressionMode.Decompress)) stream.ReadExactly(bytes);
        using var scope = NewDisposeScope();
        return tensor(bytes, ScalarType.Float32).div(255).reshape(128, 3, 64, 64).MoveToOuterDisposeScope();
    }
}
