using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Gans;

/// <summary>The residual discriminator of StyleGAN2, under the names of NVlabs/stylegan2-ada-pytorch: Karras et al. (arXiv:1912.04958), figure 7 (c), with the minibatch statistics of (arXiv:1710.10196), section 3.</summary>
internal static class StyleGan2Discriminator
{
    private const double Slope = 0.2;
    private const double Epsilon = 1e-8;
    private const int MostInGroup = 4;
    private static readonly double _gain = Math.Sqrt(2);
    private static readonly double _half = Math.Sqrt(0.5);

    /// <summary>The weights for the generator's sizes: a block has the channels of its side, and gives those of the next smaller.</summary>
    public static Layout LayoutOf(StyleGan2Sizes sizes)
    {
        Layout layout = new();
        for (int block = sizes.Channels.Count - 1; block > 0; block--)
        {
            string name = $"b{4L << block}";
            long inputs = sizes.Channels[block], outputs = sizes.Channels[block - 1];
            if (block == sizes.Channels.Count - 1) layout.Convolution(name + ".fromrgb", sizes.ImageChannels, inputs, 1, initial: Initial.Normal());
            layout.Convolution(name + ".conv0", inputs, inputs, 3, initial: Initial.Normal())
                .Convolution(name + ".conv1", inputs, outputs, 3, initial: Initial.Normal())
                .Convolution(name + ".skip", inputs, outputs, 1, bias: false, initial: Initial.Normal());
        }
        long last = sizes.Channels[0];
        return layout.Convolution("b4.conv", last + 1, last, 3, initial: Initial.Normal())
            .Linear("b4.fc", last * 16, last, initial: Initial.Normal())
            .Linear("b4.out", last, 1, initial: Initial.Normal())
            .Add("resample_filter", [4, 4], (_, generator) => FirFilter.Binomial(generator.device), trainable: false);
    }

    public static Discriminator Create(StyleGan2Sizes sizes, ulong seed, Device device) =>
        new(WeightSet.Create(LayoutOf(sizes), seed, device), (weights, images, _) => Logits(weights, sizes, images));

    private static Tensor Logits(WeightSet weights, StyleGan2Sizes sizes, Tensor images)
    {
        Tensor filter = weights["resample_filter"];
        Tensor x = Activate(Convolve(weights, images.mul(2).sub(1), $"b{sizes.Side}.fromrgb"));
        for (int block = sizes.Channels.Count - 1; block > 0; block--)
        {
            string name = $"b{4L << block}";
            Tensor shortcut = Convolve(weights, FirFilter.Downsample(x, filter), name + ".skip") * _half;
            x = Activate(Convolve(weights, x, name + ".conv0", padding: 1));
            x = Activate(Convolve(weights, FirFilter.BeforeDownsampling(x, filter), name + ".conv1", stride: 2)) * _half;
            x += shortcut;
        }
        x = Activate(Convolve(weights, WithDeviation(x), "b4.conv", padding: 1)).flatten(1);
        x = Activate(Dense(weights, x, "b4.fc"));
        return Dense(weights, x, "b4.out").flatten();
    }

    // The mean deviation over groups of images, as one more channel.
    private static Tensor WithDeviation(Tensor x)
    {
        long count = x.size(0), group = MostInGroup;
        while (count % group != 0) group--;
        Tensor y = x.reshape(group, count / group, x.size(1), x.size(2), x.size(3));
        Tensor variance = (y - y.mean([0], keepdim: true)).square().mean([0]);
        Tensor statistic = variance.add(Epsilon).sqrt().mean([1, 2, 3]).reshape(-1, 1, 1, 1);
        return cat([x, statistic.repeat(group, 1, x.size(2), x.size(3))], 1);
    }

    private static Tensor Convolve(WeightSet weights, Tensor x, string layer, long stride = 1, long padding = 0)
    {
        Tensor weight = weights[layer + ".weight"];
        Tensor? bias = layer.EndsWith(".skip", StringComparison.Ordinal) ? null : weights[layer + ".bias"];
        return nn.functional.conv2d(x, weight / Math.Sqrt(weight.shape[1..].Aggregate(1L, (product, size) => product * size)), bias, strides: [stride, stride], padding: [padding, padding]);
    }

    private static Tensor Dense(WeightSet weights, Tensor x, string layer)
    {
        Tensor weight = weights[layer + ".weight"];
        return nn.functional.linear(x / Math.Sqrt(weight.size(1)), weight, weights[layer + ".bias"]);
    }

    private static Tensor Activate(Tensor x) => nn.functional.leaky_relu(x, Slope) * _gain;
}
