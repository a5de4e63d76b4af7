using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Data;
using LatentStitching.Models;
using LatentStitching.Tests.Support;

namespace LatentStitching.Tests.Adapters.Autoencoders;

[NoTensorLeaks]
public sealed class TinyAutoencoderTests
{
    private const string Weights = "models/taesd";

    // Mean over 64 faces of the peak signal-to-noise ratio, of these weights and pixels.
    [SharedFact("data/celeba/img_align_celeba_5000.zip")]
    public void Taef2_ReconstructsFaces()
    {
        using TinyAutoencoder model = Taef2(128);
        (model.Name, model.Latent.Dimension, model.ParameterCount).Should().Be(("taef2", 32 * 16 * 16, 2_677_027));
        using CelebA faces = CelebA.Open(Shared.Path("data/celeba/img_align_celeba_5000.zip"), geometry: ImageGeometry.ResizeThenCentreCrop(128));
        using var scope = NewDisposeScope();
        Tensor images = faces.Load(0, 64), made = model.Reconstruct(images);
        Tensor ratios = (made - images).square().mean([1, 2, 3]).log10() * -10;
        ratios.mean().ToDouble().Should().BeApproximately(32.578, 0.01);
        ratios.min().ToDouble().Should().BeGreaterThan(25);
    }

    [SharedFact(Weights)]
    public void Load_DiffusersNames_IsTheSameModel()
    {
        using TinyAutoencoder model = Taef2(16);
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".safetensors");
        try
        {
            model.SaveWeights(path);
            using (StateDictionary own = SafeTensors.Load(path))
            {
                SafeTensors.Save(path, [.. own.Names.Select(name => (Theirs(name), own[name]))]);
            }
            using TinyAutoencoder read = TinyAutoencoder.Load(path, model.Image);
            using Tensor images = rand(2, 3, 16, 16), here = model.Reconstruct(images), there = read.Reconstruct(images);
            there.ShouldBeCloseTo(here, 0);
        }
        finally
        {
            File.Delete(path);
        }

        // In diffusers' decoder the first convolution has the number 0, in the original 1.
        static string Theirs(string name)
        {
            string[] parts = name.Split('.', 3);
            int place = int.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture);
            return $"{parts[0]}.layers.{(parts[0] == "decoder" ? place - 1 : place)}.{parts[2]}";
        }
    }

    [SharedFact("models/taesd/taesana_encoder.pth")]
    public void Taesana_EncoderFitsTheLayout()
    {
        Layout layout = new();
        TinyAutoencoderNetwork.Add(layout, "", TinyLayer.Encoder(32, 32, wide: false));
        using StateDictionary file = StateDictionary.Load(Shared.Path("models/taesd/taesana_encoder.pth"));
        WeightReport.Compare(file, [.. layout.Weights.Select(weight => (weight.Name, (IReadOnlyList<long>)weight.Shape))]).IsExact.Should().BeTrue();
        using var sana = TinyAutoencoder.Create(new TinyAutoencoderOptions { LatentChannels = 32, Reduction = 32 });
        sana.Latent.Levels[0].Shape.Should().Equal(32, 2, 2);
        using Tensor images = rand(2, 3, 64, 64), made = sana.Reconstruct(images);
        made.shape.Should().Equal(images.shape);
    }

    [SharedFact(Weights)]
    public void LoadParts_WrongSize_IsRefused()
    {
        Action act = () => Taef2(20).Dispose();
        act.ShouldRefuse("image", "Image must have 3 channels and a height and width that 8 divides, but it is 3×20×20.");
    }

    private static TinyAutoencoder Taef2(long size) =>
        TinyAutoencoder.LoadParts(Shared.Path(Weights + "/taef2_encoder.pth"), Shared.Path(Weights + "/taef2_decoder.pth"), ImageFormat.Rgb(size));
}
