using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Flows;

/// <summary>What the weights of a <see cref="Glow"/> do not say themselves.</summary>
public sealed record GlowLoadOptions
{
    /// <summary>The name in reports.</summary>
    /// <value>Null (default) for the file's name.</value>
    public string? Name
    {
        get;
        init => field = value is null ? null : Guard.NotBlank(value, nameof(Name));
    }

    /// <summary>Which part of a PyTorch file to take, for example "model" where the weights lie beside an optimiser's state.</summary>
    /// <value>Null (default) for the whole file.</value>
    public string? Container { get; init; }

    /// <summary>Height and width of the images. Used for the layout of rosinality, whose weights fit any size; that of y0ast tells its own.</summary>
    /// <value>Default 64.</value>
    public int ImageSize
    {
        get;
        init => field = Guard.Positive(value, nameof(ImageSize));
    } = 64;

    /// <summary>Bits a channel of a pixel that the model was trained to tell apart.</summary>
    /// <value>From 1 to 8. Null (default) for what each published code trains with: 5 for rosinality, 8 for y0ast.</value>
    public int? Bits
    {
        get;
        init => field = value is { } bits ? GlowGuard.Bits(bits, nameof(Bits)) : null;
    }

    /// <summary>Whether the latent is whitened by the learnt priors, ε = (z − μ)/σ, which makes the prior N(0, I) at every level, instead of the raw z.</summary>
    /// <value>Default false: raw, as in the published study.</value>
    public bool Whitened { get; init; }

    /// <summary>The type the model computes in.</summary>
    /// <value>Float32 (default) or Float64.</value>
    public ScalarType Dtype
    {
        get;
        init => field = GlowGuard.Dtype(value, nameof(Dtype));
    } = ScalarType.Float32;
}
