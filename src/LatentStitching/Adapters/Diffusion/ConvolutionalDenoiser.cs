using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>A small network for grey digits: blocks of 7×7 convolution, layer normalisation over channels and pixels, and GELU, with the time added after the first.</summary>
/// <remarks>
/// <para>The layout of minDiffusion's teaching descendants with the names of Yichizz/hot_vs_cold_diffusion; the schedule lies with the weights, as <c>beta_t</c> with T + 1 entries. Times count
/// from 1 to T; time 0 was never trained. Pixels are in [−½, ½]: <see cref="NetworkRange.MinusHalfToHalf"/>.</para>
/// </remarks>
public sealed class ConvolutionalDenoiser : IWeightedDenoiser
{
    internal const string Kind = "blocks";
    private const int Frequencies = 16;
    private const long TimeWidth = 128;
    private const int Times = 1000;
    private const int MostTimes = 1_000_000;
    private const string What = "a denoiser of 7×7 blocks";
    private readonly int _blocks;
    private bool _disposed;

    private ConvolutionalDenoiser(ImageFormat image, int blocks, WeightSet weights, Device device)
    {
        _blocks = blocks;
        Image = image;
        Weights = weights;
        Device = device;
        Schedule = NoiseSchedule.FromBetas([.. Values(weights["beta_t"])]);
    }

    /// <inheritdoc/>
    public ImageFormat Image { get; }

    /// <inheritdoc/>
    public Device Device { get; }

    /// <summary>The schedule that the network was trained with: T + 1 times.</summary>
    public NoiseSchedule Schedule { get; }

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount => Weights.ParameterCount;

    internal WeightSet Weights { get; }

    string IWeightedDenoiser.Kind => Kind;

    WeightSet IWeightedDenoiser.Weights => Weights;

    double IWeightedDenoiser.Dropout => 0;

    /// <summary>Makes an untrained network with seeded weights and a linear schedule of 1001 times from 10⁻⁴ to 0.02.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the network computes; the CPU if null.</param>
    /// <returns>The network, owned by the caller.</returns>
    public static ConvolutionalDenoiser Create(ConvolutionalDenoiserOptions? options = null, Device? device = null)
    {
        options ??= new ConvolutionalDenoiserOptions();
        Device where = device ?? CPU;
        Layout layout = LayoutOf(options.Image, options.HiddenChannels, Times + 1);
        return new ConvolutionalDenoiser(options.Image, options.HiddenChannels.Count, WeightSet.Create(layout, options.Seed, where), where);
    }

    /// <summary>Opens weights: a PyTorch state dictionary of the published code, or what <see cref="SaveWeights"/> wrote. Nothing in the file is executed.</summary>
    /// <param name="path">The file. All sizes are read off the weights.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where the network computes; the CPU if null.</param>
    /// <returns>The network, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="IOException">The file is not there or cannot be read.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static ConvolutionalDenoiser Load(string path, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary state = WeightFile.Open(path, container);
        return From(state, path, device ?? CPU);
    }

    /// <summary>Writes the weights and the schedule to a safetensors file under their published names.</summary>
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
        using var scope = NewDisposeScope();
        Tensor x = Block(noisy, 0) + EmbedTimes(times).unsqueeze(2).unsqueeze(3);
        for (int block = 1; block < _blocks; block++)
        {
            Tensor next = Block(x, block);
            x.Dispose();
            x = next;
        }
        return Weights.Convolve(x, $"gt.blocks.{_blocks}", padding: 1).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the weights. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        Weights.Dispose();
    }

    internal static ConvolutionalDenoiser From(StateDictionary state, string path, Device device)
    {
        if (!state.Contains("beta_t") || !state.Contains("gt.blocks.0.net.1.weight") || !state.Contains("gt.blocks.0.net.0.weight") || state["gt.blocks.0.net.1.weight"].dim() != 3)
        {
            throw new InvalidDataException($"{path} must hold a denoiser of 7×7 blocks with its schedule (beta_t, gt.blocks.0.net.0.weight, ...), but it holds {string.Join(", ", state.Names.Take(8).Select(PickleText.Safe))}...");
        }
        List<long> hidden = [];
        while (state.Contains($"gt.blocks.{hidden.Count}.net.0.weight")) hidden.Add(Shape($"gt.blocks.{hidden.Count}.net.0.weight", 4)[0]);
        long[] norm = Shape("gt.blocks.0.net.1.weight", 3);
        long times = Shape("beta_t", 1)[0];
        if (times is < 2 or > MostTimes) throw new InvalidDataException($"{path} must hold a schedule (beta_t) of 2 to {MostTimes} times, but it has {times}.");
        ImageFormat image = new(Shape("gt.blocks.0.net.0.weight", 4)[1], norm[1], norm[2]);
        var weights = WeightSet.From(LayoutOf(image, hidden, times), state, What, path, device);
        try
        {
            return new ConvolutionalDenoiser(image, hidden.Count, weights, device);
        }
        catch (ArgumentException e)
        {
            weights.Dispose();
            throw new InvalidDataException($"{path} must hold a schedule (beta_t), but it holds none: {e.Message}", e);
        }

        long[] Shape(string key, int axes) => WeightFile.ShapeOf(state, key, axes, What, path);
    }

    Tensor IWeightedDenoiser.Forward(Tensor noisy, Tensor times, Generator? dropout) => Predict(noisy, times);

    private static double[] Values(Tensor betas)
    {
        using var scope = NewDisposeScope();
        return betas.to(ScalarType.Float64, CPU).data<double>().ToArray();
    }

    private static Layout LayoutOf(ImageFormat image, IReadOnlyList<long> hidden, long times)
    {
        Layout layout = new();
        var schedule = NoiseSchedule.Linear((int)times);
        layout.Add("beta_t", [times], Given(schedule.Betas), trainable: false).Add("alpha_t", [times], Given(schedule.AlphaBars), trainable: false);
        layout.Add("gt.frequencies", [Frequencies], Given([.. Enumerable.Range(0, Frequencies).Select(i => i == 0 ? 0 : 2 * Math.PI * Math.Pow(1.5, i - 1))]), trainable: false);
        long width = image.Channels;
        for (int block = 0; block < hidden.Count; block++)
        {
            layout.Convolution($"gt.blocks.{block}.net.0", width, hidden[block], 7);
            width = hidden[block];
            layout.Add($"gt.blocks.{block}.net.1.weight", [width, image.Height, image.Width], Initial.Ones).Add($"gt.blocks.{block}.net.1.bias", [width, image.Height, image.Width], Initial.Zeros);
        }
        layout.Convolution($"gt.blocks.{hidden.Count}", width, image.Channels, 3);
        return layout.Linear("gt.time_embed.0", 2 * Frequencies, TimeWidth).Linear("gt.time_embed.2", TimeWidth, TimeWidth).Linear("gt.time_embed.4", TimeWidth, TimeWidth).Linear("gt.time_embed.6", TimeWidth, hidden[0]);

        static WeightInitial Given(IReadOnlyList<double> values) => (_, generator) => tensor(values.Select(value => (float)value).ToArray(), device: generator.device);
    }

    // Time as a share of T, at frequencies from 0 to 2π·1.5¹⁴.
    private Tensor EmbedTimes(Tensor times)
    {
        Tensor phases = times.Over(Schedule.Steps - 1).unsqueeze(1) * Weights["gt.frequencies"];
        Tensor x = cat([phases.sin(), phases.cos().Minus(1)], 1);
        foreach (string layer in (string[])["gt.time_embed.0", "gt.time_embed.2", "gt.time_embed.4"]) x = nn.functional.gelu(Weights.Linear(x, layer));
        return Weights.Linear(x, "gt.time_embed.6");
    }

    private Tensor Block(Tensor x, int block)
    {
        using var scope = NewDisposeScope();
        string layer = $"gt.blocks.{block}.net";
        Tensor h = Weights.Convolve(x, layer + ".0", padding: 3);
        Tensor scale = Weights[layer + ".1.weight"];
        return nn.functional.gelu(nn.functional.layer_norm(h, scale.shape, scale, Weights[layer + ".1.bias"])).MoveToOuterDisposeScope();
    }
}
