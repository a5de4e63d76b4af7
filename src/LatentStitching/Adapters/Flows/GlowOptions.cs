using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Flows;

/// <summary>Options of a new <see cref="Glow"/>.</summary>
public sealed record GlowOptions
{
    /// <summary>The options of the Glow for CIFAR-10 that y0ast published: 3×32×32, three levels of 32 steps, 512 hidden channels, affine couplings, 8 bits. 44.2 million weights.</summary>
    public static GlowOptions Cifar { get; } = new() { Layout = GlowLayout.Y0ast, Image = ImageFormat.Rgb(32), Levels = 3, Affine = true, Bits = 8 };

    /// <summary>The name in reports.</summary>
    /// <value>Default "glow".</value>
    public string Name
    {
        get;
        init => field = Guard.NotBlank(value, nameof(Name));
    } = "glow";

    /// <summary>Whose published code names and shapes the weights.</summary>
    /// <value>Default <see cref="GlowLayout.Rosinality"/>.</value>
    public GlowLayout Layout
    {
        get;
        init => field = GlowGuard.Defined(value, nameof(Layout));
    } = GlowLayout.Rosinality;

    /// <summary>The images.</summary>
    /// <value>Height and width divisible by 2^<see cref="Levels"/>; default 3×64×64.</value>
    public ImageFormat Image
    {
        get;
        init => field = Guard.NotNull(value, nameof(Image));
    } = ImageFormat.Rgb(64);

    /// <summary>Number of scales, L.</summary>
    /// <value>At least 1; default 4.</value>
    public int Levels
    {
        get;
        init => field = Guard.Positive(value, nameof(Levels));
    } = 4;

    /// <summary>Steps a scale, K.</summary>
    /// <value>At least 1; default 32.</value>
    public int Steps
    {
        get;
        init => field = Guard.Positive(value, nameof(Steps));
    } = 32;

    /// <summary>Channels within a coupling's network.</summary>
    /// <value>At least 1; default 512.</value>
    public int HiddenChannels
    {
        get;
        init => field = Guard.Positive(value, nameof(HiddenChannels));
    } = 512;

    /// <summary>Whether couplings scale besides shifting.</summary>
    /// <value>Default false: additive, as in the published study of faces.</value>
    public bool Affine { get; init; }

    /// <summary>How a step mixes channels.</summary>
    /// <value>Default <see cref="GlowPermutation.LuConvolution"/>. <see cref="GlowPermutation.Shuffle"/> needs the layout of y0ast.</value>
    public GlowPermutation Permutation
    {
        get;
        init => field = GlowGuard.Defined(value, nameof(Permutation));
    } = GlowPermutation.LuConvolution;

    /// <summary>Bits a channel of a pixel that training tells apart, and that bits per dimension are counted for.</summary>
    /// <value>From 1 to 8; default 5, as Kingma and Dhariwal train on faces.</value>
    public int Bits
    {
        get;
        init => field = GlowGuard.Bits(value, nameof(Bits));
    } = 5;

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

    /// <summary>Seed of the initial weights.</summary>
    /// <value>Default 0.</value>
    public ulong Seed { get; init; }

    internal GlowShape Shape()
    {
        GlowShape.RequireDivisible(Image, Levels, nameof(Image));
        GlowGuard.Permutation(Permutation, Layout, nameof(Permutation));
        return new GlowShape(Layout, Image, Levels, Steps, HiddenChannels, Affine, Permutation);
    }
}
