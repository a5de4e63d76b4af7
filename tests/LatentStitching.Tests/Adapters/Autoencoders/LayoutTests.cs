using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Weights;
using LatentStitching.Models;

namespace LatentStitching.Tests.Adapters.Autoencoders;

/// <summary>Published numbers of parameters, counted from layouts without making a weight.</summary>
public sealed class LayoutTests
{
    [Fact]
    public void Autoencoder_Cifar()
    {
        Layout layout = Autoencoder.LayoutOf(3, [12, 24, 48]);
        Count(layout, "encoder").Should().Be(23_700);
        Count(layout, "decoder").Should().Be(23_655);
    }

    [Fact]
    public void AspertiVae_CelebA()
    {
        Layout layout = AspertiVaeNetwork.LayoutOf(ImageFormat.Rgb(64), 64, 128);
        Count(layout, "encoder").Should().Be(6_822_912);
        Count(layout, "decoder").Should().Be(4_887_683);
    }

    [Fact]
    public void DiffuseVae_BothConfigurations()
    {
        foreach ((DiffuseVaeOptions options, long encoder, long decoder) in ((DiffuseVaeOptions, long, long)[])[(DiffuseVaeOptions.CelebA64, 8_029_184, 5_982_723), (DiffuseVaeOptions.Cifar32, 5_830_528, 3_412_579)])
        {
            (BlockString down, BlockString up) = DiffuseVaeNetwork.Parse(options);
            Layout layout = DiffuseVaeNetwork.LayoutOf(down, up, options.Size);
            Count(layout, "enc").Should().Be(encoder);
            Count(layout, "dec").Should().Be(decoder);
        }
    }

    [Fact]
    public void VanillaVae_Thesis()
    {
        Layout layout = VanillaVaeNetwork.LayoutOf(ImageFormat.Rgb(150), 128, 32);
        (Trainable(layout, "encoder") + Trainable(layout, "fc_")).Should().Be(4_847_616);
        (Trainable(layout, "decoder") + Trainable(layout, "final_layer")).Should().Be(3_229_539);
    }

    [Fact]
    public void MlpVae_Mnist() => Count(MlpVaeNetwork.LayoutOf(ImageFormat.Grey(28), 400, 20), "").Should().Be(652_824);

    [Fact]
    public void SplitVae_CelebA()
    {
        Layout layout = SplitVaeNetwork.LayoutOf(ImageFormat.Rgb(64), 150, 64, 512);
        Count(layout, "encoder").Should().Be(4_670_400);
        Count(layout, "latent").Should().Be(231_212);
        Count(layout, "decoder").Should().Be(24_087_751);
    }

    [Fact]
    public void VqVae_LdmCelebaHq()
    {
        var shape = VqVaeShape.Of(new VqVaeOptions());
        Layout layout = VqVaeLayout.Of(shape);
        // Published in millions: 22.34 + 32.96 + the codebook and two 1×1 layers = 55.32.
        Count(layout, "encoder").Should().Be(22_337_411);
        Count(layout, "decoder").Should().Be(32_960_771);
        Count(layout, "quantize").Should().Be(8192 * 3);
        Count(layout, "").Should().Be(55_322_782);
        shape.LatentOf(ImageFormat.Rgb(64), "image").Should().Equal(3, 16, 16);
        shape.LatentOf(ImageFormat.Rgb(150), "image").Should().Equal(3, 37, 37);
        shape.LatentOf(ImageFormat.Rgb(256), "image").Should().Equal(3, 64, 64);
    }

    [Fact]
    public void TinyAutoencoder_Taesd()
    {
        Layout layout = TinyAutoencoderNetwork.LayoutOf(TinyLayer.Encoder(4, 8, wide: false), TinyLayer.Decoder(4, 8, wide: false));
        Count(layout, "encoder").Should().Be(1_222_532);
        Count(layout, "decoder").Should().Be(1_222_531);
    }

    private static long Count(Layout layout, string side) =>
        layout.Weights.Where(weight => weight.Name.StartsWith(side, StringComparison.Ordinal)).Sum(weight => weight.Shape.Aggregate(1L, (product, size) => product * size));

    private static long Trainable(Layout layout, string side) =>
        layout.Weights.Where(weight => weight.Trainable && weight.Name.StartsWith(side, StringComparison.Ordinal)).Sum(weight => weight.Shape.Aggregate(1L, (product, size) => product * size));
}
