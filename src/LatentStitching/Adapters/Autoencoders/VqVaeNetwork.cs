using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The networks of VQGAN's autoencoder: Esser, Rombach and Ommer, "Taming Transformers for High-Resolution Image Synthesis" (arXiv:2012.09841), with weights under CompVis's names.</summary>
/// <remarks>
/// Residual block: GroupNorm, swish, 3×3 convolution, twice; a 1×1 convolution on the way past where the width changes. Halving: a row and a column of zeros at the end, 3×3 convolution of stride 2.
/// Doubling: nearest neighbour, 3×3 convolution. Attention: one head over all places. GroupNorm's ε is 10⁻⁶.
/// </remarks>
internal sealed class VqVaeNetwork : IDisposable
{
    private readonly VqVaeShape _shape;

    public VqVaeNetwork(WeightSet weights, VqVaeShape shape)
    {
        Weights = weights;
        _shape = shape;
    }

    public WeightSet Weights { get; }

    public Tensor Codebook => Weights["quantize.embedding.weight"];

    public static VqVaeNetwork Create(VqVaeShape shape, ulong seed, Device device) => new(WeightSet.Create(VqVaeLayout.Of(shape), seed, device), shape);

    public static VqVaeNetwork From(StateDictionary state, VqVaeShape shape, string path, Device device) =>
        new(WeightSet.From(VqVaeLayout.Of(shape), state, "a VQ-VAE of the sizes that its first tensors have", path, device), shape);

    /// <summary>Pixels in [−1, 1], [n, c, H, W] → vectors before quantisation, [n, e, h, w].</summary>
    public Tensor Encode(Tensor pixels)
    {
        Tensor x = Weights.Convolve(pixels, "encoder.conv_in", padding: 1);
        for (int level = 0; level < _shape.Channels.Count; level++)
        {
            for (int block = 0; block < _shape.ResidualBlocks; block++)
            {
                x = Activation.Pass(x, Residual(x, $"encoder.down.{level}.block.{block}"), pixels);
                if (_shape.AttentionLevels.Contains(level)) x = Activation.Pass(x, Attend(x, $"encoder.down.{level}.attn.{block}"), pixels);
            }
            if (level == _shape.Channels.Count - 1) continue;
            x = Activation.Pass(x, nn.functional.pad(x, [0, 1, 0, 1]), pixels);
            x = Activation.Pass(x, Weights.Convolve(x, $"encoder.down.{level}.downsample.conv", stride: 2), pixels);
        }
        x = Middle(x, "encoder.mid");
        x = Activation.Pass(x, Activated(x, "encoder.norm_out", "encoder.conv_out"), pixels);
        return Weights.Convolve(x, "quant_conv");
    }

    /// <summary>Vectors [n, e, h, w] → pixels in about [−1, 1].</summary>
    public Tensor Decode(Tensor vectors)
    {
        Tensor x = Weights.Convolve(Weights.Convolve(vectors, "post_quant_conv"), "decoder.conv_in", padding: 1);
        x = Middle(x, "decoder.mid");
        for (int level = _shape.Channels.Count - 1; level >= 0; level--)
        {
            for (int block = 0; block <= _shape.ResidualBlocks; block++)
            {
                x = Activation.Pass(x, Residual(x, $"decoder.up.{level}.block.{block}"), vectors);
                if (_shape.AttentionLevels.Contains(level)) x = Activation.Pass(x, Attend(x, $"decoder.up.{level}.attn.{block}"), vectors);
            }
            if (level == 0) continue;
            x = Activation.Pass(x, nn.functional.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest), vectors);
            x = Activation.Pass(x, Weights.Convolve(x, $"decoder.up.{level}.upsample.conv", padding: 1), vectors);
        }
        return Activation.Pass(x, Activated(x, "decoder.norm_out", "decoder.conv_out"), vectors);
    }

    public void Dispose() => Weights.Dispose();

    // Frees its input, which is a layer's output.
    private Tensor Middle(Tensor x, string name)
    {
        using Tensor mine = x, first = Residual(x, name + ".block_1"), attended = Attend(first, name + ".attn_1");
        return Residual(attended, name + ".block_2");
    }

    private Tensor Residual(Tensor x, string name)
    {
        using Tensor half = Activated(x, name + ".norm1", name + ".conv1");
        Tensor y = Activated(half, name + ".norm2", name + ".conv2");
        if (y.size(1) == x.size(1)) return y.add_(x);
        using Tensor near = Weights.Convolve(x, name + ".nin_shortcut");
        return y.add_(near);
    }

    private Tensor Activated(Tensor x, string norm, string convolution)
    {
        using Tensor active = Activation.Swish(Normalise(x, norm));
        return Weights.Convolve(active, convolution, padding: 1);
    }

    private Tensor Attend(Tensor x, string name)
    {
        using var scope = NewDisposeScope();
        Tensor y = Normalise(x, name + ".norm");
        Tensor queries = Places(".q").transpose(1, 2), keys = Places(".k"), values = Places(".v");
        Tensor weights = queries.bmm(keys).Times(1 / Math.Sqrt(x.size(1))).softmax(2);
        return (x + Weights.Convolve(values.bmm(weights.transpose(1, 2)).reshape(x.shape), name + ".proj_out")).MoveToOuterDisposeScope();

        // [n, c, places]
        Tensor Places(string layer) => Weights.Convolve(y, name + layer).flatten(2);
    }

    private Tensor Normalise(Tensor x, string layer) => Weights.GroupNormalise(x, layer, _shape.Groups, eps: 1e-6);
}
