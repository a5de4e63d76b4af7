using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>How a <see cref="StyleGan2"/> is used: which latent, which noise, how truncated. Part of the model's identity; the weights are the same.</summary>
public sealed record StyleGan2Decoding
{
    /// <summary>The latent.</summary>
    /// <value>Default <see cref="StyleGan2Latent.W"/>, as in Badrinath et al. (arXiv:2407.13449).</value>
    public StyleGan2Latent Latent
    {
        get;
        init => field = GanGuard.Defined(value, nameof(Latent));
    } = StyleGan2Latent.W;

    /// <summary>The noise.</summary>
    /// <value>Default <see cref="SynthesisNoise.None"/>, as in Badrinath et al.; the original's default is <see cref="SynthesisNoise.Constant"/>.</value>
    public SynthesisNoise Noise
    {
        get;
        init => field = GanGuard.Defined(value, nameof(Noise));
    } = SynthesisNoise.None;

    /// <summary>Truncation ψ: a mapped w becomes w̄ + ψ·(w − w̄), with w̄ the mean that is stored with the weights. A latent w or w+ that is handed to Decode is left as it is.</summary>
    /// <value>Zero or more; default 1, no truncation.</value>
    public double Truncation
    {
        get;
        init => field = Guard.NotNegative(value, nameof(Truncation));
    } = 1;

    /// <summary>How many of the first layers are truncated.</summary>
    /// <value>At least 1; null, the default, for all. Not with the latent W, where every layer has the same w.</value>
    public int? TruncatedLayers
    {
        get;
        init => field = value is { } layers ? Guard.Positive(layers, nameof(TruncatedLayers)) : null;
    }

    /// <summary>The class, of a model that was trained with classes.</summary>
    /// <value>From 0 to below the number of classes; null, the default, for a model without classes.</value>
    public int? Label
    {
        get;
        init => field = value is { } label ? (int)Guard.NotNegative(label, nameof(Label)) : null;
    }

    /// <summary>Limit of a layer's activations ("conv_clamp"), which is not stored with the weights.</summary>
    /// <value>Positive; default 256, with which the published models were trained; null for none.</value>
    public double? ActivationLimit
    {
        get;
        init => field = value is { } limit ? Guard.Positive(limit, nameof(ActivationLimit)) : null;
    } = 256;
}
