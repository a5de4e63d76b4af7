namespace LatentStitching.Adapters.Gans;

/// <summary>Which of its latents a <see cref="StyleGan2"/> takes and gives.</summary>
public enum StyleGan2Latent
{
    /// <summary>The input of the mapping network, with the prior N(0, I). Only its direction matters: the network first scales it to unit mean square.</summary>
    Z,

    /// <summary>The output of the mapping network, one vector that every layer of the synthesis network gets.</summary>
    W,

    /// <summary>One w a layer, laid one after the other as the levels "w0", "w1", ….</summary>
    WPlus,
}
