using System.Globalization;
using LatentStitching.Checkpoints;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>Key maps of VQ-VAE checkpoints to CompVis's names, which are the library's own.</summary>
public static class VqVaeKeys
{
    /// <summary>Whole CompVis checkpoints: the autoencoder within a latent diffusion model, without the losses and discriminator that were saved beside it.</summary>
    public static KeyMap CompVis { get; } = new(
        "a CompVis checkpoint",
        KeyRule.Drop(@"(first_stage_model\.)?loss\..*"),
        KeyRule.Rename(@"first_stage_model\.(.*)", "$1"),
        KeyRule.Drop(@"(model|model_ema|cond_stage_model)\..*"),
        KeyRule.Drop("(betas|alphas_cumprod.*|sqrt_.*|log_one_minus.*|posterior_.*|logvar|scale_factor)"));

    /// <summary>diffusers' VQModel, of older and newer versions.</summary>
    /// <param name="levels">Number of resolutions: diffusers counts the decoder's from the smallest.</param>
    /// <returns>The map.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="levels"/> is not positive.</exception>
    public static KeyMap Diffusers(int levels)
    {
        Numerics.Guard.Positive(levels);
        List<KeyRule> rules = [];
        AddUnit(@"encoder\.down_blocks\.(\d+)\.", "encoder.down.$1.", first: 2);
        rules.Add(KeyRule.Rename(@"encoder\.down_blocks\.(\d+)\.downsamplers\.0\.(.*)", "encoder.down.$1.downsample.$2"));
        for (int level = 0; level < levels; level++)
        {
            string from = string.Create(CultureInfo.InvariantCulture, $@"decoder\.up_blocks\.{levels - 1 - level}\."), to = string.Create(CultureInfo.InvariantCulture, $"decoder.up.{level}.");
            AddUnit(from, to, first: 1);
            rules.Add(KeyRule.Rename(from + @"upsamplers\.0\.(.*)", to + "upsample.$1"));
        }
        rules.Add(KeyRule.Rename(@"(encoder|decoder)\.mid_block\.resnets\.0\.(.*)", "$1.mid.block_1.$2"));
        rules.Add(KeyRule.Rename(@"(encoder|decoder)\.mid_block\.resnets\.1\.(.*)", "$1.mid.block_2.$2"));
        AddAttention(@"(encoder|decoder)\.mid_block\.attentions\.0\.", "$1.mid.attn_1.", 2);
        rules.Add(KeyRule.Rename(@"(encoder|decoder)\.conv_norm_out\.(.*)", "$1.norm_out.$2"));
        return new KeyMap("diffusers VQModel", rules);

        // The residual blocks and attentions of one resolution; first is the number of the block's group in the pattern.
        void AddUnit(string from, string to, int first)
        {
            string block = "$" + first.ToString(CultureInfo.InvariantCulture), rest = "$" + (first + 1).ToString(CultureInfo.InvariantCulture);
            rules.Add(KeyRule.Rename(from + @"resnets\.(\d+)\.conv_shortcut\.(.*)", $"{to}block.{block}.nin_shortcut.{rest}"));
            rules.Add(KeyRule.Rename(from + @"resnets\.(\d+)\.(.*)", $"{to}block.{block}.{rest}"));
            AddAttention(from + @"attentions\.(\d+)\.", $"{to}attn.{block}.", first + 1);
        }

        // Linear layers there, 1×1 convolutions here.
        void AddAttention(string from, string to, int last)
        {
            string end = "$" + last.ToString(CultureInfo.InvariantCulture);
            rules.Add(KeyRule.Rename(from + @"group_norm\.(.*)", $"{to}norm.{end}"));
            foreach ((string theirs, string ours) in ((string, string)[])[("(?:to_q|query)", "q"), ("(?:to_k|key)", "k"), ("(?:to_v|value)", "v"), (@"(?:to_out\.0|proj_attn)", "proj_out")])
            {
                rules.Add(KeyRule.Rename($@"{from}{theirs}\.(bias)", $"{to}{ours}.{end}"));
                rules.Add(KeyRule.Rename($@"{from}{theirs}\.(weight)", $"{to}{ours}.{end}", weight => weight.dim() == 2 ? weight.unsqueeze(-1).unsqueeze(-1) : weight));
            }
        }
    }
}
