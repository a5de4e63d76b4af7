using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Gans;

/// <summary>The inversion network of Asperti and Tonelli (arXiv:2207.06812): convolutions with ReLU → flatten → dense, padded as Keras pads "same".</summary>
internal static class RecoderNetwork
{
    private const double Slope = 0.2;

    public static Layout LayoutOf(RecoderOptions options)
    {
        Layout layout = new();
        long inputs = options.Image.Channels, outputs = options.BaseChannels, area = (long)options.Kernel * options.Kernel;
        (long height, long width) = (options.Image.Height, options.Image.Width);
        for (int i = 0; i < options.Layers; i++)
        {
            layout.Convolution($"conv{i}", inputs, outputs, options.Kernel, initial: Initial.Glorot(area * inputs, area * outputs));
            (height, width) = (Halved(height, options), Halved(width, options));
            (inputs, outputs) = (outputs, outputs * options.Multiplier);
        }
        long flat = inputs * height * width, hidden = 4 * options.LatentDimension;
        if (options.HiddenLayer)
        {
            layout.Linear("hidden", flat, hidden, initial: Initial.Glorot(flat, hidden));
            flat = hidden;
        }
        return layout.Linear("dense", flat, options.LatentDimension, initial: Initial.Glorot(flat, options.LatentDimension));
    }

    /// <summary>Images [n, c, h, w] in [0, 1] → latents [n, k]; with a generator, features are dropped.</summary>
    public static Tensor Encode(WeightSet weights, RecoderOptions options, Tensor images, Generator? dropout = null)
    {
        Tensor x = images;
        for (int i = 0; i < options.Layers; i++) x = Activation.Pass(x, Convolve(weights, options, x, $"conv{i}").relu_(), images);
        x = x.flatten(1);
        if (dropout is not null && options.Dropout > 0)
        {
            Tensor kept = rand(x.shape, x.dtype, x.device, generator: dropout).ge(options.Dropout);
            x = x * kept / (1 - options.Dropout);
        }
        if (options.HiddenLayer) x = nn.functional.leaky_relu(weights.Linear(x, "hidden"), Slope);
        return weights.Linear(x, "dense");
    }

    // As many rows as places where the stride falls: what is missing is padded, the odd one below and to the right. Where all sides get the same, the convolution pads without a copy.
    private static Tensor Convolve(WeightSet weights, RecoderOptions options, Tensor x, string layer)
    {
        (long top, long bottom) = Padding(x.size(2), options);
        (long left, long right) = Padding(x.size(3), options);
        if (top == bottom && left == right && top == left) return weights.Convolve(x, layer, options.Stride, top);
        using Tensor padded = nn.functional.pad(x, [left, right, top, bottom]);
        return weights.Convolve(padded, layer, options.Stride);
    }

    private static (long Before, long After) Padding(long size, RecoderOptions options)
    {
        long total = Math.Max(((Halved(size, options) - 1) * options.Stride) + options.Kernel - size, 0);
        return (total / 2, total - (total / 2));
    }

    private static long Halved(long size, RecoderOptions options) => (size + options.Stride - 1) / options.Stride;
}
