using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>The U-Net of DDPM and DDIM: residual blocks that are told the time, attention at chosen sizes, and skips from the way down to the way up.</summary>
/// <remarks>
/// <para>Weights are named as in ermongroup/ddim. Opens that code's checkpoints (lists whose item 0 is the network and whose item 4 its moving average) and diffusers' <c>UNet2DModel</c> of the
/// same plan, such as google/ddpm-cifar10-32.</para>
/// <para>Group normalisation of 32 groups with ε = 10⁻⁶, swish, 3×3 convolutions, sinusoidal times (sines, then cosines), one attention head of scale 1/√c, downsampling by strided convolution
/// padded at the right and bottom, upsampling by nearest neighbour and convolution.</para>
/// <para>Source: Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models" (arXiv:2006.11239), appendix B.</para>
/// </remarks>
public sealed class DiffusionUNet : IWeightedDenoiser
{
    internal const string Kind = "unet";
    private const double Eps = 1e-6;
    private readonly UNetShape _shape;
    private readonly double _dropout;
    private bool _disposed;

    private DiffusionUNet(UNetShape shape, ImageFormat image, WeightSet weights, Device device, double dropout)
    {
        _shape = shape;
        _dropout = dropout;
        Image = image;
        Weights = weights;
        Device = device;
    }

    /// <inheritdoc/>
    public ImageFormat Image { get; }

    /// <inheritdoc/>
    public Device Device { get; }

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount => Weights.ParameterCount;

    internal WeightSet Weights { get; }

    string IWeightedDenoiser.Kind => Kind;

    WeightSet IWeightedDenoiser.Weights => Weights;

    double IWeightedDenoiser.Dropout => _dropout;

    /// <summary>Makes an untrained network with seeded weights.</summary>
    /// <param name="options">Options; the defaults, DDPM's for CIFAR-10, if null.</param>
    /// <param name="device">Where the network computes; the CPU if null.</param>
    /// <returns>The network, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The images cannot be halved between the levels.</exception>
    public static DiffusionUNet Create(DiffusionUNetOptions? options = null, Device? device = null)
    {
        options ??= DiffusionUNetOptions.Cifar10;
        var shape = UNetShape.Of(options);
        shape.RequireFormat(options.Image, nameof(options));
        Device where = device ?? CPU;
        return new DiffusionUNet(shape, options.Image, WeightSet.Create(shape.ToLayout(), options.Seed, where), where, options.Dropout);
    }

    /// <summary>Opens weights: a checkpoint of ermongroup/ddim, diffusers' weights, or what <see cref="SaveWeights"/> wrote. Nothing in the file is executed.</summary>
    /// <param name="path">The file. Channels, levels, blocks and attention are read off the weights, as is the naming; "module." before every name is taken off.</param>
    /// <param name="image">The images that the network was trained on, which the weights do not tell.</param>
    /// <param name="container">Which part of the file: "4" for the moving average and "0" for the weights themselves in a checkpoint of ermongroup/ddim; null for a plain state dictionary.</param>
    /// <param name="device">Where the network computes; the CPU if null.</param>
    /// <returns>The network, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The images have other channels than the weights or cannot be halved between the levels; or the container is not in the file.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static DiffusionUNet Load(string path, ImageFormat image, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        ArgumentNullException.ThrowIfNull(image);
        using StateDictionary file = StateDictionary.Load(path, container);
        return From(file, image, path, device ?? CPU);
    }

    /// <summary>Writes the weights to a safetensors file under DDIM's names.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="ObjectDisposedException">The network has been disposed.</exception>
    public void SaveWeights(string path)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        SafeTensors.Save(path, Weights.All);
    }

    /// <inheritdoc/>
    public Tensor Predict(Tensor noisy, Tensor times)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return Forward(noisy, times, null);
    }

    /// <summary>Frees the weights. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Weights.Dispose();
    }

    internal static DiffusionUNet From(StateDictionary file, ImageFormat image, string path, Device device, ScalarType dtype = ScalarType.Float32, double dropout = 0)
    {
        using StateDictionary? bare = file.Names.All(name => name.StartsWith("module.", StringComparison.Ordinal)) ? file.WithoutPrefix("module.") : null;
        StateDictionary plain = bare ?? file;
        int ups = plain.Names.Where(name => name.StartsWith("up_blocks.", StringComparison.Ordinal)).Select(name => name.Split('.')[1]).Distinct(StringComparer.Ordinal).Count();
        if (ups > UNetShape.MostLevels) throw new InvalidDataException($"{path} must hold a U-Net of at most {UNetShape.MostLevels} levels, but it names {ups}.");
        using StateDictionary? renamed = ups > 0 ? UNetKeys.Diffusers(ups).Apply(plain) : null;
        StateDictionary state = renamed ?? plain;
        var shape = UNetShape.Of(state, path);
        shape.RequireFormat(image, nameof(image));
        return new DiffusionUNet(shape, image, WeightSet.From(shape.ToLayout(), state, "a U-Net of DDIM", path, device, dtype), device, dropout);
    }

    /// <summary>Sines, then cosines, of the times at frequencies from 1 to 1/10000: [n] → [n, channels].</summary>
    internal static Tensor EmbedTimes(Tensor times, long channels)
    {
        long half = channels / 2;
        Tensor frequencies = HeldNumbers.Counted(half, times.dtype, times.device).Times(-Math.Log(10000) / (half - 1)).exp();
        Tensor phases = times.unsqueeze(1) * frequencies;
        Tensor embedded = cat([phases.sin(), phases.cos()], 1);
        return channels % 2 == 0 ? embedded : nn.functional.pad(embedded, [0, 1]);
    }

    Tensor IWeightedDenoiser.Forward(Tensor noisy, Tensor times, Generator? dropout) => Forward(noisy, times, dropout);

    private Tensor Forward(Tensor noisy, Tensor times, Generator? dropout)
    {
        using var scope = NewDisposeScope();
        Tensor time = Activation.Swish(Weights.Linear(EmbedTimes(times, _shape.Channels), "temb.dense.0"));
        time = Activation.Swish(Weights.Linear(time, "temb.dense.1"));
        Stack<Tensor> skips = new();
        Tensor x = Weights.Convolve(noisy, "conv_in", padding: 1);
        skips.Push(x);
        for (int level = 0; level < _shape.Levels; level++)
        {
            for (int block = 0; block < _shape.Blocks; block++)
            {
                x = Block(x, time, $"down.{level}.block.{block}", dropout);
                if (_shape.Attention[level]) x = Replace(x, Attend(x, $"down.{level}.attn.{block}"));
                skips.Push(x);
            }
            if (level == _shape.Levels - 1) continue;
            x = Downsample(x, $"down.{level}.downsample.conv");
            skips.Push(x);
        }
        x = Block(x, time, "mid.block_1", dropout);
        x = Replace(x, Attend(x, "mid.attn_1"));
        x = Replace(x, Block(x, time, "mid.block_2", dropout));
        for (int level = _shape.Levels - 1; level >= 0; level--)
        {
            for (int block = 0; block <= _shape.Blocks; block++)
            {
                Tensor skip = skips.Pop();
                x = Replace(x, cat([x, skip], 1));
                skip.Dispose();
                x = Replace(x, Block(x, time, $"up.{level}.block.{block}", dropout));
                if (_shape.Attention[level]) x = Replace(x, Attend(x, $"up.{level}.attn.{block}"));
            }
            if (level > 0) x = Replace(x, Upsample(x, $"up.{level}.upsample.conv"));
        }
        x = Weights.Convolve(Activation.Swish(Normalise(x, "norm_out")), "conv_out", padding: 1);
        return x.MoveToOuterDisposeScope();
    }

    // What a layer came from is freed at once: a batch's activations would else all live until the end.
    private static Tensor Replace(Tensor old, Tensor replacement)
    {
        old.Dispose();
        return replacement;
    }

    private Tensor Block(Tensor x, Tensor time, string name, Generator? dropout)
    {
        using var scope = NewDisposeScope();
        Tensor h = Weights.Convolve(Activation.Swish(Normalise(x, name + ".norm1")), name + ".conv1", padding: 1);
        h = h + Weights.Linear(time, name + ".temb_proj").unsqueeze(2).unsqueeze(3);
        h = Activation.Swish(Normalise(h, name + ".norm2"));
        if (dropout is not null && _dropout > 0) h = h * rand(h.shape, h.dtype, h.device, generator: dropout).ge(_dropout).to_type(h.dtype).div(1 - _dropout);
        h = Weights.Convolve(h, name + ".conv2", padding: 1);
        bool wider = h.size(1) != x.size(1);
        return ((wider ? Weights.Convolve(x, name + ".nin_shortcut") : x) + h).MoveToOuterDisposeScope();
    }

    private Tensor Attend(Tensor x, string name)
    {
        using var scope = NewDisposeScope();
        Tensor h = Normalise(x, name + ".norm");
        Tensor mixed = nn.functional.scaled_dot_product_attention(Tokens(".q"), Tokens(".k"), Tokens(".v"));
        Tensor pixels = mixed.squeeze(1).transpose(1, 2).reshape(x.shape);
        return (x + Weights.Convolve(pixels, name + ".proj_out")).MoveToOuterDisposeScope();

        // [n, c, h, w] → [n, 1, h·w, c]: one head over all pixels.
        Tensor Tokens(string part) => Weights.Convolve(h, name + part).flatten(2).transpose(1, 2).unsqueeze(1);
    }

    private Tensor Downsample(Tensor x, string name)
    {
        using var scope = NewDisposeScope();
        return Weights.Convolve(nn.functional.pad(x, [0, 1, 0, 1]), name, stride: 2).MoveToOuterDisposeScope();
    }

    private Tensor Upsample(Tensor x, string name)
    {
        using var scope = NewDisposeScope();
        Tensor large = nn.functional.interpolate(x, scale_factor: [2, 2], mode: InterpolationMode.Nearest);
        return Weights.Convolve(large, name, padding: 1).MoveToOuterDisposeScope();
    }

    private Tensor Normalise(Tensor x, string name) => Weights.GroupNormalise(x, name, UNetShape.Groups, Eps);
}
