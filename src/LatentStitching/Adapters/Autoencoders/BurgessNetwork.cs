using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The convolutional encoder and decoder of Burgess et al., "Understanding disentangling in β-VAE" (arXiv:1804.03599), appendix A.1, with weights under their published names.</summary>
/// <remarks>
/// Encoder: 4×4 convolutions of 32 channels, stride 2, padding 1 (three at 32×32, four at 64×64), ReLU → flatten 512 → 256 → 256 → 2k numbers, mean and log-variance interleaved.
/// Decoder: k → 256 → 256 → 512 → the mirrored transposed convolutions, ReLU between, sigmoid last.
/// </remarks>
internal sealed class BurgessNetwork : VaeNetwork
{
    private const long Channels = 32;
    private const long Hidden = 256;
    private const long Flat = Channels * 4 * 4;
    private readonly bool _large;

    private BurgessNetwork(WeightSet weights, bool large)
        : base(weights) => _large = large;

    public override IReadOnlyList<long> FeatureShape => [Hidden];

    public static ImageFormat RequireFormat(ImageFormat format, string name)
    {
        ArgumentNullException.ThrowIfNull(format, name);
        bool square = format.Height == format.Width && format.Height is 32 or 64;
        return square && format.Channels is 1 or 3
            ? format
            : throw new ArgumentException($"{name} must be 32×32 or 64×64 with 1 or 3 channels, the layout of Burgess et al., but it is {format}.", name);
    }

    /// <summary>Weights as He et al. (2015) for layers before a ReLU, biases uniform in ±1/√fan-in, as the published code initialises them.</summary>
    public static BurgessNetwork Create(ImageFormat image, long dimension, ulong seed, Device device)
    {
        bool large = image.Height == 64;
        return new BurgessNetwork(WeightSet.Create(LayoutOf(image.Channels, dimension, large), seed, device), large);
    }

    /// <summary>Takes the weights of a state dictionary; every missing, unexpected or misshapen key is named at once.</summary>
    public static (BurgessNetwork Network, ImageFormat Image, long Dimension) From(StateDictionary state, string path, Device device)
    {
        if (!state.Contains("encoder.conv1.weight") || !state.Contains("encoder.mu_logvar_gen.weight"))
        {
            throw new InvalidDataException(
                $"{path} must hold a VAE of Burgess et al. with the keys of the published code, encoder.conv1.weight to decoder.convT3.bias, but it holds {string.Join(", ", state.Names.Take(8).Select(PickleText.Safe))}...");
        }
        bool large = state.Contains("encoder.conv_64.weight");
        const string What = "the VAE of Burgess et al.";
        long channels = WeightFile.ShapeOf(state, "encoder.conv1.weight", 4, What, path)[1];
        long dimension = WeightFile.ShapeOf(state, "encoder.mu_logvar_gen.weight", 2, What, path)[0] / 2;
        var weights = WeightSet.From(LayoutOf(channels, dimension, large), state, What, path, device);
        return (new BurgessNetwork(weights, large), new ImageFormat(channels, large ? 64 : 32, large ? 64 : 32), dimension);
    }

    public override Tensor Features(Tensor images, TrainingPass? training)
    {
        Tensor x = images;
        foreach (string layer in EncoderConvolutions(_large)) x = Activation.Pass(x, Weights.Convolve(x, "encoder." + layer, stride: 2, padding: 1).relu_(), images);
        x = x.flatten(1);
        x = Weights.Linear(x, "encoder.lin1").relu_();
        return Weights.Linear(x, "encoder.lin2").relu_();
    }

    public override (Tensor Mean, Tensor LogVariance) Posterior(Tensor features)
    {
        Tensor x = Weights.Linear(features, "encoder.mu_logvar_gen");
        Tensor pairs = x.reshape(x.size(0), x.size(1) / 2, 2);
        return (pairs.select(2, 0), pairs.select(2, 1));
    }

    public override Tensor Decode(Tensor latents, TrainingPass? training)
    {
        Tensor x = Weights.Linear(latents, "decoder.lin1").relu_();
        x = Weights.Linear(x, "decoder.lin2").relu_();
        x = Weights.Linear(x, "decoder.lin3").relu_();
        x = x.reshape(x.size(0), Channels, 4, 4);
        string[] layers = DecoderConvolutions(_large);
        for (int i = 0; i < layers.Length; i++)
        {
            x = Activation.Pass(x, Weights.ConvolveTransposed(x, "decoder." + layers[i], stride: 2, padding: 1), latents);
            if (i < layers.Length - 1) x = x.relu_();
        }
        return x;
    }

    private static string[] EncoderConvolutions(bool large) => large ? ["conv1", "conv2", "conv3", "conv_64"] : ["conv1", "conv2", "conv3"];

    private static string[] DecoderConvolutions(bool large) => large ? ["convT_64", "convT1", "convT2", "convT3"] : ["convT1", "convT2", "convT3"];

    // In the published order; the fan of a transposed convolution is PyTorch's, that of its weight's second axis.
    private static Layout LayoutOf(long channels, long dimension, bool large)
    {
        Layout layout = new();
        foreach (string name in EncoderConvolutions(large))
        {
            long inputs = name == "conv1" ? channels : Channels;
            Add("encoder." + name, [Channels, inputs, 4, 4], Channels, inputs * 16);
        }
        Add("encoder.lin1", [Hidden, Flat], Hidden, Flat);
        Add("encoder.lin2", [Hidden, Hidden], Hidden, Hidden);
        Add("encoder.mu_logvar_gen", [2 * dimension, Hidden], 2 * dimension, Hidden);
        Add("decoder.lin1", [Hidden, dimension], Hidden, dimension);
        Add("decoder.lin2", [Hidden, Hidden], Hidden, Hidden);
        Add("decoder.lin3", [Flat, Hidden], Flat, Hidden);
        foreach (string name in DecoderConvolutions(large))
        {
            long outputs = name == "convT3" ? channels : Channels;
            Add("decoder." + name, [Channels, outputs, 4, 4], outputs, outputs * 16);
        }
        return layout;

        void Add(string name, long[] shape, long outputs, long fan) =>
            layout.Add(name + ".weight", shape, Initial.He(fan)).Add(name + ".bias", [outputs], Initial.FanIn(fan));
    }
}
