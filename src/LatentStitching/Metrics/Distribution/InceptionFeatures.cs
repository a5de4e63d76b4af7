using LatentStitching.Checkpoints;
using LatentStitching.Numerics;

namespace LatentStitching.Metrics.Distribution;

/// <summary>Features of the Inception-v3 network that FID and KID are defined on, at one of its four taps.</summary>
/// <remarks>
/// <para>Taps: 64 and 192 features after the first and second pool, 768 before the auxiliary classifier, 2048 at the end (the published FID), each averaged over places. The studies' FID is 64.</para>
/// <para>Weights are the user's file pt_inception-2015-12-05 of pytorch-fid. Torchvision's Inception-v3 has the same keys but other weights: numbers made with it are no FID, and no text here can tell.</para>
/// <para>Source: Heusel, Ramsauer, Unterthiner, Nessler and Hochreiter (arXiv:1706.08500); Szegedy et al. (arXiv:1512.00567).</para>
/// </remarks>
public sealed class InceptionFeatures : IFeatureExtractor
{
    private const long Side = 299;
    private const long Batch = 16;
    private readonly InceptionNetwork _network;
    private readonly InceptionPreprocessing _preprocessing;
    private bool _disposed;

    private InceptionFeatures(InceptionNetwork network, long dimension, InceptionPreprocessing preprocessing)
    {
        _network = network;
        _preprocessing = preprocessing;
        Dimension = dimension;
        string way = preprocessing switch
        {
            InceptionPreprocessing.TensorFlow => "tensorflow",
            InceptionPreprocessing.PytorchFid => "pytorch-fid",
            _ => "clean-fid",
        };
        Signature = $"inception-{dimension},{way}";
    }

    /// <inheritdoc/>
    public string Signature { get; }

    /// <inheritdoc/>
    public long Dimension { get; }

    /// <summary>Opens weights.</summary>
    /// <param name="path">pytorch-fid's state dictionary, .pth or safetensors. Nothing in it is executed.</param>
    /// <param name="dimension">The tap: 64, 192, 768 or 2048.</param>
    /// <param name="preprocessing">How images become the network's input.</param>
    /// <param name="device">Where to compute; the CPU if null.</param>
    /// <returns>The extractor, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, there is no such tap, or the preprocessing is not of the enumeration.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static InceptionFeatures Load(string path, long dimension = 2048, InceptionPreprocessing preprocessing = InceptionPreprocessing.TensorFlow, Device? device = null)
    {
        Guard.NotBlank(path);
        Require(dimension, preprocessing);
        using StateDictionary state = StateDictionary.Load(path);
        return new InceptionFeatures(InceptionNetwork.From(state, path, device ?? CPU), dimension, preprocessing);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The images are not an RGB image batch in [0, 1].</exception>
    /// <exception cref="ObjectDisposedException">The extractor has been disposed.</exception>
    public Tensor Extract(Tensor images)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        TensorGuard.Images(images);
        if (images.size(1) != 3)
        {
            throw new ArgumentException($"images must have 3 channels, as Inception takes RGB, but the shape is {TensorGuard.Shape(images)}. Repeat a grey channel: x.expand(-1, 3, -1, -1).", nameof(images));
        }
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        Tensor features = empty(images.size(0), Dimension, ScalarType.Float32, _network.Device);
        foreach ((long start, long size) in CentredMatrix.Blocks(images.size(0), Batch))
        {
            using var block = NewDisposeScope();
            features.narrow(0, start, size).copy_(_network.Features(Prepare(images.narrow(0, start, size).to(ScalarType.Float32, _network.Device), _preprocessing), Dimension));
        }
        return features.MoveToOuterDisposeScope();
    }

    /// <summary>Frees the weights. A second call does nothing.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _network.Dispose();
    }

    /// <summary>The extractor from a state dictionary in memory.</summary>
    internal static InceptionFeatures Of(StateDictionary state, long dimension, InceptionPreprocessing preprocessing)
    {
        Require(dimension, preprocessing);
        return new InceptionFeatures(InceptionNetwork.From(state, "state", CPU), dimension, preprocessing);
    }

    /// <summary>float32 images in [0, 1] → [n, 3, 299, 299] around [−1, 1].</summary>
    internal static Tensor Prepare(Tensor images, InceptionPreprocessing preprocessing) => preprocessing switch
    {
        InceptionPreprocessing.TensorFlow => TensorFlowResize.Bilinear(Bytes(images), Side, Side).sub_(128).div_(128),
        InceptionPreprocessing.CleanFid => PillowResize.Floats(Bytes(images), Side, Side).clamp_(0, 255).sub_(128).div_(128),
        _ => nn.functional.interpolate(images, size: [Side, Side], mode: InterpolationMode.Bilinear, align_corners: false).mul(2).sub(1),
    };

    private static Tensor Bytes(Tensor images) => images.mul(255).round_();

    private static void Require(long dimension, InceptionPreprocessing preprocessing)
    {
        if (dimension is not (64 or 192 or 768 or 2048)) throw new ArgumentOutOfRangeException(nameof(dimension), $"dimension must be one of Inception's taps 64, 192, 768 and 2048, but it is {dimension}.");
        if (!Enum.IsDefined(preprocessing)) throw new ArgumentOutOfRangeException(nameof(preprocessing), $"preprocessing must be TensorFlow, PytorchFid or CleanFid, but it is {preprocessing}.");
    }
}
