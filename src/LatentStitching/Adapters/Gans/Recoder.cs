using LatentStitching.Adapters.Autoencoders;
using LatentStitching.Adapters.Weights;
using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Gans;

/// <summary>An encoder for a generator: a convolutional network that was trained to find the latents of the generator's own images.</summary>
/// <remarks>
/// <para>Real images lie outside of what it has seen, so a model's own reconstruction of them can be worse than that of a map into its latent space: RecoderReport tells how well
/// it does on generated images that it has not seen, and <see cref="HybridInversion"/> mends what remains.</para>
/// <para>Thread safety: may be used from several threads at once, but not while it is trained.</para>
/// <para>Source: Asperti and Tonelli, "Comparing the latent space of generative models" (arXiv:2207.06812), whose "recoder" this is.</para>
/// </remarks>
public sealed class Recoder : IGanInversion, IDisposable, IDescribedInversion
{
    private const long BlockSize = 128;
    private readonly Device _device;
    private bool _disposed;

    private Recoder(RecoderOptions options, WeightSet weights, Device device)
    {
        Options = options;
        Weights = weights;
        _device = device;
    }

    /// <summary>The layout.</summary>
    public RecoderOptions Options { get; }

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount => Weights.ParameterCount;

    internal WeightSet Weights { get; }

    /// <summary>Makes an untrained recoder with seeded weights, as Keras begins them.</summary>
    /// <param name="options">The layout; the defaults if null.</param>
    /// <param name="device">Where it computes; the CPU if null.</param>
    /// <returns>The recoder, owned by the caller. Train it with <see cref="RecoderTrainer"/>.</returns>
    public static Recoder Create(RecoderOptions? options = null, Device? device = null)
    {
        options ??= new RecoderOptions();
        Device where = device ?? CPU;
        return new Recoder(options, WeightSet.Create(RecoderNetwork.LayoutOf(options), options.Seed, where), where);
    }

    /// <summary>Opens weights: what <see cref="SaveWeights"/> wrote, or a PyTorch state dictionary with the same keys, conv0.weight to dense.bias.</summary>
    /// <param name="path">The file. Nothing in it is executed.</param>
    /// <param name="options">The layout that the weights were made with.</param>
    /// <param name="container">Which part of a PyTorch file holds the weights, such as "state_dict" of a Lightning checkpoint; null for plain weights.</param>
    /// <param name="device">Where it computes; the CPU if null.</param>
    /// <returns>The recoder, owned by the caller.</returns>
    /// <exception cref="ArgumentException">The path is blank, or the container is not in the file, or is needed and null.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static Recoder Load(string path, RecoderOptions options, string? container = null, Device? device = null)
    {
        Guard.NotBlank(path);
        ArgumentNullException.ThrowIfNull(options);
        using StateDictionary state = WeightFile.Open(path, container);
        return From(options, state, path, device ?? CPU);
    }

    /// <summary>Writes the weights to a safetensors file.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        SafeTensors.Save(path, Weights.All, new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Options.Name });
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The generator has other images or another latent, or the images do not fit.</exception>
    public Tensor Invert(ILatentModel generator, Tensor images)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        RequireFit(generator);
        TensorGuard.Images(images, Options.Image, Options.Name);
        using var scope = NewDisposeScope();
        using var grad = set_grad_enabled(is_grad_enabled() && images.requires_grad);
        Device back = generator is LatentModel model ? model.Device : images.device;
        List<Tensor> blocks = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(images.size(0), BlockSize))
        {
            using var block = NewDisposeScope();
            blocks.Add(RecoderNetwork.Encode(Weights, Options, images.narrow(0, start, size).to(ScalarType.Float32, _device)).to(back).MoveToOuterDisposeScope());
        }
        return cat(blocks, 0).MoveToOuterDisposeScope();
    }

    /// <summary>Frees the weights.</summary>
    public void Dispose()
    {
        _disposed = true;
        Weights.Dispose();
    }

    ModelDescription IDescribedInversion.Describe()
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        return new ModelDescription("recoder", RecoderFolder.OptionsOf(Options), Weights.All).Without("recoderName", "recoderDropout");
    }

    internal static Recoder From(RecoderOptions options, StateDictionary state, string path, Device device) =>
        new(options, WeightSet.From(RecoderNetwork.LayoutOf(options), state, "a recoder of the layout given", path, device), device);

    internal void RequireFit(ILatentModel generator)
    {
        ArgumentNullException.ThrowIfNull(generator);
        if (generator.Image == Options.Image && generator.Latent.Dimension == Options.LatentDimension) return;
        throw new ArgumentException(
            $"generator must be one for {Options.Name}, which encodes {Options.Image} to {Options.LatentDimension}, but {generator.Name} decodes {generator.Latent.Dimension} to {generator.Image}.",
            nameof(generator));
    }
}
