using System.Globalization;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The first stage of DiffuseVAE: Pandey et al., "DiffuseVAE: Efficient, Controllable and High-Fidelity Generation from Low-Dimensional Latents" (arXiv:2201.00308), with weights under their published names.</summary>
internal sealed class DiffuseVaeNetwork : VaeNetwork
{
    // The published encoder opens with 64 channels whatever its configuration says.
    private const long FirstChannels = 64;
    private readonly BlockString _encoder;
    private readonly BlockString _decoder;

    private DiffuseVaeNetwork(WeightSet weights, BlockString encoder, BlockString decoder)
        : base(weights)
    {
        _encoder = encoder;
        _decoder = decoder;
    }

    public override IReadOnlyList<long> FeatureShape => [Dimension];

    public long Dimension => _encoder.Channels[1];

    public static DiffuseVaeNetwork Create(DiffuseVaeOptions options, Device device)
    {
        (BlockString encoder, BlockString decoder) = Parse(options);
        return new DiffuseVaeNetwork(WeightSet.Create(LayoutOf(encoder, decoder, options.Size), options.Seed, device), encoder, decoder);
    }

    public static DiffuseVaeNetwork From(DiffuseVaeOptions options, StateDictionary state, string path, Device device)
    {
        (BlockString encoder, BlockString decoder) = Parse(options);
        return new DiffuseVaeNetwork(WeightSet.From(LayoutOf(encoder, decoder, options.Size), state, "DiffuseVAE's first stage with these options", path, device), encoder, decoder);
    }

    public override Tensor Features(Tensor images, TrainingPass? training) => Run(Weights.Convolve(images, "enc.in_conv", padding: 1), "enc.block_mod.", _encoder).flatten(1);

    public override (Tensor Mean, Tensor LogVariance) Posterior(Tensor features) => (Mean(features), Head(features, "enc.logvar"));

    public override Tensor Mean(Tensor features) => Head(features, "enc.mu");

    public override Tensor Decode(Tensor latents, TrainingPass? training) =>
        Weights.Convolve(Run(latents.reshape(latents.size(0), Dimension, 1, 1), "dec.block_mod.", _decoder), "dec.last_conv", padding: 1);

    public override Tensor Loss(Tensor images, Tensor decoded, Tensor mean, Tensor logVariance, double beta, Func<Tensor, double> scale) =>
        (Elbo.SquaredError(Pixels(decoded), images) + (Elbo.Divergence(mean, logVariance) * beta)).mean();

    internal static (BlockString Encoder, BlockString Decoder) Parse(DiffuseVaeOptions options)
    {
        var encoder = BlockString.Parse(options.EncoderBlocks, options.EncoderChannels, options.Size, 1, nameof(options.EncoderBlocks), nameof(options.EncoderChannels));
        var decoder = BlockString.Parse(options.DecoderBlocks, options.DecoderChannels, 1, options.Size, nameof(options.DecoderBlocks), nameof(options.DecoderChannels));
        if (encoder.Channels.GetValueOrDefault(options.Size) != FirstChannels)
        {
            throw new ArgumentException(
                $"EncoderChannels must give side {options.Size}, the images', {FirstChannels} channels, which the first layer makes, but it gives {encoder.Channels.GetValueOrDefault(options.Size)}.",
                nameof(options));
        }
        if (encoder.Channels.GetValueOrDefault(1) != decoder.Channels.GetValueOrDefault(1))
        {
            throw new ArgumentException(
                $"DecoderChannels must give side 1 the {encoder.Channels.GetValueOrDefault(1)} channels of EncoderChannels, but it gives {decoder.Channels.GetValueOrDefault(1)}.", nameof(options));
        }
        return (encoder, decoder);
    }

    internal static Layout LayoutOf(BlockString encoder, BlockString decoder, long size)
    {
        Layout layout = new();
        layout.Convolution("enc.in_conv", 3, FirstChannels, 3, bias: false);
        Blocks(layout, "enc.block_mod.", encoder);
        long dimension = encoder.Channels[1];
        layout.Convolution("enc.mu", dimension, dimension, 1, bias: false).Convolution("enc.logvar", dimension, dimension, 1, bias: false);
        Blocks(layout, "dec.block_mod.", decoder);
        return layout.Convolution("dec.last_conv", decoder.Channels[size], 3, 3);
    }

    private static void Blocks(Layout layout, string prefix, BlockString blocks)
    {
        for (int i = 0; i < blocks.Steps.Count; i++)
        {
            BlockString.Step step = blocks.Steps[i];
            string name = prefix + i.ToString(CultureInfo.InvariantCulture);
            if (step.Kind == 'u') continue;
            if (step.Kind == 't')
            {
                layout.Convolution(name, blocks.Channels[step.Side], blocks.Channels[step.Other], 1, bias: false);
                continue;
            }
            long width = blocks.Channels[step.Side], middle = width / 2, kernel = step.Side > 1 ? 3 : 1;
            Zero(".c1", width, middle, 1);
            Zero(".c2", middle, middle, kernel);
            Zero(".c3", middle, middle, kernel);
            Zero(".c4", middle, width, 1);

            // PyTorch's weights, but biases of zero.
            void Zero(string layer, long inputs, long outputs, long size) =>
                layout.Convolution(name + layer, inputs, outputs, size, initial: Initial.FanIn(inputs * size * size));
        }
    }

    private Tensor Head(Tensor features, string layer) => Weights.Convolve(features.reshape(features.size(0), Dimension, 1, 1), layer).flatten(1);

    private Tensor Run(Tensor input, string prefix, BlockString blocks)
    {
        Tensor x = input;
        for (int i = 0; i < blocks.Steps.Count; i++)
        {
            BlockString.Step step = blocks.Steps[i];
            string name = prefix + i.ToString(CultureInfo.InvariantCulture);
            Tensor made = step.Kind switch
            {
                't' => Weights.Convolve(x, name),
                'u' => nn.functional.interpolate(x, scale_factor: [step.Other, step.Other], mode: InterpolationMode.Nearest),
                _ => Changed(x, name, step.Side > 1 ? 1 : 0),
            };
            x = Activation.Pass(x, made, input);
            if (step.Kind == 'd') x = Activation.Pass(x, nn.functional.avg_pool2d(x, step.Other, step.Other), input);
        }
        return x;
    }

    private Tensor Changed(Tensor x, string name, long padding)
    {
        Tensor y = Half(x, ".c1", 0);
        y = Activation.Pass(y, Half(y, ".c2", padding), x);
        y = Activation.Pass(y, Half(y, ".c3", padding), x);
        using Tensor narrow = y, change = Half(y, ".c4", 0);
        return x + change;

        Tensor Half(Tensor map, string layer, long around)
        {
            using Tensor active = map.gelu();
            return Weights.Convolve(active, name + layer, padding: around);
        }
    }
}
