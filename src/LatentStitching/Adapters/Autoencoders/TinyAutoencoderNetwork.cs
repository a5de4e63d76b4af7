using System.Globalization;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The two sequences of madebyollin/taesd. Weights are named by side and place: encoder.0.weight, decoder.1.weight.</summary>
/// <remarks>
/// A block is ReLU(x + three 3×3 convolutions with ReLU between). A wide block first adds to x a 1×1 convolution to four times the channels, GroupNorm of 4 groups, ReLU and a 1×1 convolution back.
/// The decoder begins with 3·tanh(z/3).
/// </remarks>
internal sealed class TinyAutoencoderNetwork : IDisposable
{
    private const string What = "a tiny autoencoder in the layout of TAESD";
    private readonly IReadOnlyList<TinyLayer> _encoder;
    private readonly IReadOnlyList<TinyLayer> _decoder;

    public TinyAutoencoderNetwork(WeightSet weights, IReadOnlyList<TinyLayer> encoder, IReadOnlyList<TinyLayer> decoder)
    {
        Weights = weights;
        _encoder = encoder;
        _decoder = decoder;
    }

    public WeightSet Weights { get; }

    public static TinyAutoencoderNetwork Create(TinyAutoencoderOptions options, Device device)
    {
        IReadOnlyList<TinyLayer> encoder = TinyLayer.Encoder(options.LatentChannels, options.Reduction, options.WideMiddle), decoder = TinyLayer.Decoder(options.LatentChannels, options.Reduction, options.WideMiddle);
        return new TinyAutoencoderNetwork(WeightSet.Create(LayoutOf(encoder, decoder), options.Seed, device), encoder, decoder);
    }

    public static long RequireReduction(long value, string name) =>
        value is 8 or 32 ? value : throw new ArgumentOutOfRangeException(name, $"{name} must be 8 or 32, but it is {value}.");

    /// <summary>TAESANA's encoder alone begins with fewer than 64 channels.</summary>
    public static long ReductionOf(StateDictionary state, string path) => WeightFile.ShapeOf(state, "encoder.0.weight", 4, What, path)[0] == 64 ? 8 : 32;

    public static (TinyAutoencoderNetwork Network, long Channels) From(StateDictionary state, string path, Device device)
    {
        long reduction = ReductionOf(state, path), channels = WeightFile.ShapeOf(state, "decoder.1.weight", 4, What, path)[1];
        bool wide = state.Contains("decoder.3.pool.0.weight");
        IReadOnlyList<TinyLayer> encoder = TinyLayer.Encoder(channels, reduction, wide), decoder = TinyLayer.Decoder(channels, reduction, wide);
        return (new TinyAutoencoderNetwork(WeightSet.From(LayoutOf(encoder, decoder), state, What, path, device), encoder, decoder), channels);
    }

    public Tensor Encode(Tensor images) => Run(images, "encoder.", _encoder);

    public Tensor Decode(Tensor latents) => Run(latents, "decoder.", _decoder);

    public void Dispose() => Weights.Dispose();

    internal static Layout LayoutOf(IReadOnlyList<TinyLayer> encoder, IReadOnlyList<TinyLayer> decoder)
    {
        Layout layout = new();
        Add(layout, "encoder.", encoder);
        Add(layout, "decoder.", decoder);
        return layout;
    }

    internal static void Add(Layout layout, string side, IReadOnlyList<TinyLayer> layers)
    {
        for (int i = 0; i < layers.Count; i++)
        {
            TinyLayer layer = layers[i];
            string name = Name(side, i);
            if (layer.Kind == TinyKind.Convolution) layout.Convolution(name, layer.Inputs, layer.Outputs, 3, layer.Bias);
            if (layer.Kind is not (TinyKind.Block or TinyKind.WideBlock)) continue;
            foreach (string part in (string[])[".conv.0", ".conv.2", ".conv.4"]) layout.Convolution(name + part, layer.Inputs, layer.Outputs, 3);
            if (layer.Kind != TinyKind.WideBlock) continue;
            long wide = 4 * layer.Inputs;
            layout.Convolution(name + ".pool.0", layer.Inputs, wide, 1, bias: false).Normalisation(name + ".pool.1", wide).Convolution(name + ".pool.3", wide, layer.Inputs, 1, bias: false);
        }
    }

    private Tensor Run(Tensor input, string side, IReadOnlyList<TinyLayer> layers)
    {
        Tensor x = input;
        for (int i = 0; i < layers.Count; i++)
        {
            string name = Name(side, i);
            Tensor next = layers[i].Kind switch
            {
                TinyKind.Convolution => Weights.Convolve(x, name, layers[i].Stride, padding: 1),
                TinyKind.Rectify => x.relu(),
                TinyKind.Squash => x.Over(3).tanh().Times(3),
                TinyKind.Upsample => nn.functional.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest),
                TinyKind.WideBlock => Block(x + Weights.Convolve(Weights.GroupNormalise(Weights.Convolve(x, name + ".pool.0"), name + ".pool.1", 4).relu(), name + ".pool.3"), name),
                _ => Block(x, name),
            };
            x = Activation.Pass(x, next, input);
        }
        return x;
    }

    private Tensor Block(Tensor x, string name)
    {
        using var scope = NewDisposeScope();
        Tensor y = Weights.Convolve(x, name + ".conv.0", padding: 1).relu_();
        y = Weights.Convolve(y, name + ".conv.2", padding: 1).relu_();
        return Weights.Convolve(y, name + ".conv.4", padding: 1).add_(x).relu_().MoveToOuterDisposeScope();
    }

    private static string Name(string side, int place) => side + place.ToString(CultureInfo.InvariantCulture);
}
