using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Diffusion;

/// <summary>A diffusion model whose latent is the noise that its image came from: encoding walks up the schedule, decoding walks down the same one.</summary>
/// <remarks>
/// <para>Decode is DDIM or DPM-Solver++ without noise, so a latent has one image. Encode undoes DDIM's steps; with <see cref="DiffusionOptions.Refinements"/> the image comes back even at few
/// steps. The prior is N(0, I), of the image's own shape: one level "x_T".</para>
/// <para>On the CPU about 2¹⁵ pixels of a channel go through the network at once, 32 images of 32×32, unless <see cref="LatentModel.BatchSize"/> says otherwise: larger blocks are slower there.</para>
/// <para>Any network will do: one of the library's, or an <see cref="IDenoiser"/> or function of one's own.</para>
/// <para>Sources: Song, Meng and Ermon, "Denoising Diffusion Implicit Models" (arXiv:2010.02502), section 4; Ho, Jain and Abbeel, "Denoising Diffusion Probabilistic Models" (arXiv:2006.11239).</para>
/// </remarks>
public sealed class DiffusionModel : LatentModel, ILatentPrior
{
    internal const string Kind = "diffusion";

    // Pixels of a channel that a processor takes at once: a block's activations then stay in its cache, and below the size that the C library maps anew for every tensor.
    private const long BlockPixels = 1 << 15;
    private readonly IDenoiser _network;
    private readonly bool _owns;
    private readonly NoisePredictor _predictor;
    private readonly TimeGrid _encodeGrid;
    private readonly TimeGrid _decodeGrid;

    private DiffusionModel(IDenoiser network, NoiseSchedule schedule, DiffusionOptions options, bool owns)
        : base(options.Name, network.Image, LatentSpace.Of(("x_T", [network.Image.Channels, network.Image.Height, network.Image.Width])), network.Device)
    {
        options.Check(nameof(options));
        if (Device.type == DeviceType.CPU) BatchSize = Math.Clamp(BlockPixels / (Image.Height * Image.Width), 1, BatchSize);
        _network = network;
        _owns = owns;
        Schedule = schedule;
        Options = options;
        _predictor = new NoisePredictor(network.Predict, options.Prediction, options.ClipPrediction ? Bound : null);
        _encodeGrid = Grid(options.Steps);
        _decodeGrid = options.DecodeSteps is { } steps ? Grid(steps) : _encodeGrid;
        if (_decodeGrid.Times[^1] != _encodeGrid.Times[^1])
        {
            throw new ArgumentException(
                $"options must begin decoding where encoding ends, but {options.Spacing} spacing of {options.Steps} and {options.DecodeSteps} steps ends at {_encodeGrid.Times[^1]} and begins at {_decodeGrid.Times[^1]}. Use Trailing spacing.",
                nameof(options));
        }
    }

    /// <summary>The schedule.</summary>
    public NoiseSchedule Schedule { get; }

    /// <summary>The options.</summary>
    public DiffusionOptions Options { get; }

    internal IDenoiser Network => _network;

    private double Bound => Options.Range == NetworkRange.MinusHalfToHalf ? 0.5 : 1;

    /// <summary>Makes a model of a network.</summary>
    /// <param name="network">The network. It belongs to the model and is disposed with it; if the model is refused it stays the caller's.</param>
    /// <param name="schedule">The schedule that the network was trained with.</param>
    /// <param name="options">Options; the defaults if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">Options contradict each other or ask for more steps than the schedule has times.</exception>
    public static DiffusionModel FromNetwork(IDenoiser network, NoiseSchedule schedule, DiffusionOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(network);
        ArgumentNullException.ThrowIfNull(schedule);
        return new DiffusionModel(network, schedule, options ?? new DiffusionOptions(), owns: true);
    }

    /// <summary>Makes a model of a function, for example a TorchScript module's call.</summary>
    /// <param name="image">The images that the function takes.</param>
    /// <param name="predict">Noisy images [n, c, h, w] in the range of <see cref="DiffusionOptions.Range"/> and times [n] → prediction of the images' shape. What it holds is not disposed.</param>
    /// <param name="schedule">The schedule that the network was trained with.</param>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the function computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="ArgumentException">Options contradict each other or ask for more steps than the schedule has times.</exception>
    public static DiffusionModel FromFunction(ImageFormat image, Func<Tensor, Tensor, Tensor> predict, NoiseSchedule schedule, DiffusionOptions? options = null, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(image);
        ArgumentNullException.ThrowIfNull(predict);
        return FromNetwork(new DelegateDenoiser(image, predict, device ?? CPU), schedule, options);
    }

    /// <summary>Makes a second model of the same network with other options, for example another number of steps.</summary>
    /// <param name="options">The options.</param>
    /// <returns>The model, owned by the caller. The network still belongs to this model, which must outlive it.</returns>
    /// <exception cref="ArgumentException">Options contradict each other or ask for more steps than the schedule has times.</exception>
    public DiffusionModel With(DiffusionOptions options)
    {
        ThrowIfDisposed();
        ArgumentNullException.ThrowIfNull(options);
        return new DiffusionModel(_network, Schedule, options, owns: false);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public Tensor Sample(long count, ulong seed)
    {
        ThrowIfDisposed();
        Guard.Positive(count);
        using Generator generator = new(seed, Device);
        return randn([count, Latent.Dimension], Dtype, Device, generator: generator);
    }

    /// <summary>Draws images by ancestral sampling through every time of the schedule: Ho et al. (2020), algorithm 2.</summary>
    /// <param name="count">Number of images, at least 1. They are made in one batch.</param>
    /// <param name="seed">Seed: the same seed gives the same images on one machine.</param>
    /// <param name="variance">How much noise a step adds.</param>
    /// <returns>Image batch [count, c, h, w] in [0, 1], owned by the caller.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is not positive.</exception>
    public Tensor SampleAncestral(long count, ulong seed, AncestralVariance variance = AncestralVariance.Posterior)
    {
        ThrowIfDisposed();
        Guard.Positive(count);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        using Generator generator = new(seed, Device);
        long[] shape = [count, Image.Channels, Image.Height, Image.Width];
        Tensor x = AncestralSampler.Draw(randn(shape, Dtype, Device, generator: generator), Schedule, _predictor, variance, () => randn(shape, Dtype, Device, generator: generator));
        return FromNetworkRange(x).clamp(0, 1).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor EncodeCore(Tensor images)
    {
        Tensor x = ToNetworkRange(images);
        Tensor latent = Options.Compatibility == InversionCompatibility.PublishedOffByOne
            ? DdimSampler.EncodeOffByOne(x, _encodeGrid, Schedule.AlphaBars[^1], _predictor)
            : DdimSampler.Encode(x, _encodeGrid, _predictor, Options.Refinements);
        return latent.flatten(1);
    }

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents)
    {
        Tensor x = latents.reshape(-1, Image.Channels, Image.Height, Image.Width);
        return FromNetworkRange(Options.Solver == DiffusionSolver.Ddim
            ? DdimSampler.Decode(x, _decodeGrid, _predictor)
            : DpmSolver.Decode(x, _decodeGrid, _predictor, Options.SolverOrder, Options.Threshold, Bound));
    }

    /// <inheritdoc/>
    protected internal override ModelDescription? Describe() => _network is IWeightedDenoiser network ? DiffusionFolder.Describe(this, network) : null;

    internal override ModelDescription? DescribeEncoding() => Describe()?.Without("dropout", "decodeSteps", "threshold", "solver", "solverOrder");

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_owns) _network.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Pixels in [0, 1] → the network's.</summary>
    internal Tensor ToNetworkRange(Tensor images) => Options.Range switch
    {
        NetworkRange.MinusOneToOne => images.Times(2).Minus(1),
        NetworkRange.MinusHalfToHalf => images.Minus(0.5),
        _ => images,
    };

    private Tensor FromNetworkRange(Tensor x) => Options.Range switch
    {
        NetworkRange.MinusOneToOne => x.Plus(1).Over(2),
        NetworkRange.MinusHalfToHalf => x.Plus(0.5),
        _ => x,
    };

    private TimeGrid Grid(int steps) => TimeGrid.Of(Schedule, steps, Options.Spacing, Options.Offset, Options.SetAlphaToOne, "options");
}
