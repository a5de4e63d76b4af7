using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;
using TorchSharp.Modules;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The convolutional encoder and decoder of Burgess et al., "Understanding disentangling in β-VAE" (arXiv:1804.03599), appendix A.1, with weights under their published names.</summary>
/// <remarks>
/// Encoder: 4×4 convolutions of 32 channels, stride 2, padding 1 (three at 32×32, four at 64×64), ReLU → flatten 512 → 256 → 256 → 2k numbers, mean and log-variance interleaved.
/// Decoder: k → 256 → 256 → 512 → the mirrored transposed convolutions, ReLU between, sigmoid last.
/// </remarks>
internal sealed class BurgessNetwork : IDisposable
{
    private const long Channels = 32;
    private const long Hidden = 256;
    private const long Flat = Channels * 4 * 4;
    private readonly Dictionary<string, Parameter> _weights = new(StringComparer.Ordinal);
    private readonly bool _large;

    private BurgessNetwork(bool large) => _large = large;

    /// <summary>The weights by name; they belong to the network.</summary>
    public IReadOnlyDictionary<string, Parameter> Weights => _weights;

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
        BurgessNetwork network = new(image.Height == 64);
        using Generator generator = new(seed, device);
        foreach ((string name, long[] shape, long fan) in Layout(image.Channels, dimension, network._large))
        {
            double weight = Math.Sqrt(6.0 / fan), bias = 1 / Math.Sqrt(fan);
            network.Add(name + ".weight", Uniform(shape, weight));
            long outputs = name.Contains("convT", StringComparison.Ordinal) ? shape[1] : shape[0];
            network.Add(name + ".bias", Uniform([outputs], bias));
        }
        return network;

        Tensor Uniform(long[] shape, double bound)
        {
            using var scope = NewDisposeScope();
            return rand(shape, ScalarType.Float32, device, generator: generator).mul(2 * bound).sub(bound).MoveToOuterDisposeScope();
        }
    }

    /// <summary>Takes the weights of a state dictionary; every missing, unexpected or misshapen key is named at once.</summary>
    public static (BurgessNetwork Network, ImageFormat Image, long Dimension) From(StateDictionary state, string path, Device device)
    {
        if (!state.Contains("encoder.conv1.weight") || !state.Contains("encoder.mu_logvar_gen.weight"))
        {
            throw new InvalidDataException(
                $"{path} must hold a VAE of Burgess et al. with the keys of the published code, encoder.conv1.weight to decoder.convT3.bias, but it holds {string.Join(", ", state.Names.Take(8))}...");
        }
        bool large = state.Contains("encoder.conv_64.weight");
        long channels = state["encoder.conv1.weight"].size(1);
        long dimension = state["encoder.mu_logvar_gen.weight"].size(0) / 2;
        List<string> wrong = [];
        HashSet<string> expected = new(StringComparer.Ordinal);
        foreach ((string name, long[] shape, _) in Layout(channels, dimension, large))
        {
            Check(name + ".weight", shape);
            Check(name + ".bias", [name.Contains("convT", StringComparison.Ordinal) ? shape[1] : shape[0]]);
        }
        wrong.AddRange(state.Names.Where(name => !expected.Contains(name)).Select(name => $"{name} is unexpected"));
        if (wrong.Count > 0) throw new InvalidDataException($"{path} must hold exactly the weights of the VAE of Burgess et al., but {string.Join("; ", wrong)}.");

        BurgessNetwork network = new(large);
        foreach (string name in expected)
        {
            network.Add(name, state[name].to(ScalarType.Float32, device, copy: true));
        }
        return (network, new ImageFormat(channels, large ? 64 : 32, large ? 64 : 32), dimension);

        void Check(string name, long[] shape)
        {
            expected.Add(name);
            if (!state.Contains(name)) wrong.Add($"{name} is missing");
            else if (!state[name].shape.AsSpan().SequenceEqual(shape)) wrong.Add($"{name} is {TensorGuard.Shape(state[name])} instead of [{string.Join(", ", shape)}]");
        }
    }

    /// <summary>Images [n, c, h, w] → mean and log-variance, each [n, k].</summary>
    public (Tensor Mean, Tensor LogVariance) Encode(Tensor images)
    {
        Tensor x = images;
        foreach (string layer in EncoderConvolutions(_large)) x = Convolve(x, "encoder." + layer).relu();
        x = x.flatten(1);
        x = Linear(x, "encoder.lin1").relu();
        x = Linear(x, "encoder.lin2").relu();
        x = Linear(x, "encoder.mu_logvar_gen");
        Tensor pairs = x.reshape(x.size(0), x.size(1) / 2, 2);
        return (pairs.select(2, 0), pairs.select(2, 1));
    }

    /// <summary>Latents [n, k] → logits of the pixels, [n, c, h, w].</summary>
    public Tensor DecodeLogits(Tensor latents)
    {
        Tensor x = Linear(latents, "decoder.lin1").relu();
        x = Linear(x, "decoder.lin2").relu();
        x = Linear(x, "decoder.lin3").relu();
        x = x.reshape(x.size(0), Channels, 4, 4);
        string[] layers = DecoderConvolutions(_large);
        for (int i = 0; i < layers.Length; i++)
        {
            x = nn.functional.conv_transpose2d(x, _weights[$"decoder.{layers[i]}.weight"], _weights[$"decoder.{layers[i]}.bias"], strides: [2, 2], padding: [1, 1]);
            if (i < layers.Length - 1) x = x.relu();
        }
        return x;
    }

    public void Dispose()
    {
        foreach (Tensor weight in _weights.Values) weight.Dispose();
    }

    private static string[] EncoderConvolutions(bool large) => large ? ["conv1", "conv2", "conv3", "conv_64"] : ["conv1", "conv2", "conv3"];

    private static string[] DecoderConvolutions(bool large) => large ? ["convT_64", "convT1", "convT2", "convT3"] : ["convT1", "convT2", "convT3"];

    // In the published order; the fan of a transposed convolution is PyTorch's, that of its weight's second axis.
    private static IEnumerable<(string Name, long[] Shape, long Fan)> Layout(long channels, long dimension, bool large)
    {
        foreach (string name in EncoderConvolutions(large))
        {
            long inputs = name == "conv1" ? channels : Channels;
            yield return ("encoder." + name, [Channels, inputs, 4, 4], inputs * 16);
        }
        yield return ("encoder.lin1", [Hidden, Flat], Flat);
        yield return ("encoder.lin2", [Hidden, Hidden], Hidden);
        yield return ("encoder.mu_logvar_gen", [2 * dimension, Hidden], Hidden);
        yield return ("decoder.lin1", [Hidden, dimension], dimension);
        yield return ("decoder.lin2", [Hidden, Hidden], Hidden);
        yield return ("decoder.lin3", [Flat, Hidden], Hidden);
        foreach (string name in DecoderConvolutions(large))
        {
            long outputs = name == "convT3" ? channels : Channels;
            yield return ("decoder." + name, [Channels, outputs, 4, 4], outputs * 16);
        }
    }

    // A parameter takes the tensor's handle over.
    private void Add(string name, Tensor values)
    {
        Parameter parameter = new(values);
        parameter.DetachFromDisposeScope();
        _weights.Add(name, parameter);
    }

    private Tensor Convolve(Tensor x, string layer) =>
        nn.functional.conv2d(x, _weights[layer + ".weight"], _weights[layer + ".bias"], strides: [2, 2], padding: [1, 1]);

    private Tensor Linear(Tensor x, string layer) => nn.functional.linear(x, _weights[layer + ".weight"], _weights[layer + ".bias"]);
}
