using LatentStitching.Checkpoints;

namespace LatentStitching.Adapters.Gans;

/// <summary>Names of StyleGAN2 weights in other code bases, renamed to those of NVlabs/stylegan2-ada-pytorch.</summary>
internal static class StyleGan2Keys
{
    private const int MostSides = 9; // 4 to 1024
    private const int MostMappingLayers = 16;

    /// <summary>rosinality/stylegan2-pytorch, the state dictionary "g_ema".</summary>
    public static KeyMap Rosinality { get; } = new("rosinality/stylegan2-pytorch", [.. RosinalityRules()]);

    // There, weights of 3×3 convolutions are scaled by 1/√fan-in when used, and filters of upsampling hold their gain of 4.
    private static IEnumerable<KeyRule> RosinalityRules()
    {
        for (int i = 0; i < MostMappingLayers; i++) yield return KeyRule.Rename($@"style\.{i + 1}\.(weight|bias)", $"mapping.fc{i}.$1");
        yield return KeyRule.Rename(@"input\.input", "synthesis.b4.const", First);
        foreach (KeyRule rule in Convolution("conv1", "synthesis.b4.conv1", noise: 0)) yield return rule;
        foreach (KeyRule rule in Colours("to_rgb1", "synthesis.b4")) yield return rule;
        for (int block = 1; block < MostSides; block++)
        {
            string name = $"synthesis.b{4 << block}";
            int first = 2 * (block - 1);
            foreach (KeyRule rule in Convolution($@"convs\.{first}", name + ".conv0", noise: first + 1)) yield return rule;
            foreach (KeyRule rule in Convolution($@"convs\.{first + 1}", name + ".conv1", noise: first + 2)) yield return rule;
            foreach (KeyRule rule in Colours($@"to_rgbs\.{block - 1}", name)) yield return rule;
        }
    }

    private static IEnumerable<KeyRule> Convolution(string theirs, string ours, int noise) =>
    [
        KeyRule.Rename($@"{theirs}\.conv\.weight", ours + ".weight", weight => First(weight) / Math.Sqrt(weight.shape[2..].Aggregate(1L, (product, size) => product * size))),
        KeyRule.Rename($@"{theirs}\.conv\.blur\.kernel", ours + ".resample_filter", WithoutGain),
        KeyRule.Rename($@"{theirs}\.conv\.modulation\.(weight|bias)", ours + ".affine.$1"),
        KeyRule.Rename($@"{theirs}\.noise\.weight", ours + ".noise_strength", strength => strength.reshape([])),
        KeyRule.Rename($@"{theirs}\.activate\.bias", ours + ".bias"),
        KeyRule.Rename($@"noises\.noise_{noise}", ours + ".noise_const", map => map.squeeze()),
    ];

    private static IEnumerable<KeyRule> Colours(string theirs, string ours) =>
    [
        KeyRule.Rename($@"{theirs}\.bias", ours + ".torgb.bias", bias => bias.flatten()),
        KeyRule.Rename($@"{theirs}\.upsample\.kernel", ours + ".resample_filter", WithoutGain),
        KeyRule.Rename($@"{theirs}\.conv\.weight", ours + ".torgb.weight", First),
        KeyRule.Rename($@"{theirs}\.conv\.modulation\.(weight|bias)", ours + ".torgb.affine.$1"),
    ];

    private static Tensor First(Tensor tensor) => tensor.squeeze(0);

    private static Tensor WithoutGain(Tensor filter) => filter / 4;
}
