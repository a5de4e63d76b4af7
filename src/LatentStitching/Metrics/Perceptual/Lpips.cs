using LatentStitching.Checkpoints;
using LatentStitching.Metrics.Reconstruction;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Perceptual;

/// <summary>Learned perceptual image patch similarity, version 0.1 with its linear heads: 0 for the same image; larger is less alike.</summary>
/// <remarks>
/// <para>d(x, x₀) = Σ_l 1/(H_l·W_l) Σ_hw w_l·(ŷ_hw^l − ŷ₀_hw^l)², with ŷ^l the activations of layer l divided at each place by their norm over channels plus 10⁻¹⁰. As the authors' code, which squares
/// before it weighs, and not as eq. (1) of the paper. Images in [0, 1] are mapped to [−1, 1] inside; they are not resized.</para>
/// <para>Weights are files of the user's: the network as torchvision publishes it (its classifier is not needed), the heads as PerceptualSimilarity publishes them (lpips/weights/v0.1/alex.pth, vgg.pth,
/// squeeze.pth), in .pth or safetensors. Nothing in them is executed. The signature does not tell whose weights they are.</para>
/// <para>Computed in float32, the means in float64. An image's value may differ in the seventh digit with the number of images beside it, as convolutions are arranged by it.</para>
/// <para>Thread safety: may measure from several threads at once, as long as none disposes it.</para>
/// <para>Source: Zhang, Isola, Efros, Shechtman and Wang, "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018 (arXiv:1801.03924), eq. (1).</para>
/// </remarks>
public sealed class Lpips : IPerImageMetric, IDisposable
{
    private const double Epsilon = 1e-10;

    private readonly Backbone _backbone;
    private readonly NetworkWeights _heads;
    private readonly Tensor _shift;
    private readonly Tensor _scale;
    private bool _disposed;

    private Lpips(LpipsNetwork network, Backbone backbone, NetworkWeights heads)
    {
        Network = network;
        _backbone = backbone;
        _heads = heads;
        using var scope = NewDisposeScope();
        // With x = 2p − 1: (x − shift) / scale = (p − (1 + shift)/2) / (scale/2).
        _shift = tensor(new[] { (1 - 0.030f) / 2, (1 - 0.088f) / 2, (1 - 0.188f) / 2 }).reshape(1, 3, 1, 1).to(backbone.Device).DetachFromDisposeScope();
        _scale = tensor(new[] { 0.458f / 2, 0.448f / 2, 0.450f / 2 }).reshape(1, 3, 1, 1).to(backbone.Device).DetachFromDisposeScope();
        string name = Name(network);
        Info = new()
        {
            Name = $"LPIPS ({name})",
            Direction = MetricDirection.LowerIsBetter,
            Unit = "perceptual distance",
            Reference = "Zhang, Isola, Efros, Shechtman and Wang, CVPR 2018 (arXiv:1801.03924), code version 0.1",
            Signature = $"lpips|net:{name}|version:0.1|heads:linear|eps:1e-10|resize:none",
        };
    }

    /// <inheritdoc/>
    public MetricInfo Info { get; }

    /// <summary>The network whose activations are compared.</summary>
    public LpipsNetwork Network { get; }

    /// <summary>Opens the weights.</summary>
    /// <param name="network">Which network.</param>
    /// <param name="backbone">The file with torchvision's state dictionary of it, .pth or safetensors; weights of other dtypes are converted to float32.</param>
    /// <param name="heads">The file with the authors' linear heads for it, "lin0.model.1.weight" and on.</param>
    /// <param name="device">Where to compute; the CPU if null.</param>
    /// <returns>The metric, owned by the caller.</returns>
    /// <exception cref="ArgumentException">A path is blank, or the network is not of the enumeration.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">A file is damaged or holds other weights; the text lists every missing, unexpected or misshapen key. Or a head is negative.</exception>
    public static Lpips Load(LpipsNetwork network, string backbone, string heads, Device? device = null)
    {
        if (!Enum.IsDefined(network)) throw new ArgumentOutOfRangeException(nameof(network), $"network must be AlexNet, Vgg16 or SqueezeNet, but it is {network}.");
        Guard.NotBlank(backbone);
        Guard.NotBlank(heads);
        using StateDictionary body = StateDictionary.Load(backbone), head = StateDictionary.Load(heads);
        return Of(network, body, head, device ?? CPU, backbone, heads);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A batch is not an RGB image batch in [0, 1], the shapes or devices differ, or a side is too short for the network (31, 16 and 17 pixels).</exception>
    /// <exception cref="ObjectDisposedException">The metric has been disposed.</exception>
    public MetricValue Evaluate(Tensor actual, Tensor reference, ulong seed = 0) => PairedErrors.Mean(Info, Values(actual, reference), seed);

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">The metric has been disposed.</exception>
    public IReadOnlyList<double> Measure(Tensor actual, Tensor reference) => Values(actual, reference);

    /// <summary>The distance at each place: each layer's map brought to the images' size (bilinear, corners not aligned), then summed.</summary>
    /// <param name="actual">Image batch [n, 3, h, w] in [0, 1]. Not disposed.</param>
    /// <param name="reference">Image batch of the same shape. Not disposed.</param>
    /// <returns>float32 [n, 1, h, w], on the device of the images, owned by the caller. Its mean is near the image's value but not equal to it.</returns>
    /// <exception cref="ArgumentException">A batch is not an RGB image batch in [0, 1], the shapes or devices differ, or a side is too short for the network.</exception>
    /// <exception cref="ObjectDisposedException">The metric has been disposed.</exception>
    public Tensor SpatialMap(Tensor actual, Tensor reference)
    {
        Require(actual, reference);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor map = zeros(actual.size(0), 1, actual.size(2), actual.size(3), ScalarType.Float32, actual.device);
        foreach ((long start, long size) in Blocks(actual))
        {
            using var block = NewDisposeScope();
            Tensor part = map.narrow(0, start, size);
            Compare(actual.narrow(0, start, size), reference.narrow(0, start, size), (layer, squares) =>
            {
                Tensor distances = nn.functional.conv2d(squares, _heads[Head(layer)]);
                part.add_(nn.functional.interpolate(distances, size: [actual.size(2), actual.size(3)], mode: InterpolationMode.Bilinear, align_corners: false).to(actual.device));
            });
        }
        return map.MoveToOuterDisposeScope();
    }

    /// <summary>The distance of each image as a tensor through which gradients flow to <paramref name="actual"/>: a loss to train or search by, such as the perceptual term of a latent optimisation.</summary>
    /// <param name="actual">Image batch [n, 3, h, w], floating point, in about [0, 1]: a generator's images before they are clamped will do. Not disposed.</param>
    /// <param name="reference">Image batch of the same shape, which gets no gradient. Not disposed.</param>
    /// <returns>float32 [n], on the device of the weights, owned by the caller: what <see cref="Measure"/> tells, up to rounding.</returns>
    /// <exception cref="ArgumentException">A batch is not an RGB image batch, the shapes differ, or a side is too short for the network.</exception>
    /// <exception cref="ObjectDisposedException">The metric has been disposed.</exception>
    public Tensor Distances(Tensor actual, Tensor reference)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        ArgumentNullException.ThrowIfNull(actual);
        ArgumentNullException.ThrowIfNull(reference);
        if (actual.dim() != 4 || !actual.is_floating_point()) throw new ArgumentException($"actual must be a floating-point image batch [n, 3, h, w], but it is {actual.dtype} {TensorGuard.Shape(actual)}.", nameof(actual));
        PairedErrors.RequireSameShape(actual, reference);
        RequireSize(actual);
        using var scope = NewDisposeScope();
        List<Tensor> fixedUnits = [];
        using (no_grad()) fixedUnits.AddRange(_backbone.Taps(Normalised(reference)).Select(Unit));
        Tensor total = zeros([actual.size(0)], ScalarType.Float32, _backbone.Device);
        int layer = 0;
        foreach (Tensor features in _backbone.Taps(Normalised(actual)))
        {
            Tensor squares = (Unit(features) - fixedUnits[layer]).square().mean([2, 3]);
            total = total + squares.mv(_heads[Head(layer++)].flatten());
        }
        return total.MoveToOuterDisposeScope();

        // The slope of a root at zero is infinite: places where no channel fires have none here.
        static Tensor Unit(Tensor features) => features / (features.square().sum([1], keepdim: true).clamp_min(Epsilon * Epsilon).sqrt() + Epsilon);
    }

    /// <summary>Frees the weights. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _backbone.Dispose();
        _heads.Dispose();
        _shift.Dispose();
        _scale.Dispose();
    }

    /// <summary>The metric from state dictionaries in memory, with the names that an error text gives them.</summary>
    internal static Lpips Of(LpipsNetwork network, StateDictionary backbone, StateDictionary heads, Device? device = null, string backboneName = "backbone", string headsName = "heads")
    {
        var body = Backbone.From(network, backbone, backboneName, device ?? CPU);
        try
        {
            return new Lpips(network, body, Heads(network, body, heads, headsName));
        }
        catch
        {
            body.Dispose();
            throw;
        }
    }

    /// <summary>Each layer's share of the distance of each image. float64 [n, layers], on the CPU.</summary>
    internal Tensor PerLayer(Tensor actual, Tensor reference)
    {
        Require(actual, reference);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor values = empty(actual.size(0), _backbone.Channels.Count, ScalarType.Float64);
        foreach ((long start, long size) in Blocks(actual))
        {
            using var block = NewDisposeScope();
            Tensor rows = values.narrow(0, start, size);
            Compare(actual.narrow(0, start, size), reference.narrow(0, start, size), (layer, squares) =>
            {
                // The mean over places and the weighing of channels are both linear, and this way round the places are read once.
                Tensor weights = _heads[Head(layer)].flatten().to_type(ScalarType.Float64);
                rows.select(1, layer).copy_(squares.mean([2, 3]).to_type(ScalarType.Float64).mv(weights));
            });
        }
        return values.MoveToOuterDisposeScope();
    }

    private IEnumerable<(long Start, long Size)> Blocks(Tensor images) =>
        CentredMatrix.Blocks(images.size(0), Math.Clamp(_backbone.BlockPixels / (images.size(2) * images.size(3)), 1, 128));

    private static string Name(LpipsNetwork network) => network switch
    {
        LpipsNetwork.AlexNet => "alex",
        LpipsNetwork.Vgg16 => "vgg",
        _ => "squeeze",
    };

    private static NetworkWeights Heads(LpipsNetwork network, Backbone backbone, StateDictionary state, string source)
    {
        IEnumerable<(string, long[])> layout = backbone.Channels.Select((channels, layer) => (Head(layer), (long[])[1, channels, 1, 1]));
        NetworkWeights heads = NetworkWeights.Of(state, source, $"the LPIPS heads for {Name(network)}", layout, static _ => false, backbone.Device);
        for (int layer = 0; layer < backbone.Channels.Count; layer++)
        {
            using Tensor least = heads[Head(layer)].min();
            if (least.ToDouble() >= 0) continue;
            heads.Dispose();
            throw new InvalidDataException($"{source} must hold heads of zero or more, as they were trained to be, but {Head(layer)} holds negative ones.");
        }
        return heads;
    }

    private static string Head(int layer) => $"lin{layer}.model.1.weight";

    /// <summary>Hands on the squared differences of the unit activations of each layer, [n, c, h, w], which are freed after the visit.</summary>
    private void Compare(Tensor actual, Tensor reference, Action<int, Tensor> visit)
    {
        long count = actual.size(0);
        // Both batches in one: half as many, larger products.
        Tensor both = cat([actual, reference], 0).to(ScalarType.Float32, _backbone.Device).sub_(_shift).div_(_scale);
        int layer = 0;
        foreach (Tensor features in _backbone.Taps(both))
        {
            using var scope = NewDisposeScope();
            Tensor unit = features / features.square().sum([1], keepdim: true).sqrt_().add_(Epsilon);
            visit(layer++, unit.narrow(0, 0, count).sub_(unit.narrow(0, count, count)).Squared());
        }
    }

    private double[] Values(Tensor actual, Tensor reference)
    {
        using Tensor layers = PerLayer(actual, reference);
        using Tensor sums = layers.sum([1]);
        return sums.data<double>().ToArray();
    }

    private void Require(Tensor actual, Tensor reference)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        PairedErrors.RequireImages(actual, reference);
        RequireSize(actual);
    }

    private Tensor Normalised(Tensor images) => (images.to(ScalarType.Float32, _backbone.Device) - _shift) / _scale;

    private void RequireSize(Tensor actual)
    {
        string shape = TensorGuard.Shape(actual);
        if (actual.size(1) != 3)
        {
            throw new ArgumentException($"actual must have 3 channels, as LPIPS compares RGB images, but its shape is {shape}. Repeat a grey channel in both: x.expand(-1, 3, -1, -1).", nameof(actual));
        }
        long least = _backbone.LeastSide;
        if (actual.size(2) >= least && actual.size(3) >= least) return;
        throw new ArgumentException($"actual must be at least {least} pixels high and wide for LPIPS ({Name(Network)}), but its shape is {shape}. Enlarge both images, or use Ssim.", nameof(actual));
    }
}
