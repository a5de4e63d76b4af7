using LatentStitching.Adapters.Weights;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Gans;

/// <summary>The opponents of the convolutional and of the dense generator.</summary>
internal static class GanDiscriminator
{
    private const double Slope = 0.2;
    private const double Dropout = 0.2;

    /// <summary>That of Asperti and Tonelli: convolutions 4×4 of stride 2, ReLU → flatten → dropout → dense.</summary>
    public static Layout Convolutional(GanOptions options)
    {
        Layout layout = new();
        long inputs = options.Image.Channels;
        for (int i = 0; i < options.Layers; i++)
        {
            long outputs = options.BaseChannels << i;
            layout.Convolution($"conv{i}", inputs, outputs, 4, initial: Initial.Glorot(16 * inputs, 16 * outputs));
            inputs = outputs;
        }
        long flat = inputs * (options.Image.Height >> options.Layers) * (options.Image.Width >> options.Layers);
        return layout.Linear("dense", flat, 1, initial: Initial.Glorot(flat, 1));
    }

    public static Discriminator Convolutional(GanOptions options, ulong seed, Device device)
    {
        int layers = options.Layers;
        return new Discriminator(WeightSet.Create(Convolutional(options), seed, device), (weights, images, dropout) =>
        {
            Tensor x = images;
            for (int i = 0; i < layers; i++) x = weights.Convolve(x, $"conv{i}", stride: 2, padding: 1).relu();
            x = x.flatten(1);
            if (dropout is not null) x = x * rand(x.shape, x.dtype, x.device, generator: dropout).ge(Dropout) / (1 - Dropout);
            return weights.Linear(x, "dense").flatten();
        });
    }

    /// <summary>The dense generator's mirror image, with LeakyReLU of slope 0.2 between.</summary>
    public static Discriminator Dense(ImageFormat image, long second, long first, ulong seed, Device device)
    {
        Layout layout = new Layout().Linear("0", image.PixelCount, second).Linear("2", second, first).Linear("4", first, 1);
        return new Discriminator(WeightSet.Create(layout, seed, device), (weights, images, _) =>
        {
            Tensor x = nn.functional.leaky_relu(weights.Linear(images.flatten(1).mul(2).sub(1), "0"), Slope);
            x = nn.functional.leaky_relu(weights.Linear(x, "2"), Slope);
            return weights.Linear(x, "4").flatten();
        });
    }
}
