using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>Inception-v3 as the FID graph of 2015-12-05 has it, under the names of pytorch-fid's pt_inception-2015-12-05, without auxiliary classifier.</summary>
/// <remarks>
/// Differs from torchvision's by three pools: average pools leave padding out of their count, and the last block pools by maximum. Batch normalisation (ε 0.001) is folded into the convolutions when the
/// weights are read. Source: Szegedy, Vanhoucke, Ioffe, Shlens and Wojna, "Rethinking the Inception Architecture for Computer Vision" (arXiv:1512.00567).
/// </remarks>
internal sealed class InceptionNetwork : IDisposable
{
    private const double Epsilon = 0.001;
    private readonly NetworkWeights _weights;

    private InceptionNetwork(NetworkWeights weights) => _weights = weights;

    public Device Device => _weights.Device;

    public static InceptionNetwork From(StateDictionary state, string source, Device device)
    {
        NetworkWeights weights = NetworkWeights.Of(
            state,
            source,
            "the FID Inception-v3 (pt_inception-2015-12-05)",
            Keys(),
            static name => name.EndsWith(".num_batches_tracked", StringComparison.Ordinal) || name is "fc.weight" or "fc.bias",
            device);
        foreach ((string layer, _) in InceptionLayout.Convolutions) Fold(weights, layer);
        return new InceptionNetwork(weights);
    }

    /// <summary>Names and shapes of all weights and running moments of the part that is used, as published.</summary>
    public static IEnumerable<(string Name, long[] Shape)> Keys()
    {
        foreach ((string layer, long[] shape) in InceptionLayout.Convolutions)
        {
            yield return (layer + ".conv.weight", shape);
            foreach (string part in (string[])["weight", "bias", "running_mean", "running_var"]) yield return ($"{layer}.bn.{part}", [shape[0]]);
        }
    }

    /// <summary>The features of a tap for images [n, 3, 299, 299] in [−1, 1]: its activations, averaged over places. [n, dimension].</summary>
    public Tensor Features(Tensor images, long dimension)
    {
        Tensor x = Stem(images, dimension);
        if (dimension > 192)
        {
            foreach (string block in (string[])["Mixed_5b", "Mixed_5c", "Mixed_5d"]) x = BlockA(x, block);
            x = BlockB(x, "Mixed_6a");
            foreach (string block in (string[])["Mixed_6b", "Mixed_6c", "Mixed_6d", "Mixed_6e"]) x = BlockC(x, block);
        }
        if (dimension > 768)
        {
            x = BlockD(x, "Mixed_7a");
            x = BlockE(x, "Mixed_7b", AveragePool);
            x = BlockE(x, "Mixed_7c", static input => nn.functional.max_pool2d(input, 3, 1, 1));
        }
        return x.mean([2, 3]);
    }

    public void Dispose() => _weights.Dispose();

    private static Tensor AveragePool(Tensor x) => nn.functional.avg_pool2d(x, 3, 1, 1, count_include_pad: false);

    private static Tensor Halve(Tensor x) => nn.functional.max_pool2d(x, 3, 2);

    // γ(Wx − μ)/√(σ² + ε) + β is one convolution with bias.
    private static void Fold(NetworkWeights weights, string layer)
    {
        using var scope = NewDisposeScope();
        Tensor Part(string name) => weights[$"{layer}.bn.{name}"].to_type(ScalarType.Float64);
        Tensor gain = Part("weight") / (Part("running_var") + Epsilon).sqrt();
        weights.Set(layer + ".weight", (weights[layer + ".conv.weight"].to_type(ScalarType.Float64) * gain.reshape(-1, 1, 1, 1)).to_type(ScalarType.Float32));
        weights.Set(layer + ".bias", (Part("bias") - Part("running_mean") * gain).to_type(ScalarType.Float32));
        foreach (string name in (string[])["conv.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var"]) weights.Remove($"{layer}.{name}");
    }

    private Tensor Stem(Tensor images, long dimension)
    {
        Tensor x = _weights.ConvolveRelu(images, "Conv2d_1a_3x3", stride: 2);
        x = _weights.ConvolveRelu(x, "Conv2d_2a_3x3");
        x = Halve(_weights.ConvolveRelu(x, "Conv2d_2b_3x3", padding: 1));
        if (dimension == 64) return x;
        x = _weights.ConvolveRelu(x, "Conv2d_3b_1x1");
        return Halve(_weights.ConvolveRelu(x, "Conv2d_4a_3x3"));
    }

    private Tensor BlockA(Tensor x, string block)
    {
        Tensor five = Chain(x, block, ("branch5x5_1", 0, 0), ("branch5x5_2", 2, 2));
        Tensor three = Chain(x, block, ("branch3x3dbl_1", 0, 0), ("branch3x3dbl_2", 1, 1), ("branch3x3dbl_3", 1, 1));
        return cat([One(x, block), five, three, Pooled(x, block, AveragePool)], 1);
    }

    private Tensor BlockB(Tensor x, string block)
    {
        Tensor three = _weights.ConvolveRelu(x, block + ".branch3x3", stride: 2);
        Tensor twice = Chain(x, block, ("branch3x3dbl_1", 0, 0), ("branch3x3dbl_2", 1, 1));
        return cat([three, _weights.ConvolveRelu(twice, block + ".branch3x3dbl_3", stride: 2), Halve(x)], 1);
    }

    private Tensor BlockC(Tensor x, string block)
    {
        Tensor seven = Chain(x, block, ("branch7x7_1", 0, 0), ("branch7x7_2", 0, 3), ("branch7x7_3", 3, 0));
        Tensor twice = Chain(x, block, ("branch7x7dbl_1", 0, 0), ("branch7x7dbl_2", 3, 0), ("branch7x7dbl_3", 0, 3), ("branch7x7dbl_4", 3, 0), ("branch7x7dbl_5", 0, 3));
        return cat([One(x, block), seven, twice, Pooled(x, block, AveragePool)], 1);
    }

    private Tensor BlockD(Tensor x, string block)
    {
        Tensor three = _weights.ConvolveRelu(_weights.ConvolveRelu(x, block + ".branch3x3_1"), block + ".branch3x3_2", stride: 2);
        Tensor seven = Chain(x, block, ("branch7x7x3_1", 0, 0), ("branch7x7x3_2", 0, 3), ("branch7x7x3_3", 3, 0));
        return cat([three, _weights.ConvolveRelu(seven, block + ".branch7x7x3_4", stride: 2), Halve(x)], 1);
    }

    private Tensor BlockE(Tensor x, string block, Func<Tensor, Tensor> pool)
    {
        Tensor three = _weights.ConvolveRelu(x, block + ".branch3x3_1");
        Tensor twice = Chain(x, block, ("branch3x3dbl_1", 0, 0), ("branch3x3dbl_2", 1, 1));
        return cat([One(x, block), .. Split(three, block + ".branch3x3_2"), .. Split(twice, block + ".branch3x3dbl_3"), Pooled(x, block, pool)], 1);
    }

    // 1×3 and 3×1 side by side.
    private Tensor[] Split(Tensor x, string layer) => [_weights.ConvolveRelu(x, layer + "a", [1, 1], [0, 1]), _weights.ConvolveRelu(x, layer + "b", [1, 1], [1, 0])];

    private Tensor One(Tensor x, string block) => _weights.ConvolveRelu(x, block + ".branch1x1");

    private Tensor Pooled(Tensor x, string block, Func<Tensor, Tensor> pool) => _weights.ConvolveRelu(pool(x), block + ".branch_pool");

    private Tensor Chain(Tensor x, string block, params ReadOnlySpan<(string Layer, long Down, long Across)> layers)
    {
        foreach ((string layer, long down, long across) in layers) x = _weights.ConvolveRelu(x, $"{block}.{layer}", [1, 1], [down, across]);
        return x;
    }
}
