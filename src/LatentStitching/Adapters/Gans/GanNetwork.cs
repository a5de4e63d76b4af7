using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Gans;

/// <summary>The convolutional generator of Asperti and Tonelli (arXiv:2207.06812): dense, ReLU → transposed convolutions 4×4 of stride 2, ReLU, whose channels grow → convolution 5×5, sigmoid.</summary>
internal sealed class GanNetwork : IDisposable
{
    private readonly int _layers;
    private readonly long _seedChannels;
    private readonly long _seedSide;

    private GanNetwork(WeightSet weights, int layers, long seedChannels, long seedSide)
    {
        Weights = weights;
        (_layers, _seedChannels, _seedSide) = (layers, seedChannels, seedSide);
    }

    // 4 pixels doubled as often are more than any file has weights for.
    private const int MostLayers = 16;

    public WeightSet Weights { get; }

    public static GanNetwork Create(GanOptions options, Device device) =>
        new(WeightSet.Create(LayoutOf(options), options.Seed, device), options.Layers, options.SeedChannels, SeedSide(options));

    /// <summary>Takes the weights of a state dictionary, whose shapes tell the sizes.</summary>
    public static (GanNetwork Network, GanOptions Options) From(StateDictionary state, string path, string name, Device device)
    {
        int layers = 0;
        while (state.Contains($"conv{layers}.weight")) layers++;
        bool known = layers is > 0 and <= MostLayers && Is("dense.weight", 2) && Is("conv0.weight", 4) && Is("out.weight", 4);
        if (!known)
        {
            throw new InvalidDataException(
                $"{path} must hold a convolutional generator with the keys dense.weight, conv0.weight … and out.weight, but it holds {string.Join(", ", state.Names.Take(8).Select(PickleText.Safe))}.");
        }
        long seedChannels = state["conv0.weight"].size(0);
        if (state["dense.weight"].size(0) < seedChannels) throw new InvalidDataException($"{path} must hold a dense.weight with a row for each of the {seedChannels} channels of conv0.weight, but it has {state["dense.weight"].size(0)}.");
        long seedSide = (long)Math.Round(Math.Sqrt(state["dense.weight"].size(0) / (double)seedChannels));
        long side = seedSide << layers;
        GanOptions options = new()
        {
            Name = name,
            Image = new ImageFormat(state["out.weight"].size(0), side, side),
            LatentDimension = state["dense.weight"].size(1),
            Layers = layers,
            BaseChannels = state["conv0.weight"].size(1),
            SeedChannels = seedChannels,
        };
        var weights = WeightSet.From(LayoutOf(options), state, "a convolutional generator", path, device);
        return (new GanNetwork(weights, layers, seedChannels, seedSide), options);

        bool Is(string key, int axes) => state.Contains(key) && state[key].dim() == axes && state[key].numel() > 0;
    }

    /// <summary>Latents [n, k] → images [n, c, h, w] in [0, 1].</summary>
    public Tensor Generate(Tensor latents)
    {
        Tensor x = Weights.Linear(latents, "dense").relu_().reshape(latents.size(0), _seedChannels, _seedSide, _seedSide);
        for (int i = 0; i < _layers; i++) x = Activation.Pass(x, Weights.ConvolveTransposed(x, $"conv{i}", stride: 2, padding: 1).relu_(), latents);
        return Weights.Convolve(x, "out", padding: 2).sigmoid();
    }

    public void Dispose() => Weights.Dispose();

    /// <summary>The first values are Keras's, with which the published networks began.</summary>
    internal static Layout LayoutOf(GanOptions options)
    {
        long side = SeedSide(options), flat = options.SeedChannels * side * side;
        Layout layout = new Layout().Linear("dense", options.LatentDimension, flat, initial: Initial.Glorot(options.LatentDimension, flat));
        long inputs = options.SeedChannels;
        for (int i = 0; i < options.Layers; i++)
        {
            long outputs = options.BaseChannels << i;
            layout.TransposedConvolution($"conv{i}", inputs, outputs, 4, initial: Initial.Glorot(16 * inputs, 16 * outputs));
            inputs = outputs;
        }
        return layout.Convolution("out", inputs, options.Image.Channels, 5, initial: Initial.Glorot(25 * inputs, 25 * options.Image.Channels));
    }

    private static long SeedSide(GanOptions options)
    {
        ImageFormat image = options.Image;
        return image.Height == image.Width && image.Height % (1L << options.Layers) == 0
            ? image.Height >> options.Layers
            : throw new ArgumentException($"options must give a square image whose side is divisible by {1L << options.Layers}, two to the power of its {options.Layers} layers, but it is {image}.", nameof(options));
    }
}
