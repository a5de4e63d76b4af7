using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Gans;

/// <summary>The sizes of a StyleGAN2 generator, and its weights by them, under the names of NVlabs/stylegan2-ada-pytorch.</summary>
/// <param name="Latent">Width of z.</param>
/// <param name="Labels">Number of classes, or 0.</param>
/// <param name="Style">Width of w.</param>
/// <param name="MappingLayers">Layers of the mapping network.</param>
/// <param name="ImageChannels">Channels of the images.</param>
/// <param name="Channels">Channels of each block: sides 4, 8, ….</param>
internal sealed record StyleGan2Sizes(long Latent, long Labels, long Style, int MappingLayers, long ImageChannels, IReadOnlyList<long> Channels)
{
    public const double MappingRate = 0.01;

    public long Side => 4L << (Channels.Count - 1);

    public ImageFormat Image => new(ImageChannels, Side, Side);

    /// <summary>One w for each convolution and one for the last conversion to RGB; the others share that of the next convolution.</summary>
    public int StyleCount => 2 * Channels.Count;

    public IEnumerable<long> Sides => Channels.Select((_, block) => 4L << block);

    public static StyleGan2Sizes Of(StyleGan2Options options)
    {
        if (options.ChannelBase < options.Image.Height)
        {
            throw new ArgumentException($"options must have a ChannelBase of at least {options.Image.Height}, the images' side, but it is {options.ChannelBase}. The last layer would have no channel.", nameof(options));
        }
        List<long> channels = [];
        for (long side = 4; side <= options.Image.Height; side *= 2) channels.Add(Math.Min(options.ChannelBase / side, options.MostChannels));
        return new StyleGan2Sizes(options.LatentDimension, 0, options.StyleDimension, options.MappingLayers, options.Image.Channels, channels);
    }

    /// <summary>Reads the sizes off the shapes of a checkpoint.</summary>
    public static StyleGan2Sizes Of(StateDictionary state, string path)
    {
        List<long> channels = [];
        for (long side = 4; Dimensions($"synthesis.b{side}.conv1.weight") is [long outputs, _, _, _]; side *= 2) channels.Add(outputs);
        int layers = 0;
        while (state.Contains($"mapping.fc{layers}.weight")) layers++;
        if (channels.Count < 2 || Dimensions("mapping.fc0.weight") is not [_, long inputs] || Dimensions("synthesis.b4.torgb.weight") is not [long image, ..]
            || Dimensions("synthesis.b4.conv1.affine.weight") is not [_, long style] || channels.Append(inputs).Append(image).Append(style).Min() < 1)
        {
            throw new InvalidDataException(
                $"{path} must hold a StyleGAN2 generator with the keys of NVlabs/stylegan2-ada-pytorch, mapping.fc0.weight to synthesis.b8.torgb.bias and on, "
                + $"but it holds {string.Join(", ", state.Names.Take(8).Select(PickleText.Safe))}. Other names need a key map.");
        }
        long labels = Dimensions("mapping.embed.weight") is [_, long classes] ? classes : 0;
        return new StyleGan2Sizes(labels > 0 ? inputs - style : inputs, labels, style, layers, image, channels);

        long[]? Dimensions(string key) => state.Contains(key) ? state[key].shape : null;
    }

    public Layout Layout()
    {
        Layout layout = new();
        for (int block = 0; block < Channels.Count; block++) AddBlock(layout, block);
        layout.Add("mapping.w_avg", [Style], Initial.Zeros, trainable: false);
        if (Labels > 0) layout.Linear("mapping.embed", Labels, Style, initial: Initial.Normal());
        for (int i = 0; i < MappingLayers; i++)
        {
            layout.Linear($"mapping.fc{i}", i == 0 ? Latent + (Labels > 0 ? Style : 0) : Style, Style, initial: Initial.Normal(1 / MappingRate));
        }
        return layout;
    }

    private void AddBlock(Layout layout, int block)
    {
        long side = 4L << block, channels = Channels[block];
        string name = $"synthesis.b{side}";
        if (block == 0) layout.Add(name + ".const", [channels, 4, 4], Initial.Normal());
        Filter(name);
        if (block > 0) AddConvolution(name + ".conv0", Channels[block - 1]);
        AddConvolution(name + ".conv1", channels);
        layout.Convolution(name + ".torgb", channels, ImageChannels, 1, initial: Initial.Normal());
        Affine(name + ".torgb", channels);

        void AddConvolution(string layer, long inputs)
        {
            layout.Add(layer + ".weight", [channels, inputs, 3, 3], Initial.Normal()).Add(layer + ".noise_strength", [], Initial.Zeros).Add(layer + ".bias", [channels], Initial.Zeros);
            Filter(layer);
            layout.Add(layer + ".noise_const", [side, side], Initial.Normal(), trainable: false);
            Affine(layer, inputs);
        }

        // A style of one leaves a layer as it is, so that is where styles begin.
        void Affine(string layer, long inputs) => layout.Add(layer + ".affine.weight", [inputs, Style], Initial.Normal()).Add(layer + ".affine.bias", [inputs], Initial.Ones);

        void Filter(string layer) => layout.Add(layer + ".resample_filter", [4, 4], (_, generator) => FirFilter.Binomial(generator.device), trainable: false);
    }
}
