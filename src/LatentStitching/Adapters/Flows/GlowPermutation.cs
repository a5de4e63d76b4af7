namespace LatentStitching.Adapters.Flows;

/// <summary>How a step of a <see cref="Glow"/> mixes channels before its coupling.</summary>
public enum GlowPermutation
{
    /// <summary>An invertible 1×1 convolution held as P·L·U: Kingma and Dhariwal (arXiv:1807.03039), eq. 10.</summary>
    LuConvolution,

    /// <summary>An invertible 1×1 convolution held as one matrix: eq. 9 there. In the layout of rosinality the coarsest level is held as P·L·U all the same, as the published code does.</summary>
    Convolution,

    /// <summary>A fixed random order of channels. Only in the layout of y0ast.</summary>
    Shuffle,
}
