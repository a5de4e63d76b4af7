using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>How other code bases name the weights of <see cref="DiffusionUNet"/>, whose own names are DDIM's.</summary>
public static class UNetKeys
{
    /// <summary>The names of diffusers' <c>UNet2DModel</c> for networks of DDPM's plan such as google/ddpm-cifar10-32, old ("query", "proj_attn") and new ("to_q", "to_out.0").</summary>
    /// <param name="levels">Levels of the network, which diffusers counts from the bottom on the way up.</param>
    /// <returns>The map.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="levels"/> is not positive.</exception>
    public static KeyMap Diffusers(int levels)
    {
        Guard.Positive(levels);
        List<KeyRule> rules =
        [
            KeyRule.Rename(@"time_embedding\.linear_1\.(\w+)", "temb.dense.0.$1"),
            KeyRule.Rename(@"time_embedding\.linear_2\.(\w+)", "temb.dense.1.$1"),
            KeyRule.Rename(@"conv_norm_out\.(\w+)", "norm_out.$1"),
            KeyRule.Rename(@"down_blocks\.(\d+)\.downsamplers\.0\.(?:conv|op)\.(\w+)", "down.$1.downsample.conv.$2"),
            .. Block(@"down_blocks\.(\d+)\.resnets\.(\d+)", "down.$1.block.$2", 3),
            .. Attention(@"down_blocks\.(\d+)\.attentions\.(\d+)", "down.$1.attn.$2", 3),
            .. Block(@"mid_block\.resnets\.0", "mid.block_1", 1),
            .. Block(@"mid_block\.resnets\.1", "mid.block_2", 1),
            .. Attention(@"mid_block\.attentions\.0", "mid.attn_1", 1),
        ];
        for (int block = 0; block < levels; block++)
        {
            int level = levels - 1 - block;
            rules.Add(KeyRule.Rename($@"up_blocks\.{block}\.upsamplers\.0\.conv\.(\w+)", $"up.{level}.upsample.conv.$1"));
            rules.AddRange(Block($@"up_blocks\.{block}\.resnets\.(\d+)", $"up.{level}.block.$1", 2));
            rules.AddRange(Attention($@"up_blocks\.{block}\.attentions\.(\d+)", $"up.{level}.attn.$1", 2));
        }
        return new KeyMap("diffusers UNet2DModel", rules);
    }

    // The group is the number of the first one after those of the place.
    private static IEnumerable<KeyRule> Block(string place, string target, int group) =>
    [
        KeyRule.Rename($@"{place}\.time_emb_proj\.(\w+)", $"{target}.temb_proj.${group}"),
        KeyRule.Rename($@"{place}\.conv_shortcut\.(\w+)", $"{target}.nin_shortcut.${group}"),
        KeyRule.Rename($@"{place}\.((?:norm|conv)[12]\.\w+)", $"{target}.${group}"),
    ];

    private static IEnumerable<KeyRule> Attention(string place, string target, int group) =>
    [
        KeyRule.Rename($@"{place}\.group_norm\.(\w+)", $"{target}.norm.${group}"),
        .. new (string Theirs, string Ours)[] { ("(?:to_q|query)", "q"), ("(?:to_k|key)", "k"), ("(?:to_v|value)", "v"), (@"(?:to_out\.0|proj_attn)", "proj_out") }
            .Select(pair => KeyRule.Rename($@"{place}\.{pair.Theirs}\.(\w+)", $"{target}.{pair.Ours}.${group}", AsConvolution)),
    ];

    // A linear layer over channels is a convolution of one pixel.
    private static Tensor AsConvolution(Tensor weight) => weight.dim() == 2 ? weight.reshape(weight.size(0), weight.size(1), 1, 1) : weight;
}
