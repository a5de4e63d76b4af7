using LatentStitching.Checkpoints;
using LatentStitching.Models;
using LatentStitching.Numerics;

namespace LatentStitching.Adapters.Autoencoders;

/// <summary>A convolutional variational autoencoder in the layout of Burgess et al.: images of 64×64 or 32×32 pixels, 1 or 3 channels.</summary>
/// <remarks>
/// <para>Encode gives the posterior mean, which is deterministic; the whole posterior comes from <see cref="EncodePosterior"/>. The prior is N(0, I).</para>
/// <para>Opens the published PyTorch weights of YannDubs/disentangling-vae (VAE, β-VAE_H, β-VAE_B, β-TCVAE) and what <see cref="SaveWeights"/> wrote.</para>
/// <para>Sources: Burgess et al., "Understanding disentangling in β-VAE" (arXiv:1804.03599), appendix A.1; Kingma and Welling, "Auto-Encoding Variational Bayes" (arXiv:1312.6114).</para>
/// </remarks>
public sealed class Vae : LatentModel, ILatentPrior, IPosteriorEncoder
{
    private Vae(string name, ImageFormat image, long dimension, BurgessNetwork network, Device device)
        : base(name, image, LatentSpace.Vector(dimension), device) => Network = network;

    internal const string Kind = "burgess-vae";

    internal BurgessNetwork Network { get; }

    /// <summary>Number of trainable numbers.</summary>
    public long ParameterCount => Network.Weights.ParameterCount;

    /// <summary>Makes an untrained model with seeded weights.</summary>
    /// <param name="options">Options; the defaults if null.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller. Train it with <see cref="VaeTrainer"/>, or use it as the random-encoder control.</returns>
    public static Vae Create(VaeOptions? options = null, Device? device = null)
    {
        options ??= new VaeOptions();
        Device where = device ?? CPU;
        return new Vae(options.Name, options.Image, options.LatentDimension, BurgessNetwork.Create(options.Image, options.LatentDimension, options.Seed, where), where);
    }

    /// <summary>Opens weights: a PyTorch state dictionary of the published code, or a safetensors file with the same keys.</summary>
    /// <param name="path">The file. Image size, channels and latent width are read off the weights' shapes. Nothing in it is executed.</param>
    /// <param name="name">The name in reports; if null, the folder's name for a file called model.*, else the file's name.</param>
    /// <param name="device">Where the model computes; the CPU if null.</param>
    /// <returns>The model, owned by the caller.</returns>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is damaged, or holds other weights; the text lists every missing, unexpected or misshapen key.</exception>
    public static Vae Load(string path, string? name = null, Device? device = null)
    {
        Guard.NotBlank(path);
        using StateDictionary state = StateDictionary.Load(path);
        Device where = device ?? CPU;
        (BurgessNetwork network, ImageFormat image, long dimension) = BurgessNetwork.From(state, path, where);
        return new Vae(name ?? NameOf(path), image, dimension, network, where);
    }

    /// <summary>Writes the weights to a safetensors file under their published names.</summary>
    /// <param name="path">The file; an old one is replaced, never half.</param>
    /// <exception cref="IOException">The file cannot be written.</exception>
    public void SaveWeights(string path) =>
        SafeTensors.Save(path, Network.Weights.All, new Dictionary<string, string>(StringComparer.Ordinal) { ["name"] = Name });

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The batch has another shape or dtype, is empty, or leaves [0, 1].</exception>
    public (Tensor Mean, Tensor LogVariance) EncodePosterior(Tensor images)
    {
        ThrowIfDisposed();
        TensorGuard.Images(images, Image, Name);
        using var scope = NewDisposeScope();
        using var grad = no_grad();
        List<Tensor> means = [], logVariances = [];
        foreach ((long start, long size) in CentredMatrix.Blocks(images.size(0), BatchSize))
        {
            using var block = NewDisposeScope();
            (Tensor mean, Tensor logVariance) = Network.Encode(images.narrow(0, start, size).to(Dtype, Device));
            means.Add(mean.MoveToOuterDisposeScope());
            logVariances.Add(logVariance.MoveToOuterDisposeScope());
        }
        // The network gives both interleaved; without a copy each would keep the other's memory.
        return (cat(means, 0).contiguous().MoveToOuterDisposeScope(), cat(logVariances, 0).contiguous().MoveToOuterDisposeScope());
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

    /// <inheritdoc/>
    protected override Tensor EncodeCore(Tensor images) => Network.Encode(images).Mean;

    /// <inheritdoc/>
    protected override Tensor DecodeCore(Tensor latents) => Network.DecodeLogits(latents).sigmoid();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        Network.Dispose();
        base.Dispose(disposing);
    }

    /// <inheritdoc/>
    protected internal override ModelDescription Describe() => new(Kind, [], Network.Weights.All);

    internal static Vae Open(ModelFolder folder)
    {
        (BurgessNetwork network, ImageFormat image, long dimension) = BurgessNetwork.From(folder.Weights, folder.FolderPath, folder.Device);
        return new Vae(folder.Name, image, dimension, network, folder.Device);
    }

    private static string NameOf(string path)
    {
        string file = Path.GetFileNameWithoutExtension(path);
        string? folder = Path.GetFileName(Path.GetDirectoryName(Path.GetFullPath(path)));
        return file == "model" && !string.IsNullOrEmpty(folder) ? folder : file;
    }
}
