namespace LatentStitching.Adapters.Flows;

/// <summary>Whose published Glow the weights are laid out as: the two differ in names, in the normalisation of channels, in the padding of zero-initialised convolutions and in the order of the halves.</summary>
public enum GlowLayout
{
    /// <summary>rosinality/glow-pytorch: keys blocks.0.flows.0.actnorm.loc and so on.</summary>
    Rosinality,

    /// <summary>y0ast/Glow-PyTorch, after chaiyujin/glow-pytorch: keys flow.layers.1.actnorm.bias and so on.</summary>
    Y0ast,
}
