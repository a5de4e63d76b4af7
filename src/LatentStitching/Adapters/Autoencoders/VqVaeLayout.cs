using LatentStitching.Adapters.Weights;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>The weights of a VQ-VAE in CompVis's order and under its names.</summary>
internal static class VqVaeLayout
{
    public static Layout Of(VqVaeShape shape)
    {
        Layout layout = new();
        Encoder(layout, shape);
        Decoder(layout, shape);
        // As van den Oord's code and CompVis's begin it: uniform in ±1/codes.
        return layout.Add("quantize.embedding.weight", [shape.CodebookSize, shape.EmbeddingDimension], Initial.Uniform(1.0 / shape.CodebookSize))
            .Convolution("quant_conv", shape.LatentChannels, shape.EmbeddingDimension, 1)
            .Convolution("post_quant_conv", shape.EmbeddingDimension, shape.LatentChannels, 1);
    }

    private static void Encoder(Layout layout, VqVaeShape shape)
    {
        long width = shape.Channels[0];
        layout.Convolution("encoder.conv_in", shape.ImageChannels, width, 3);
        for (int level = 0; level < shape.Channels.Count; level++)
        {
            for (int block = 0; block < shape.ResidualBlocks; block++)
            {
                Residual(layout, $"encoder.down.{level}.block.{block}", width, shape.Channels[level]);
                width = shape.Channels[level];
                if (shape.AttentionLevels.Contains(level)) Attention(layout, $"encoder.down.{level}.attn.{block}", width);
            }
            if (level < shape.Channels.Count - 1) layout.Convolution($"encoder.down.{level}.downsample.conv", width, width, 3);
        }
        Middle(layout, "encoder.mid", width);
        layout.Normalisation("encoder.norm_out", width).Convolution("encoder.conv_out", width, shape.LatentChannels, 3);
    }

    private static void Decoder(Layout layout, VqVaeShape shape)
    {
        long width = shape.Channels[^1];
        layout.Convolution("decoder.conv_in", shape.LatentChannels, width, 3);
        Middle(layout, "decoder.mid", width);
        for (int level = shape.Channels.Count - 1; level >= 0; level--)
        {
            for (int block = 0; block <= shape.ResidualBlocks; block++)
            {
                Residual(layout, $"decoder.up.{level}.block.{block}", width, shape.Channels[level]);
                width = shape.Channels[level];
                if (shape.AttentionLevels.Contains(level)) Attention(layout, $"decoder.up.{level}.attn.{block}", width);
            }
            if (level > 0) layout.Convolution($"decoder.up.{level}.upsample.conv", width, width, 3);
        }
        layout.Normalisation("decoder.norm_out", width).Convolution("decoder.conv_out", width, shape.ImageChannels, 3);
    }

    private static void Middle(Layout layout, string name, long width)
    {
        Residual(layout, name + ".block_1", width, width);
        Attention(layout, name + ".attn_1", width);
        Residual(layout, name + ".block_2", width, width);
    }

    private static void Residual(Layout layout, string name, long inputs, long outputs)
    {
        layout.Normalisation(name + ".norm1", inputs).Convolution(name + ".conv1", inputs, outputs, 3);
        layout.Normalisation(name + ".norm2", outputs).Convolution(name + ".conv2", outputs, outputs, 3);
        if (inputs != outputs) layout.Convolution(name + ".nin_shortcut", inputs, outputs, 1);
    }

    private static void Attention(Layout layout, string name, long width)
    {
        layout.Normalisation(name + ".norm", width);
        foreach (string layer in (string[])[".q", ".k", ".v", ".proj_out"]) layout.Convolution(name + layer, width, width, 1);
    }
}
