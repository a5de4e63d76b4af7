using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>Layout of a <see cref="Recoder"/>. The defaults are that of Asperti and Tonelli.</summary>
public sealed record RecoderOptions
{
    /// <summary>The name in texts and reports.</summary>
    /// <value>Default "recoder".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "recoder";

    /// <summary>The images.</summary>
    /// <value>Default 3×64×64.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Rgb(64);

    /// <summary>Width of the generator's latent.</summary>
    /// <value>At least 1; default 64.</value>
    public long LatentDimension
    {
        get;
        init => field = Guard.Positive(value, nameof(LatentDimension));
    } = 64;

    /// <summary>Convolutions.</summary>
    /// <value>At least 1; default 3.</value>
    public int Layers
    {
        get;
        init => field = Guard.Positive(value, nameof(Layers));
    } = 3;

    /// <summary>Channels of the first convolution.</summary>
    /// <value>At least 1; default 128.</value>
    public long BaseChannels
    {
        get;
        init => field = Guard.Positive(value, nameof(BaseChannels));
    } = 128;

    /// <summary>Factor of the channels from one convolution to the next.</summary>
    /// <value>At least 1; default 2.</value>
    public long Multiplier
    {
        get;
        init => field = Guard.Positive(value, nameof(Multiplier));
    } = 2;

    /// <summary>Side of the kernels.</summary>
    /// <value>At least 1; default 4.</value>
    public int Kernel
    {
        get;
        init => field = Guard.Positive(value, nameof(Kernel));
    } = 4;

    /// <summary>Stride of the convolutions.</summary>
    /// <value>At least 1; default 2.</value>
    public int Stride
    {
        get;
        init => field = Guard.Positive(value, nameof(Stride));
    } = 2;

    /// <summary>Whether a dense layer of four times the latent's width, with LeakyReLU of slope 0.2, comes before the last.</summary>
    /// <value>Default false; the published recoder of StyleGAN has it.</value>
    public bool HiddenLayer { get; init; }

    /// <summary>Share of the flattened features that are dropped while training.</summary>
    /// <value>From 0 to below 1; default 0.2.</value>
    public double Dropout
    {
        get;
        init => field = Guard.Share(value, nameof(Dropout));
    } = 0.2;

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }
}
