using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>The sizes of a <see cref="DiffusionUNet"/> and its weights in the published order and names.</summary>
/// <param name="ImageChannels">Channels of the images.</param>
/// <param name="Channels">Channels of the first level.</param>
/// <param name="Multipliers">Channels of each level in units of those.</param>
/// <param name="Blocks">Residual blocks of a level on the way down.</param>
/// <param name="Attention">Which levels have attention.</param>
internal sealed record UNetShape(long ImageChannels, long Channels, IReadOnlyList<long> Multipliers, int Blocks, IReadOnlyList<bool> Attention)
{
    public const long Groups = 32;

    /// <summary>More levels would halve an image more often than any has pixels for.</summary>
    public const int MostLevels = 16;

    private const int MostBlocks = 64;

    public int Levels => Multipliers.Count;

    public static UNetShape Of(DiffusionUNetOptions options) => new(
        options.Image.Channels,
        options.Channels,
        options.Multipliers,
        options.BlocksPerLevel,
        [.. Enumerable.Range(0, options.Multipliers.Count).Select(level => options.AttentionHeights.Contains(options.Image.Height >> level))]);

    /// <summary>Reads the sizes off the weights; what does not fit them comes to light when the weights are compared with the layout.</summary>
    public static UNetShape Of(StateDictionary state, string path)
    {
        if (!state.Contains("conv_in.weight") || state["conv_in.weight"].dim() != 4 || !state.Contains("down.0.block.0.conv1.weight"))
        {
            throw new InvalidDataException(
                $"{path} must hold a U-Net of DDIM (conv_in.weight, down.0.block.0.conv1.weight, ...) or of diffusers (conv_in.weight, down_blocks.0.resnets.0.conv1.weight, ...), but it holds {string.Join(", ", state.Names.Take(8).Select(PickleText.Safe))}...");
        }
        int levels = Count(state, level => $"down.{level}.block.0.conv1.weight"), blocks = Count(state, block => $"down.0.block.{block}.conv1.weight");
        if (levels > MostLevels || blocks > MostBlocks) throw new InvalidDataException($"{path} must hold a U-Net of at most {MostLevels} levels of {MostBlocks} blocks, but it names {levels} levels and {blocks} blocks.");
        long[] first = Shape("conv_in.weight");
        long channels = first[0];
        return new UNetShape(
            first[1],
            channels,
            [.. Enumerable.Range(0, levels).Select(level => Math.Max(1, Shape($"down.{level}.block.0.conv1.weight")[0] / channels))],
            blocks,
            [.. Enumerable.Range(0, levels).Select(level => state.Contains($"down.{level}.attn.0.norm.weight"))]);

        long[] Shape(string key) => WeightFile.ShapeOf(state, key, 4, "a U-Net of DDIM", path);
    }

    /// <summary>Requires that images can be halved between the levels.</summary>
    public ImageFormat RequireFormat(ImageFormat image, string name)
    {
        ArgumentNullException.ThrowIfNull(image, name);
        long unit = 1L << (Levels - 1);
        return image.Channels == ImageChannels && image.Height % unit == 0 && image.Width % unit == 0
            ? image
            : throw new ArgumentException($"{name} must have {ImageChannels} channels and sides divisible by {unit} for {Levels} levels, but it is {image}.", name);
    }

    public Layout ToLayout()
    {
        Layout layout = new();
        layout.Linear("temb.dense.0", Channels, 4 * Channels).Linear("temb.dense.1", 4 * Channels, 4 * Channels).Convolution("conv_in", ImageChannels, Channels, 3);
        long width = Channels;
        for (int level = 0; level < Levels; level++)
        {
            for (int block = 0; block < Blocks; block++)
            {
                Block(layout, $"down.{level}.block.{block}", width, Width(level));
                width = Width(level);
            }
            if (Attention[level]) Attentions(layout, $"down.{level}", Blocks, width);
            if (level < Levels - 1) layout.Convolution($"down.{level}.downsample.conv", width, width, 3);
        }
        Block(layout, "mid.block_1", width, width);
        AttentionBlock(layout, "mid.attn_1", width);
        Block(layout, "mid.block_2", width, width);
        for (int level = 0; level < Levels; level++)
        {
            // Named from the top, walked from the bottom: what comes up is the width of the level below.
            long below = Width(Math.Min(level + 1, Levels - 1));
            for (int block = 0; block <= Blocks; block++)
            {
                long skip = block < Blocks ? Width(level) : level == 0 ? Channels : Width(level - 1);
                Block(layout, $"up.{level}.block.{block}", (block == 0 ? below : Width(level)) + skip, Width(level));
            }
            if (Attention[level]) Attentions(layout, $"up.{level}", Blocks + 1, Width(level));
            if (level > 0) layout.Convolution($"up.{level}.upsample.conv", Width(level), Width(level), 3);
        }
        return layout.Normalisation("norm_out", Width(0)).Convolution("conv_out", Width(0), ImageChannels, 3);
    }

    private static int Count(StateDictionary state, Func<int, string> name)
    {
        int count = 0;
        while (state.Contains(name(count))) count++;
        return count;
    }

    private static void Attentions(Layout layout, string level, int count, long width)
    {
        for (int block = 0; block < count; block++) AttentionBlock(layout, $"{level}.attn.{block}", width);
    }

    private static void AttentionBlock(Layout layout, string name, long width)
    {
        layout.Normalisation($"{name}.norm", width);
        foreach (string part in (string[])["q", "k", "v", "proj_out"]) layout.Convolution($"{name}.{part}", width, width, 1);
    }

    private long Width(int level) => Channels * Multipliers[level];

    private void Block(Layout layout, string name, long inputs, long outputs)
    {
        layout.Normalisation($"{name}.norm1", inputs).Convolution($"{name}.conv1", inputs, outputs, 3).Linear($"{name}.temb_proj", 4 * Channels, outputs);
        layout.Normalisation($"{name}.norm2", outputs).Convolution($"{name}.conv2", outputs, outputs, 3);
        if (inputs != outputs) layout.Convolution($"{name}.nin_shortcut", inputs, outputs, 1);
    }
}
