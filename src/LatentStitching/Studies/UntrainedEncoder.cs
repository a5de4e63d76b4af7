using LatentStitching.Models;

namespace LatentStitching.Studies;

/// <summary>The control of a network that has learnt nothing: pixels → 512 rectified units → latent, Gaussian weights, for images of any format.</summary>
/// <remarks>He et al., "Delving Deep into Rectifiers" (arXiv:1502.01852), eq. 10, for the weights' spread. It cannot decode.</remarks>
internal sealed class UntrainedEncoder : ILatentModel, IFingerprinted
{
    public const string ModelName = "untrained";
    private const long Hidden = 512;
    private const long Width = 128;

    private readonly Tensor _first;
    private readonly Tensor _second;
    private readonly ulong _seed;

    public UntrainedEncoder(ImageFormat image, ulong seed)
    {
        (Image, _seed, Latent) = (image, seed, LatentSpace.Vector(Width));
        using var scope = NewDisposeScope();
        using Generator generator = new(seed);
        _first = randn([image.PixelCount, Hidden], ScalarType.Float32, generator: generator).mul_(Math.Sqrt(2.0 / image.PixelCount)).DetachFromDisposeScope();
        _second = randn([Hidden, Width], ScalarType.Float32, generator: generator).mul_(Math.Sqrt(2.0 / Hidden)).DetachFromDisposeScope();
    }

    public string Name => ModelName;

    public ImageFormat Image { get; }

    public LatentSpace Latent { get; }

    public string Fingerprint => $"untrained {Image} {_seed}";

    public Tensor Encode(Tensor images)
    {
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        return images.flatten(1).sub(0.5).mm(_first).relu_().mm(_second).MoveToOuterDisposeScope();
    }

    public Tensor Decode(Tensor latents) => throw new NotSupportedException("The untrained control encodes only: it is never a target.");

    public object? GetService(Type serviceType)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceType.IsInstanceOfType(this) ? this : null;
    }

    public void Dispose()
    {
        _first.Dispose();
        _second.Dispose();
    }
}
