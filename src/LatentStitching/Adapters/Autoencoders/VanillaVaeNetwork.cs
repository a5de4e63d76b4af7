using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The layout of PyTorch-VAE's VanillaVAE with a sigmoid output, with weights under its names.</summary>
/// <remarks>
/// Encoder: five 3×3 convolutions of stride 2 with batch normalisation and LeakyReLU(0.01) → mean and log-variance, clamped to ±10.
/// Decoder: linear → five mirrored transposed convolutions that double → 3×3 convolution, sigmoid, bilinear resizing to the image's size where the doubled size is larger.
/// </remarks>
internal sealed class VanillaVaeNetwork : VaeNetwork
{
    private const int Levels = 5;
    private const double DivergenceWeight = 0.00025;
    private readonly ImageFormat _image;
    private readonly long _channels;

    private VanillaVaeNetwork(WeightSet weights, ImageFormat image, long channels)
        : base(weights)
    {
        _image = image;
        _channels = channels;
    }

    public override IReadOnlyList<long> FeatureShape => [_channels << (Levels - 1), Side(_image.Height), Side(_image.Width)];

    public override int LeastBatch => Side(_image.Height) * Side(_image.Width) == 1 ? 2 : 1;

    public static VanillaVaeNetwork Create(VanillaVaeOptions options, Device device) =>
        new(WeightSet.Create(LayoutOf(options.Image, options.LatentDimension, options.BaseChannels), options.Seed, device), options.Image, options.BaseChannels);

    public static (VanillaVaeNetwork Network, long Dimension) From(StateDictionary state, ImageFormat image, string path, Device device)
    {
        const string what = "a VAE in the layout of PyTorch-VAE's VanillaVAE";
        long channels = WeightFile.ShapeOf(state, "encoder.0.0.weight", 4, what, path)[0], dimension = WeightFile.ShapeOf(state, "fc_mu.weight", 2, what, path)[0];
        return (new VanillaVaeNetwork(WeightSet.From(LayoutOf(image, dimension, channels), state, $"{what} for images of {image}", path, device), image, channels), dimension);
    }

    public override Tensor Features(Tensor images, TrainingPass? training)
    {
        Tensor x = images;
        for (int i = 0; i < Levels; i++) x = Activation.Pass(x, Activate(Weights.Convolve(x, $"encoder.{i}.0", stride: 2, padding: 1), $"encoder.{i}.1", training), images);
        return x.flatten(1);
    }

    public override (Tensor Mean, Tensor LogVariance) Posterior(Tensor features) =>
        (Mean(features), Weights.Linear(features, "fc_var").clamp(-10, 10));

    public override Tensor Mean(Tensor features) => Weights.Linear(features, "fc_mu");

    public override Tensor Decode(Tensor latents, TrainingPass? training)
    {
        Tensor x = Weights.Linear(latents, "decoder_input").reshape(latents.size(0), _channels << (Levels - 1), Side(_image.Height), Side(_image.Width));
        for (int i = 0; i < Levels; i++)
        {
            (string layer, string norm) = Up(i);
            x = Activation.Pass(x, Activate(Weights.ConvolveTransposed(x, layer, stride: 2, padding: 1, outputPadding: 1), norm, training), latents);
        }
        return Activation.Pass(x, Weights.Convolve(x, "final_layer.3", padding: 1), latents);
    }

    public override Tensor Pixels(Tensor decoded)
    {
        Tensor pixels = decoded.sigmoid();
        return pixels.size(2) == _image.Height && pixels.size(3) == _image.Width
            ? pixels
            : nn.functional.interpolate(pixels, size: [_image.Height, _image.Width], mode: InterpolationMode.Bilinear, align_corners: false, antialias: true);
    }

    public override Tensor Loss(Tensor images, Tensor decoded, Tensor mean, Tensor logVariance, double beta, Func<Tensor, double> scale) =>
        (Elbo.SquaredError(Pixels(decoded), images).mean() / _image.PixelCount) + (Elbo.Divergence(mean, logVariance).mean() * (beta * DivergenceWeight / mean.size(1)));

    internal static Layout LayoutOf(ImageFormat image, long dimension, long channels)
    {
        Layout layout = new();
        long widest = channels << (Levels - 1), features = widest * Side(image.Height) * Side(image.Width);
        for (int i = 0; i < Levels; i++)
        {
            layout.Convolution($"encoder.{i}.0", i == 0 ? image.Channels : channels << (i - 1), channels << i, 3).BatchNormalisation($"encoder.{i}.1", channels << i);
        }
        layout.Linear("fc_mu", features, dimension).Linear("fc_var", features, dimension).Linear("decoder_input", dimension, features);
        for (int i = 0; i < Levels; i++)
        {
            (string layer, string norm) = Up(i);
            long inputs = widest >> i, outputs = i == Levels - 1 ? channels : widest >> (i + 1);
            layout.TransposedConvolution(layer, inputs, outputs, 3).BatchNormalisation(norm, outputs);
        }
        return layout.Convolution("final_layer.3", channels, image.Channels, 3);
    }

    // Five halvings, each rounded up.
    private static long Side(long size) => (size + 31) / 32;

    private static (string Layer, string Norm) Up(int i) => i < Levels - 1 ? ($"decoder.{i}.0", $"decoder.{i}.1") : ("final_layer.0", "final_layer.1");

    private Tensor Activate(Tensor x, string norm, TrainingPass? training)
    {
        using Tensor mine = x;
        using Scalar slope = 0.01;
        return Weights.BatchNormalise(x, norm, training is not null).leaky_relu_(slope);
    }
}
